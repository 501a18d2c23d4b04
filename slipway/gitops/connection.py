"""Where the GitOps repository and the registry are, and with which account.

The environment wins (`SLIPWAY_GIT_URL`, `SLIPWAY_GIT_USERNAME`, `SLIPWAY_GIT_PASSWORD`, `SLIPWAY_REGISTRY`); without
it the sandbox's `connection.json` says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.errors import SlipwayError

__all__ = ["Connection", "read_connection"]


@dataclass(frozen=True)
class Connection:
    """The GitOps repository with its account, and the registry that images are pushed to."""

    url: str
    username: str
    password: str = field(repr=False)
    registry: str


def read_connection(file: Path, environment: Mapping[str, str]) -> Connection:
    """Read the connection; `file` is the sandbox's `connection.json`."""
    if url := environment.get("SLIPWAY_GIT_URL"):
        return Connection(
            url,
            environment.get("SLIPWAY_GIT_USERNAME", ""),
            environment.get("SLIPWAY_GIT_PASSWORD", ""),
            environment.get("SLIPWAY_REGISTRY", "ghcr.io"),
        )
    try:
        known = json.loads(file.read_text("utf-8"))
        git = known["git"]
        return Connection(git["url"], git["username"], git["password"], known["registry"])
    except FileNotFoundError as missing:
        raise SlipwayError(
            "the sandbox is not up, and SLIPWAY_GIT_URL is not set",
            code="NO_SANDBOX",
            where=str(file),
            remedy="slipway sandbox up",
        ) from missing
    except OSError as refused:
        # The sandbox is started by root, and only its user may read the accounts in this file.
        raise SlipwayError(
            f"the sandbox's connection cannot be read: {refused.strerror}",
            code="NOT_READABLE",
            where=str(file),
            remedy="run it with sudo, or as the user who started the sandbox",
        ) from refused
    except (ValueError, KeyError, TypeError) as broken:
        raise SlipwayError(
            f"not what the sandbox wrote: {broken!r}",
            code="STATE_CORRUPT",
            where=str(file),
            remedy="slipway sandbox up writes it anew",
        ) from broken
