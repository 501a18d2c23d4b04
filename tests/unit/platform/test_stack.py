"""The stack's settings: what is set for the engine, and what the user's own environment decides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.platform import stack
from slipway.platform.stack import Stack


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in list(os.environ):
        if name.startswith("PULUMI_"):
            monkeypatch.delenv(name)
    return Stack(tmp_path, "dev", {}, [])


def test_the_users_own_backend_and_passphrase_are_left_alone(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")

    assert {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(own.settings()) == set()


def test_the_default_passphrase_is_random_private_and_made_once(own: Stack) -> None:
    file = Path(own.settings()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    stack._make_passphrase(file)
    first = file.read_text()
    stack._make_passphrase(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(first) > 40
    assert file.read_text() == first


def test_an_unknown_environment_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dev, staging, prod"):
        Stack(tmp_path, "production", {}, [])


def test_an_error_of_the_engine_is_told_once_and_without_its_progress() -> None:
    lines = ["+ creating", "Diagnostics:", "kubernetes:core/v1:Service (traefik):", "error: port is allocated"]
    lines += ["pulumi:pulumi:Stack (dev):", "error: update failed", "error: port is allocated", "Resources:"]

    assert stack._diagnostics(lines) == ["error: port is allocated"]


def test_an_engine_that_died_without_diagnostics_is_quoted() -> None:
    assert stack._diagnostics(["starting", "panic: out of memory"]) == ["starting", "panic: out of memory"]
