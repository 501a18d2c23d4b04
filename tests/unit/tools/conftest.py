"""A small group of real Go code, and a cache of its own, so that the builder really builds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import catalog, installed
from tools.catalog import Binary, Group

# The built-in println needs no package, so that a cold build is quick; it prints to standard error.
MAIN = """package main

var version = "unset"

func main() { println(version) }
"""


@pytest.fixture(scope="session")
def compiled_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Go build cache for the whole run: compiling Go's runtime anew for each test would take most of the time."""
    return tmp_path_factory.mktemp("go-build")


@pytest.fixture
def group(tmp_path: Path, compiled_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    """Two commands without dependencies; `broken.go` can be added to make the second fail."""
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(catalog, "HERE", tmp_path / "groups")
    folder = tmp_path / "groups" / "hello"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        (folder / name / "main.go").write_text(MAIN)
    (folder / "go.mod").write_text("module example.test/hello\n\ngo 1.26\n")
    (tmp_path / "cache" / "go").mkdir(parents=True)
    (tmp_path / "cache" / "go" / "build").symlink_to(compiled_runtime)
    installed.group_dir.cache_clear()
    binaries = tuple(Binary(name, f"./{name}", 1, ("main.version={number}",)) for name in ("one", "two"))
    yield Group("hello", "example.test/hello", binaries, version="v1.2.3")
    installed.group_dir.cache_clear()
