"""`slipway secrets scan`: a credential in Git is found where it is and where it was, and never shown."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from slipway.cli import main

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "README.md").write_text("an application\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "begin")
    return tmp_path


def test_a_clean_checkout_passes(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "scan", str(checkout), "--history"]) == 0
    assert "0 found in 1 tracked files and every commit" in capsys.readouterr().err


def test_a_tracked_token_is_found_with_its_line_and_not_shown(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "ci.yaml").write_text(f"a: 1\ntoken: {TOKEN}\n")
    _git(checkout, "add", ".")
    assert main(["secrets", "scan", str(checkout)]) == 1
    said = capsys.readouterr()
    assert "ci.yaml:2: " in said.out
    assert TOKEN not in said.out + said.err


def test_a_token_that_was_removed_again_is_found_in_the_history_only(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "ci.yaml").write_text(f"token: {TOKEN}\n")
    _git(checkout, "add", ".")
    _git(checkout, "commit", "-qm", "oh")
    _git(checkout, "rm", "-q", "ci.yaml")
    _git(checkout, "commit", "-qm", "oh no")

    assert main(["secrets", "scan", str(checkout), "--json"]) == 0
    capsys.readouterr()
    assert main(["secrets", "scan", str(checkout), "--history", "--json"]) == 1
    [found] = json.loads(capsys.readouterr().out)["found"]
    assert (found["file"], found["line"]) == ("ci.yaml", 1)
    assert len(found["commit"]) == 40


def test_a_folder_that_is_no_checkout_is_bad_usage(tmp_path: Path) -> None:
    assert main(["secrets", "scan", str(tmp_path)]) == 2


def test_a_checkout_without_a_commit_has_no_history(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    assert main(["secrets", "scan", str(tmp_path), "--history"]) == 0
