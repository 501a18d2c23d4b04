"""`slipway gitops`: the repository that Argo CD reads."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from slipway.commands.shared import Json
from slipway.console import out, print_json, step
from slipway.gitops import Connection, GitOpsRepository, read_connection
from slipway.paths import project_dir, sandbox_dir

app = typer.Typer(help="The GitOps repository: make its first commit, see where it stands.", no_args_is_help=True)


def _connection() -> Connection:
    return read_connection(sandbox_dir() / "connection.json", os.environ)


def _repository() -> GitOpsRepository:
    known = _connection()
    return GitOpsRepository(known.url, known.username, known.password)


@app.command()
def seed(as_json: Json = False) -> None:
    """Fill an empty GitOps repository from apps/ of this checkout; one that has commits is left alone."""
    repository = _repository()
    with step("GitOps repository") as running:
        commit = repository.seed(project_dir() / "apps")
        running.result = f"seeded, commit {commit[:12]}" if commit else "has its commits already"
    if as_json:
        print_json({"url": repository.url, "seeded": commit is not None, "head": commit or repository.head()})


@app.command()
def clone(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")], as_json: Json = False) -> None:
    """Clone the GitOps repository to work in; `git push` there asks this command for the password."""
    repository = _repository()
    # Git runs a helper that begins with ! by the shell, in the clone's folder; -P keeps Python from importing what
    # somebody has committed there.
    ours = shlex.join(["env", f"SLIPWAY_PROJECT_DIR={project_dir()}", f"SLIPWAY_SANDBOX_DIR={sandbox_dir()}"])
    program = shlex.join([f"PYTHONPATH={project_dir()}", sys.executable, "-P", "-m", "slipway", "gitops", "credential"])
    helper = f"!{ours} {program}"
    commit = repository.clone(folder, helper)
    if as_json:
        print_json({"url": repository.url, "folder": str(folder), "head": commit})
    else:
        out.print(f"{folder} at {commit[:12]}", markup=False)


@app.command(hidden=True)
def credential(action: Annotated[str, typer.Argument(help="What Git asks: get, store or erase.")]) -> None:
    """Git's credential helper for the GitOps repository: answers only for its own address."""
    asked = dict(line.split("=", 1) for line in sys.stdin.read().splitlines() if "=" in line)
    known = _connection()
    own = urlsplit(known.url)
    address = (own.scheme, own.netloc.rpartition("@")[2])
    # The protocol too: the same host without TLS is another address.
    if action == "get" and (asked.get("protocol"), asked.get("host")) == address:
        sys.stdout.write(f"username={known.username}\npassword={known.password}\n")


@app.command()
def head(as_json: Json = False) -> None:
    """The commit that Argo CD should be at."""
    repository = _repository()
    commit = repository.head()
    if as_json:
        print_json({"url": repository.url, "head": commit})
    else:
        out.print(commit, markup=False)
