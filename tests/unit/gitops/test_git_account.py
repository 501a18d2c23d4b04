"""The account reaches git and nobody else: not arguments, not configuration, not errors."""

from __future__ import annotations

import base64
import errno
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SlipwayError
from slipway.gitops import Connection, read_connection
from slipway.gitops.git import Git, PushRejected
from slipway.run import CommandFailed

URL = "http://10.244.0.1:3080/gitops.git"


def test_the_password_travels_by_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    def recorded(argv: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append((argv, env))
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr("slipway.gitops.git.run", recorded)
    Git(URL, "slipway", "hidden")("ls-remote", URL)

    argv, env = seen[0]
    token = base64.b64encode(b"slipway:hidden").decode()
    assert argv == ["git", "ls-remote", URL]
    assert f"Authorization: Basic {token}" in env.values()
    assert f"http.{URL}.extraHeader" in env.values()
    assert env["GIT_TERMINAL_PROMPT"] == "0"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("! [rejected] HEAD -> main (fetch first)", "GIT_CONFLICT"),
        ("! [rejected] HEAD -> main (non-fast-forward)", "GIT_CONFLICT"),
        ("remote: error: cannot lock ref 'refs/heads/main'", "GIT_CONFLICT"),
        ("fatal: Authentication failed for 'http://x'", "GIT_AUTH"),
        ("fatal: could not read Username for 'http://x': terminal prompts disabled", "GIT_AUTH"),
        ("fatal: unable to access 'http://x/': The requested URL returned error: 403", "GIT_AUTH"),
        ("error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403", "GIT_AUTH"),
        ("fatal: unable to access 'http://x': Failed to connect", "GIT_UNREACHABLE"),
        ("fatal: unable to access 'http://x:4030/': The requested URL returned error: 500", "GIT_UNREACHABLE"),
        ("fatal: bad object", "GIT_FAILED"),
        ("fatal: bad object 91403f2ad0c5", "GIT_FAILED"),
        ("error: 4030000 is not a commit", "GIT_FAILED"),
    ],
)
def test_gits_words_become_an_error_with_a_remedy(said: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise CommandFailed("`git push` ended with status 1", returncode=1, output=said)

    monkeypatch.setattr("slipway.gitops.git.run", failing)
    with pytest.raises(SlipwayError) as raised:
        Git(URL, "slipway", "hidden")("push")
    assert raised.value.code == code
    assert raised.value.remedy
    assert isinstance(raised.value, PushRejected) is (code == "GIT_CONFLICT")
    assert "hidden" not in str(raised.value)


def test_the_sandboxs_connection_is_read(tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(json.dumps({"registry": "r:1", "git": {"url": URL, "username": "u", "password": "p"}}))

    found = read_connection(file, {})
    assert found == Connection(URL, "u", "p", "r:1")
    assert "'p'" not in repr(found)


def test_the_environment_wins(tmp_path: Path) -> None:
    environment = {"SLIPWAY_GIT_URL": "https://git.example/o/r.git", "SLIPWAY_GIT_PASSWORD": "token"}

    found = read_connection(tmp_path / "nowhere", environment)
    assert (found.url, found.password, found.registry) == ("https://git.example/o/r.git", "token", "ghcr.io")


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "NO_SANDBOX"), ("{", "STATE_CORRUPT"), ("{}", "STATE_CORRUPT"), ("[]", "STATE_CORRUPT")],
)
def test_a_missing_or_broken_connection_says_what_to_do(tmp_path: Path, content: str | None, code: str) -> None:
    file = tmp_path / "connection.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SlipwayError) as raised:
        read_connection(file, {})
    assert raised.value.code == code
    assert raised.value.where == str(file)
    assert "sandbox up" in raised.value.remedy


def test_another_users_sandbox_asks_for_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Tests may run as root, whom no file mode refuses.
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(SlipwayError) as raised:
        read_connection(tmp_path / "connection.json", {})
    assert raised.value.code == "NOT_READABLE"
    assert "Permission denied" in raised.value.what
    assert "sudo" in raised.value.remedy
