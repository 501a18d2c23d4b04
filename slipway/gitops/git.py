"""The git program with an account, kept out of arguments, URLs, configuration files and logs."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import SlipwayError
from slipway.run import CommandFailed, run

__all__ = ["Git", "PushRejected"]

_TIMEOUT_S = 60
# Git's own words, not just the number: commits and addresses may hold it, too.
_FORBIDDEN = re.compile(r"returned error: 403\b|\bHTTP 403\b")


class PushRejected(SlipwayError):
    """Somebody pushed in between: take their commits and try again."""


class Git:
    """Runs git for one remote repository."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._environment = _environment(url, username, password)

    def __call__(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Run git and return what it prints."""
        try:
            return run(["git", *arguments], env=self._environment, cwd=cwd, timeout=_TIMEOUT_S).stdout.strip()
        except CommandFailed as failure:
            raise self._explained(failure) from failure

    def _explained(self, failure: CommandFailed) -> SlipwayError:
        said = failure.output
        if "non-fast-forward" in said or "fetch first" in said or "cannot lock ref" in said or "stale info" in said:
            return PushRejected(
                "somebody else pushed at the same time", code="GIT_CONFLICT", where=self._url, remedy="try again"
            )
        if "Authentication failed" in said or "could not read Username" in said or _FORBIDDEN.search(said):
            return SlipwayError(
                "the Git server refused the account",
                code="GIT_AUTH",
                where=self._url,
                remedy="check username and password (sandbox: .sandbox/connection.json), and that it may push",
            )
        if "unable to access" in said or "Could not resolve" in said:
            return SlipwayError(
                "the Git server does not answer",
                code="GIT_UNREACHABLE",
                where=self._url,
                remedy="slipway sandbox status",
            )
        return SlipwayError(failure.what, code="GIT_FAILED", where=self._url, remedy="read git's own words above")


def _environment(url: str, username: str, password: str) -> dict[str, str]:
    # A caller's GIT_DIR or GIT_INDEX_FILE (we may run inside a hook) would send commits to another repository.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith("GIT_SSL")}
    settings = {"init.defaultBranch": "main", "advice.detachedHead": "false", "commit.gpgSign": "false"}
    if password:
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        settings[f"http.{url}.extraHeader"] = f"Authorization: Basic {token}"
        settings["credential.helper"] = ""
    if _is_private(url):
        settings[f"http.{url}.proxy"] = ""
    numbered = {
        name: word
        for index, (key, value) in enumerate(settings.items())
        for name, word in ((f"GIT_CONFIG_KEY_{index}", key), (f"GIT_CONFIG_VALUE_{index}", value))
    }
    identity = {"GIT_COMMITTER_NAME": "slipway", "GIT_COMMITTER_EMAIL": "slipway@localhost"}
    identity |= {"GIT_AUTHOR_NAME": "slipway", "GIT_AUTHOR_EMAIL": "slipway@localhost"}
    return {
        **kept,
        **numbered,
        **identity,
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        # Errors are recognised by their words.
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "en",
    }


def _is_private(url: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_private
    except ValueError:
        return False
