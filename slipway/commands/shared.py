"""What several commands need: the stack, the sandbox's cluster, and the options that they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

import tools
from slipway.connection import read_sandbox
from slipway.errors import UsageError
from slipway.paths import project_dir, sandbox_dir
from slipway.platform import ENVIRONMENTS, Stack
from slipway.platform.kube import Cluster
from tools.catalog import group_of, module_version

__all__ = ["Environment", "Json", "cluster", "connection", "stack"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _known(environment: str) -> str:
    if environment not in ENVIRONMENTS:
        raise UsageError(
            f"no environment is called {environment!r}",
            code="UNKNOWN_ENVIRONMENT",
            remedy=f"one of: {', '.join(ENVIRONMENTS)}",
        )
    return environment


Environment = Annotated[
    str,
    typer.Argument(
        help=f"The environment: {', '.join(ENVIRONMENTS)}.",
        metavar="ENV",
        callback=_known,
        autocompletion=lambda: list(ENVIRONMENTS),
    ),
]


def stack(environment: str) -> Stack:
    """The environment's Pulumi stack, with the engine and the provider that this checkout uses."""
    needed = ("pulumi", "pulumi-language-python", "pulumi-resource-kubernetes")
    paths = {name: tools.locate(name) for name in needed}
    provider = module_version(group_of("pulumi-resource-kubernetes")).removeprefix("v")
    return Stack(project_dir(), environment, paths, tools.bin_dirs(), provider)


@cache
def connection() -> dict[str, Any]:
    """What the sandbox says of itself. Raises `SlipwayError` (NO_SANDBOX) when it is not up."""
    return read_sandbox(sandbox_dir() / "connection.json")


def cluster() -> Cluster:
    """The sandbox's cluster."""
    return Cluster(tools.locate("kubectl"), Path(connection()["kubeconfig"]))
