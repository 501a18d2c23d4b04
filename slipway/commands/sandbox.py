"""`slipway sandbox`: the embedded Kubernetes, up and down."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from sandbox import logs as sandbox_logs
from sandbox import node
from sandbox import packages as sandbox_packages
from sandbox.settings import API_SERVER, layout
from sandbox.status import Status
from sandbox.status import status as look
from slipway.commands.shared import Json
from slipway.console import err, out, print_json, seconds, step
from slipway.errors import UsageError

app = typer.Typer(help="The embedded single-node Kubernetes: start it, look at it, take it away.", no_args_is_help=True)


@app.command()
def up(as_json: Json = False) -> None:
    """Start the sandbox, or repair it. Run again, it changes nothing."""
    with step("sandbox") as running:
        connection = node.up(running.say)
        running.result = f"node Ready, API {API_SERVER}"
    if as_json:
        # Not the connection itself: it holds passwords, and output ends up in logs.
        print_json(
            {
                "up": True,
                "kubeconfig": connection["kubeconfig"],
                "connection": str(layout().connection),
                "registry": connection["registry"],
                "git": connection["git"]["url"],
                "versions": connection["versions"],
                "seconds": round(running.elapsed, 1),
            }
        )


@app.command()
def down(as_json: Json = False) -> None:
    """Stop the sandbox and leave no process, mount, link, rule or cgroup behind. Its data stays."""
    with step("sandbox down") as running:
        stopped = node.down(running.say)
        running.result = "stopped" if stopped else "it was not running"
    if as_json:
        print_json({"stopped": stopped, "seconds": round(running.elapsed, 1)})


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False, as_json: Json = False) -> None:
    """Stop the sandbox and delete its state: cluster, registry, GitOps repository, certificates."""
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                f"this would delete {layout().root}, and nobody is there to ask",
                code="NOT_CONFIRMED",
                remedy="slipway sandbox reset --yes",
            )
        typer.confirm(f"Delete {layout().root} with everything in the cluster?", abort=True, err=True)
    with step("sandbox reset") as running:
        node.reset(running.say)
        running.result = "state deleted"
    if as_json:
        print_json({"reset": True, "seconds": round(running.elapsed, 1)})


@app.command()
def status(as_json: Json = False) -> None:
    """What runs, where it listens, and which versions differ from the declared ones. Exit 1 when something is wrong."""
    found = look()
    if as_json:
        print_json(found.as_dict())
    else:
        _print_status(found)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def logs(
    process: Annotated[str | None, typer.Argument(help="A process, as `status` names it; all when left out.")] = None,
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="Lines from the end of each log.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added, until Ctrl-C.")] = False,
    as_json: Json = False,
) -> None:
    """The ends of the processes' logs. With --json one document, with --follow too one per line."""
    found = sandbox_logs.ends(process, lines)
    if as_json and not follow:
        print_json(found)
        return
    for name, rows in found.items():
        for row in rows:
            _print_line(name, row, as_json=as_json, alone=process is not None)
    if follow:
        for name, row in sandbox_logs.follow(process):
            _print_line(name, row, as_json=as_json, alone=process is not None)


@app.command()
def packages(
    install: Annotated[bool, typer.Option("--install", help="Install what is missing; starts no service.")] = False,
    as_json: Json = False,
) -> None:
    """The Debian packages that the sandbox needs, and which of them are missing."""
    installed: list[str] = []
    if install:
        with step("Debian packages") as running:
            installed = sandbox_packages.install()
            running.result = ", ".join(installed) or "all there"
    absent = sandbox_packages.missing()
    if as_json:
        print_json({"needed": list(sandbox_packages.NEEDED), "missing": absent, "installed": installed})
    elif absent:
        for name in absent:
            out.print(f"{name}: {sandbox_packages.NEEDED[name]}", markup=False)
        err.print(f"install them: {sandbox_packages.command(absent)}", markup=False)
    elif not install:
        err.print("every package is installed")
    if absent:
        raise typer.Exit(1)


def _print_line(name: str, row: str, *, as_json: bool, alone: bool) -> None:
    plain = row if alone else f"{name}: {row}"
    sys.stdout.write((json.dumps({"process": name, "line": row}) if as_json else plain) + "\n")
    sys.stdout.flush()


def _print_status(found: Status) -> None:
    if found.processes:
        table = Table(box=None, header_style="bold")
        for column in ("process", "state", "pid", "uptime", "listens"):
            table.add_column(column)
        for row in found.processes:
            table.add_row(
                row.name, row.state, str(row.pid or "-"), seconds(row.uptime) if row.pid else "-", " ".join(row.listens)
            )
        out.print(table)
        out.print(f"node: {'Ready' if found.node_ready else 'not Ready'}; {found.node_message}", markup=False)
        out.print(f"pods: {found.pods}, of which {found.pods - len(found.pods_not_ready)} Ready", markup=False)
        for pod in found.pods_not_ready:
            out.print(f"  not Ready: {pod}", markup=False)
    if found.versions:
        out.print("what runs at another version than declared:")
        for version in found.versions:
            out.print(
                f"  {version['component']}: {version['declared']} runs as {version['runs']}; {version['reason']}",
                markup=False,
            )
    for problem in found.problems:
        err.print(f"[red]✗[/red] {escape(problem)}")
