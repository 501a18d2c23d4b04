"""Owns the GitHub provider of the stack: the one account that makes and changes repositories.

The token is the stack's secret configuration and never an environment variable, so that every run of a stack acts as
the same account. It does not make tokens, nor choose their scopes: docs/github.md says which are needed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_github as github
from pydantic import SecretStr

from components.errors import ProgramError

__all__ = ["PUBLIC_API", "GitHub", "GitHubArgs", "require_token"]

PUBLIC_API = "https://api.github.com/"
# The provider lets these win over its own settings.
_OWNER_VARIABLES = ("GITHUB_OWNER", "GITHUB_ORGANIZATION")


def require_token(
    token: SecretStr | None, owner: str, *, preview: bool, environment: Mapping[str, str] = os.environ
) -> bool:
    """True when there is a token. Otherwise a preview goes on without asking GitHub, and an update is refused."""
    for name in _OWNER_VARIABLES:
        if environment.get(name, owner).casefold() != owner.casefold():
            raise ProgramError(
                f"the environment variable {name} is '{environment[name]}', and the provider would obey it instead of "
                f"`slipway:github.owner`, which is '{owner}'",
                remedy=f"unset {name}",
            )
    if token is not None:
        return True
    reason = "`slipway:github.token` is missing"
    if preview:
        pulumi.log.warn(f"{reason}: previewing GitHub from the configuration alone")
        return False
    raise ProgramError(
        f"{reason}, so no repository can be changed",
        remedy="pulumi config set --secret --path slipway:github.token",
    )


@dataclass(frozen=True)
class GitHubArgs:
    """Whose repositories, and as whom."""

    # The organization or user that owns the repositories.
    owner: str
    # None talks to no GitHub: only a preview can do that.
    token: SecretStr | None
    # Of GitHub Enterprise Server; a path `api/v3` is added by the provider.
    base_url: str = PUBLIC_API
    # GitHub asks for a second between writes; only a server of one's own may be asked faster.
    write_delay_ms: int = 1000


class GitHub(pulumi.ComponentResource):
    """The provider."""

    provider: github.Provider
    mode: pulumi.Output[str]

    def __init__(self, name: str, args: GitHubArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:repository:GitHub", name, None, opts)
        self.provider = github.Provider(
            name,
            owner=args.owner,
            token=_unknown() if args.token is None else pulumi.Output.secret(args.token.get_secret_value()),
            base_url=args.base_url,
            write_delay_ms=args.write_delay_ms,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.mode = pulumi.Output.from_input("offline" if args.token is None else "online")
        self.register_outputs({"mode": self.mode})


def _unknown() -> pulumi.Output[str]:
    """A value as of a resource that is still to be made: the engine then leaves the provider alone."""

    def settled(value: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_event_loop().create_future()
        future.set_result(value)
        return future

    return pulumi.Output(set(), settled(pulumi.UNKNOWN), settled(False), settled(True))
