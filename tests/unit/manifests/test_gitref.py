"""The files of a commit, with a real Git repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.manifests import checkout


def git(repository: Path, *arguments: str) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", repository, *arguments], env=clean | identity, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, a tag on the first, and work that was not committed."""
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch", "main")
    (place / "k8s").mkdir()
    (place / "k8s" / "pod.yaml").write_text("one\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "one")
    git(place, "tag", "v1")
    (place / "k8s" / "pod.yaml").write_text("two\n")
    git(place, "commit", "--quiet", "--all", "--message", "two")
    (place / "k8s" / "pod.yaml").write_text("three\n")
    return place


@pytest.mark.parametrize(("ref", "text"), [("v1", "one\n"), ("main", "two\n"), ("HEAD", "two\n"), ("HEAD~1", "one\n")])
def test_the_tree_of_a_ref_is_there_and_goes_away(repository: Path, ref: str, text: str) -> None:
    with checkout(ref, repository) as tree:
        assert (tree / "k8s" / "pod.yaml").read_text() == text
    assert not tree.exists()
    assert (repository / "k8s" / "pod.yaml").read_text() == "three\n"


def test_a_commit_by_its_hash_from_a_folder_within(repository: Path) -> None:
    with checkout(git(repository, "rev-parse", "v1"), repository / "k8s") as tree:
        assert (tree / "k8s" / "pod.yaml").read_text() == "one\n"


def test_a_work_tree_of_its_own_sees_the_same_commits(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    with checkout("v1", tmp_path / "other") as tree:
        assert (tree / "k8s" / "pod.yaml").read_text() == "one\n"


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "v1:k8s", "main..v1", ""])
def test_an_unknown_ref_is_a_usage_error(repository: Path, ref: str) -> None:
    with pytest.raises(UsageError) as error, checkout(ref, repository):
        pass
    assert error.value.code == "UNKNOWN_REF"
    assert "git fetch" in error.value.remedy


def test_a_near_name_is_proposed(repository: Path) -> None:
    with pytest.raises(UsageError, match="mian") as error, checkout("mian", repository):
        pass
    assert "did you mean main?" in error.value.remedy


def test_outside_of_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error, checkout("main", tmp_path):
        pass
    assert error.value.code == "NOT_A_CHECKOUT"


def test_no_file_can_hide_from_the_check(repository: Path) -> None:
    (repository / ".gitattributes").write_text("k8s/** export-ignore\n*.txt export-subst\n")
    (repository / "note.txt").write_text("$Format:%H$\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "hide")
    with checkout("main", repository) as tree:
        assert (tree / "k8s" / "pod.yaml").read_text() == "three\n"
        assert (tree / "note.txt").read_text() == "$Format:%H$\n"


def test_links_that_lead_out_are_left_out(repository: Path) -> None:
    (repository / "out.yaml").symlink_to("/etc/hostname")
    (repository / "up.yaml").symlink_to("../../x.yaml")
    (repository / "in.yaml").symlink_to("k8s/pod.yaml")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "links")
    with checkout("main", repository) as tree:
        assert sorted(path.name for path in tree.glob("*.yaml")) == ["in.yaml"]
