"""Nothing of GitHub Actions' own settings reaches these tests, and GitHub is a fake on the loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.preview.fake_github import FakeGitHub, fake_github


@pytest.fixture(autouse=True)
def no_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github() as running:
        yield running
