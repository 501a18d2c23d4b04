"""Looking at what runs: `env`, `smoke`, `port-forward`, `argocd password`."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import tools
from slipway.commands.shared import Environment, Json, cluster, connection, stack
from slipway.console import out, print_json, seconds
from slipway.errors import CheckFailed
from slipway.paths import project_dir, sandbox_dir
from slipway.platform import initial_password
from slipway.platform import smoke as ask_endpoints

argocd = typer.Typer(help="Argo CD's login.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="The application, as its folder under apps/ is called.")]

FORWARDED = {"http": (8081, 8080), "metrics": (9091, 9090)}
"""Local port and the application's port, for each of its two services."""


def env(environment: Environment = "dev") -> None:
    """Print shell settings: `eval "$(slipway env)"` puts the tools on PATH and points them at this checkout."""
    own = stack(environment)
    own.prepare()
    settings = own.settings()
    path = [str(project_dir() / ".venv" / "bin"), settings.pop("PATH")]
    kubeconfig = sandbox_dir() / "kubeconfig"
    if kubeconfig.exists():
        settings["KUBECONFIG"] = str(kubeconfig)
    for name, value in sorted(settings.items()):
        typer.echo(f"export {name}={shlex.quote(value)}")
    typer.echo(f"export PATH={shlex.quote(os.pathsep.join(path))}")


def preview(
    environment: Environment = "dev",
    diff: Annotated[bool, typer.Option("--diff", help="Show each change in full.")] = False,
    policies: Annotated[
        bool, typer.Option("--policies", help="Ask the policy pack too; a mandatory violation ends in exit 1.")
    ] = False,
    events: Annotated[
        Path | None,
        typer.Option(help="Write the engine's events there, one JSON a line: `--json` leaves policies out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what `pulumi up` would change; works without any cluster, and says so. Changes no file of the checkout."""
    own = stack(environment)
    own.prepare()
    pack = ["--policy-pack", str(project_dir() / "policies")] if policies else []
    options = [*(["--diff"] if diff else []), *(["--json"] if as_json else []), *pack]
    if own.preview(*options, events=events) != 0:
        raise typer.Exit(1)


def smoke(app: App, environment: Environment, as_json: Json = False) -> None:
    """Ask the application's three endpoints through the ingress; exit 1 unless all answer as they should."""
    ingress = connection()["ingress"]
    host = f"{app}.{environment}.{ingress['domain']}"
    probes = ask_endpoints(app, environment, address=f"127.0.0.1:{ingress['http_port']}", host=host)
    passed = sum(probe.ok for probe in probes)
    if as_json:
        print_json({"passed": passed, "total": len(probes), "endpoints": [vars(probe) for probe in probes]})
    else:
        for probe in probes:
            mark = "[green]✓[/green]" if probe.ok else "[red]✗[/red]"
            out.print(f"{mark} {probe.status:>3} {probe.url} ({seconds(probe.took)}) {escape(probe.detail)}")
        out.print(f"{passed}/{len(probes)} endpoints pass")
    if passed < len(probes):
        raise typer.Exit(1)


def port_forward(
    app: App,
    environment: Environment,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the mappings and the command.")] = False,
) -> None:
    """Reach the application without the ingress: 8081 and 9091 on this machine, until Ctrl-C."""
    mappings = [f"{local}:{port}" for local, port in FORWARDED.values()]
    kubeconfig = str(sandbox_dir() / "kubeconfig")
    argv = [str(tools.locate("kubectl")), "--kubeconfig", kubeconfig, "--namespace", f"{app}-{environment}"]
    argv += ["port-forward", f"service/{app}", *mappings]
    for name, (local, port) in FORWARDED.items():
        out.print(f"{name}: http://127.0.0.1:{local}/ → {port}")
    if dry_run:
        out.print(shlex.join(argv), markup=False)
        return
    connection()
    if (status := subprocess.run(argv, check=False).returncode) != 0:
        raise CheckFailed(f"kubectl port-forward ended with status {status}", code="PORT_FORWARD")


@argocd.command("password")
def password() -> None:
    """Print the password that Argo CD made for `admin` at its first start."""
    typer.echo(initial_password(cluster()))
