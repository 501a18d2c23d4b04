"""`slipway secrets`: look for credentials in Git, where they never belong."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from slipway.commands.progress import late_step
from slipway.commands.shared import Json
from slipway.console import err, out, print_json
from slipway.errors import SlipwayError, UsageError

app = typer.Typer(help="Credentials in Git.", no_args_is_help=True)

LARGEST = 10 * 1024 * 1024
"""Bytes of a tracked file that is looked at; beyond, it is data."""


@app.callback()
def secrets() -> None:
    """Credentials in Git."""


@dataclass(frozen=True)
class Found:
    """A credential: what and where, never its value."""

    file: str
    line: int
    kind: str
    commit: str = ""
    """The commit that added it; empty for a file as it is."""


@app.command()
def scan(
    repository: Annotated[Path, typer.Argument(help="A Git checkout.")] = Path(),
    history: Annotated[bool, typer.Option("--history", help="Every commit of every branch too.")] = False,
    as_json: Json = False,
) -> None:
    """Look for credentials in the tracked files, and with --history in all that was ever committed.

    Found are the forms of well-known tokens and keys, and random values behind a telling name. Exit 1 when there is
    one. A line that holds `not-a-secret` is an example and passes.
    """
    with late_step("looking for credentials") as running:
        files = _tracked(repository)
        found = list(_in_files(repository, files))
        if history:
            running.say("history")
            found += _in_history(repository)
    if as_json:
        print_json({"files": len(files), "history": history, "found": [asdict(one) for one in found]})
    else:
        for one in found:
            place = f"{one.commit[:12]}:{one.file}" if one.commit else one.file
            out.print(f"{place}:{one.line}: {one.kind}", markup=False)
        looked = f"{len(files):,} tracked files" + (" and every commit" if history else "")
        err.print(f"{len(found)} found in {looked}")
        if found:
            err.print("→ take it back where it was issued first: what was pushed is known. Then remove it.")
    if found:
        raise typer.Exit(1)


def _tracked(repository: Path) -> list[str]:
    try:
        listed = subprocess.run(
            ["git", "-C", str(repository), "ls-files", "-z"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SlipwayError("git is not on PATH", code="NO_GIT", remedy="install git") from None
    if listed.returncode != 0:
        raise UsageError(
            "no Git checkout", code="NO_CHECKOUT", where=str(repository), remedy="name a checkout's folder"
        )
    return [name for name in listed.stdout.split("\0") if name]


def _in_files(repository: Path, names: list[str]) -> Iterator[Found]:
    from slipway.rules.plaintext import scan as scan_text

    for name in names:
        file = repository / name
        # A link's text is another file's, or lies outside; a submodule is a folder.
        if file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
            continue
        text = file.read_bytes().decode("utf-8", "replace")
        yield from (Found(name, line, kind) for line, kind in scan_text(text, name))


def _in_history(repository: Path) -> Iterator[Found]:
    from slipway.rules.plaintext import scan_history

    # Plain, whatever the user's settings are.
    plain = ["--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/"]
    argv = ["git", "-C", str(repository), "log", "-p", "--all", "-m", *plain]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as log:
        assert log.stdout is not None
        assert log.stderr is not None
        for leak in scan_history(log.stdout):
            yield Found(leak.file, leak.line, leak.kind, leak.commit)
        complaint = log.stderr.read().strip()
    # A repository without a commit has no history, and no secret in it.
    if log.returncode != 0 and "does not have any commits" not in complaint:
        raise SlipwayError(f"git log failed: {complaint}", code="GIT_FAILED", where=str(repository))
