"""`slipway tools`: what is built, from where, and building what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

import tools
from slipway.commands.shared import Json
from slipway.console import err, out, print_json, seconds
from slipway.errors import UsageError
from tools.builder import build as build_tools
from tools.builder import clean as clean_tools
from tools.catalog import CORE, GROUPS, Group

app = typer.Typer(help="The pinned tools: list them, build the missing ones.", no_args_is_help=True)


def _chosen(names: list[str]) -> list[Group]:
    known = {group.name: group for group in GROUPS}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"no tool group is called {unknown[0]!r}", code="UNKNOWN_GROUP", remedy=f"one of: {', '.join(known)}"
        )
    return [known[name] for name in names] or list(CORE)


@app.command("list")
def list_tools(as_json: Json = False) -> None:
    """Every tool with its version, the Go module it comes from and where it stands."""
    found = tools.inventory()
    if as_json:
        print_json([asdict(tool) for tool in found])
        return
    table = Table(box=None, header_style="bold")
    for column in ("tool", "version", "from", "source", "path"):
        table.add_column(column, overflow="fold")
    for tool in found:
        table.add_row(tool.name, tool.version, tool.module, tool.source, str(tool.path or "-"))
    out.print(table)


@app.command()
def build(
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be repeated.")] = None,
    keep_caches: Annotated[bool, typer.Option(help="Keep the Go module and build caches afterwards.")] = False,
    as_json: Json = False,
) -> None:
    """Build the tools that are neither on PATH at a fitting version nor in the user cache.

    Safe to interrupt and to run twice at once: what is done stays done.
    """
    done = build_tools(_chosen(group or []), keep_caches=keep_caches)
    if as_json:
        print_json([asdict(built) for built in done])
    elif done:
        err.print(f"built {len(done)} tools in {seconds(sum(built.seconds for built in done))} of compiling")
    else:
        err.print("every tool is there already")


@app.command()
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Also the versions that this checkout uses.")] = False,
    as_json: Json = False,
) -> None:
    """Delete built tools from the user cache: those of other versions, or all."""
    deleted = clean_tools(everything=everything)
    if as_json:
        print_json([str(path) for path in deleted])
    else:
        err.print(f"deleted {len(deleted)} groups of tools")
