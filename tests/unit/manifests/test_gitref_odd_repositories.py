"""Repositories that are damaged or unusual: the whole commit, or an error."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from slipway.errors import SlipwayError, UsageError
from slipway.manifests import checkout


def git(repository: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "gc.auto=0"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    argv = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(argv, env=clean, capture_output=True, text=True, check=True).stdout.strip()


def commit(place: Path, *options: str) -> Path:
    """A repository with one commit of three files."""
    place.mkdir(parents=True)
    git(place, "init", "--quiet", "--initial-branch", "main", *options)
    (place / ".gitattributes").write_text("hidden.yaml export-ignore\n")
    for name in ("a", "hidden", "z"):
        (place / f"{name}.yaml").write_text(f"name: {name}\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "one")
    return place


@pytest.mark.parametrize("lost", ["a.yaml", "z.yaml"])
def test_a_commit_with_a_lost_file_is_an_error_in_the_words_of_git(tmp_path: Path, lost: str) -> None:
    place = commit(tmp_path / "repository")
    # git has written whole blocks of the archive before it comes to the last file.
    for number in range(40):
        (place / f"b{number}.yaml").write_text("name: b\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "two")
    name = git(place, "rev-parse", f"HEAD:{lost}")
    (place / ".git/objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(SlipwayError) as error, checkout("main", place):
        pass
    assert error.value.code == "GIT_ARCHIVE"
    assert name in error.value.what


@pytest.mark.parametrize(
    ("name", "options"),
    [("a:b", []), ("sha256", ["--object-format=sha256"]), ('"quoted" #1', []), ("two words", []), ("ümlaut", [])],
)
def test_an_unusual_repository_is_read_whole(tmp_path: Path, name: str, options: list[str]) -> None:
    place = commit(tmp_path / name, *options)
    with checkout("main", place) as tree:
        assert sorted(path.name for path in tree.glob("*.yaml")) == ["a.yaml", "hidden.yaml", "z.yaml"]


def test_the_tree_has_no_link_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "link"))
    with checkout("main", commit(tmp_path / "repository")) as tree:
        assert tree.resolve() == tree


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = commit(tmp_path / "repository")
    deep = tmp_path
    # The repository's files still fit into a path; those of the checkout do not.
    while len(str(deep)) < 3800:
        deep = deep / ("d" * 200)
    deep.mkdir(parents=True)
    long = place.joinpath(*["e" * 100] * 5)
    long.mkdir(parents=True)
    (long / "pod.yaml").write_text("name: pod\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "two")
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(SlipwayError) as error, checkout("main", place):
        pass
    assert error.value.code == "GIT_ARCHIVE"


def test_a_branch_that_is_no_utf8_leaves_the_error_printable(tmp_path: Path) -> None:
    place = commit(tmp_path / "repository")
    (place / ".git/packed-refs").write_bytes(b"%s refs/heads/m\xe4in\n" % git(place, "rev-parse", "HEAD").encode())
    with pytest.raises(UsageError) as error, checkout("mxin", place):
        pass
    assert error.value.code == "UNKNOWN_REF"
    str(error.value).encode("utf-8")
