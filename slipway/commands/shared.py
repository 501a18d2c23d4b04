"""What several commands need: the stack, the sandbox's cluster, and the options that they share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

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
    # GitHub's provider is asked for only where the stack declares something there: `make up` does without.
    others = ["github"] if _declares_github(project_dir() / f"Pulumi.{environment}.yaml") else []
    plugins = {name: f"pulumi-resource-{name}" for name in ("kubernetes", *others)}
    paths = {name: tools.locate(name) for name in ("pulumi", "pulumi-language-python", *plugins.values())}
    versions = {name: module_version(group_of(plugin)).removeprefix("v") for name, plugin in plugins.items()}
    return Stack(project_dir(), environment, paths, tools.bin_dirs(), versions.pop("kubernetes"), versions)


def _declares_github(file: Path) -> bool:
    document = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None
    config = document.get("config") if isinstance(document, dict) else None
    return isinstance(config, dict) and any(key in config for key in ("slipway:github", "github"))


@cache
def connection() -> dict[str, Any]:
    """What the sandbox says of itself. Raises `SlipwayError` (NO_SANDBOX) when it is not up."""
    return read_sandbox(sandbox_dir() / "connection.json")


def cluster() -> Cluster:
    """The sandbox's cluster."""
    return Cluster(tools.locate("kubectl"), Path(connection()["kubeconfig"]))
