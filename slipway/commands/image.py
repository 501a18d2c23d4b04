"""`slipway image`: build an application's image, put it into Git, and see whether Git and the registry agree."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated

import typer

from sandbox.images import PYTHON_BASE
from slipway import images
from slipway.commands.shared import Environment, Json
from slipway.console import out, print_json, step
from slipway.errors import CheckFailed, UsageError
from slipway.gitops import Connection, GitOpsRepository, read_connection
from slipway.images.registry import is_local, path_in
from slipway.paths import sandbox_dir
from tools import locate

app = typer.Typer(help="Images of applications: build, set, inspect.", no_args_is_help=True)

App = Annotated[str, typer.Argument(help="The application: a folder of apps/.", metavar="APP")]


def _connection() -> Connection:
    return read_connection(sandbox_dir() / "connection.json", os.environ)


@app.command()
def build(
    name: App,
    push: Annotated[bool, typer.Option("--push", help="Push it; without, the build is only tried.")] = False,
    base_image: Annotated[str, typer.Option(help="Base image instead of the Dockerfile's.")] = "",
    as_json: Json = False,
) -> None:
    """Build apps/APP/Dockerfile under the tag of its sources; skipped when the registry has that tag."""
    registry = _connection().registry
    base = base_image or (PYTHON_BASE if is_local(registry) else None)
    with step(f"Image of {name}") as running:
        built = images.build(name, registry, base_image=base, push=push, say=running.say)
        running.result = built.tag if built.built else f"{built.tag} is in the registry already"
    if as_json:
        print_json(asdict(built))
    else:
        out.print(built.reference, markup=False)


@app.command("set")
def set_image(
    name: App,
    env: Environment,
    image: Annotated[str, typer.Argument(help="<tag> or <tag>@sha256:...; the registry gives a missing digest.")],
    trigger: Annotated[str, typer.Option(help="Why, for the commit's message.")] = "slipway image set",
    as_json: Json = False,
) -> None:
    """Commit the image to the environment's overlay in the GitOps repository; Argo CD takes it from there."""
    wanted = images.parse(image)
    connection = _connection()
    held = images.digest_of(connection.registry, path_in(images.repository_of(name)), wanted.tag)
    if held is None or (wanted.digest and held != wanted.digest):
        raise UsageError(
            f"the registry has no {name}:{image}" if held is None else f"the registry's {wanted.tag} is {held}",
            code="NO_SUCH_IMAGE",
            where=connection.registry,
            remedy=f"slipway image build {name} --push",
        )
    wanted = images.ImageRef(wanted.tag, held)
    with step(f"{name} {env}: {wanted.tag}") as running:
        commit = _repository(connection).set_image(name, env, wanted, trigger)
        running.result = f"commit {commit[:12]}" if commit else "unchanged"
    if as_json:
        print_json({"app": name, "env": env, "tag": wanted.tag, "digest": wanted.digest, "commit": commit})


@app.command()
def inspect(name: App, env: Environment, as_json: Json = False) -> None:
    """Tag and digest that Git declares, and whether the registry holds exactly that; exit 1 when not."""
    connection = _connection()
    declared = _repository(connection).image(name, env)
    held = images.digest_of(connection.registry, path_in(images.repository_of(name)), declared.tag)
    result = {"app": name, "env": env, "tag": declared.tag, "digest": declared.digest, "registry_digest": held}
    if declared.digest != (held or "-"):
        in_git, in_registry = declared.digest or "no digest", held or "no such tag"
        raise CheckFailed(
            f"Git declares {in_git} for {declared.tag}, the registry holds {in_registry}",
            code="DIGEST_MISMATCH",
            where=f"{name} {env}",
            remedy=f"slipway image build {name} --push, then slipway image set {name} {env} <tag>",
        )
    if as_json:
        print_json(result)
    else:
        out.print(f"{name} {env}  {declared.tag}  {declared.digest}", markup=False)


def _repository(connection: Connection) -> GitOpsRepository:
    return GitOpsRepository(connection.url, connection.username, connection.password, kustomize=locate("kustomize"))
