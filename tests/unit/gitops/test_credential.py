"""The credential helper of a clone: whom it answers, and what a hostile commit cannot make of it."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from slipway.cli import main


@pytest.mark.parametrize(
    ("protocol", "host", "answers"),
    [
        ("http", "git.example.test:3080", True),
        ("https", "git.example.test:3080", False),
        ("http", "git.example.test", False),
        ("http", "elsewhere.example.test:3080", False),
    ],
)
def test_the_password_is_given_for_the_repositorys_own_address_only(
    protocol: str, host: str, answers: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_GIT_URL", "http://git.example.test:3080/gitops.git")
    monkeypatch.setenv("SLIPWAY_GIT_USERNAME", "writer")
    monkeypatch.setenv("SLIPWAY_GIT_PASSWORD", "hush")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"protocol={protocol}\nhost={host}\n"))

    assert main(["gitops", "credential", "get"]) == 0
    assert (capsys.readouterr().out == "username=writer\npassword=hush\n") is answers


def test_a_module_that_somebody_committed_is_not_run_by_the_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, clone = tmp_path / "remote.git", tmp_path / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    monkeypatch.setenv("SLIPWAY_GIT_URL", str(remote))
    assert main(["gitops", "seed"]) == 0
    assert main(["gitops", "clone", str(clone)]) == 0
    (clone / "slipway").mkdir()
    for name in ("__init__.py", "__main__.py"):
        (clone / "slipway" / name).write_text("print('hostile')\n")
    helpers = subprocess.run(
        ["git", "-C", clone, "config", "--local", "--get-all", "credential.helper"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    # As Git runs it: by the shell, in the clone.
    ran = subprocess.run(
        f"{helpers[1].removeprefix('!')} get",
        shell=True,
        cwd=clone,
        input="",
        capture_output=True,
        text=True,
        check=True,
    )

    # The user's own helpers, which would store the password, are dropped by the empty one.
    assert helpers[0] == ""
    assert "hostile" not in ran.stdout + ran.stderr
