"""Where the GitOps repository and the registry are, and with which account.

The environment wins (`SLIPWAY_GIT_URL`, `SLIPWAY_GIT_USERNAME`, `SLIPWAY_GIT_PASSWORD`, `SLIPWAY_REGISTRY`); without
it the sandbox's `connection.json` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.connection import not_what_the_sandbox_wrote, read_sandbox

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
    known = read_sandbox(file, nor="SLIPWAY_GIT_URL")
    try:
        git = known["git"]
        return Connection(git["url"], git["username"], git["password"], known["registry"])
    except (KeyError, TypeError) as broken:
        raise not_what_the_sandbox_wrote(file, broken) from broken
