"""The `slipway` command: the groups of commands, and how an error ends one."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence

import typer

from slipway.console import err, print_json
from slipway.errors import SlipwayError

COMMANDS = {
    "up": "up.up",
    "down": "up.down",
    "preview": "platform.preview",
    "pr-comment": "pr_comment.pr_comment",
    "smoke": "platform.smoke",
    "port-forward": "platform.port_forward",
    "env": "platform.env",
    "validate": "validate.validate",
    "score": "score.score",
    "rules": "rules.app",
    "secrets": "secrets.app",
    "image": "image.app",
    "gitops": "gitops.app",
    "argocd": "platform.argocd",
    "sandbox": "sandbox.app",
    "tools": "tools.app",
}
"""Command -> where it is below `slipway.commands`, in the order of `slipway --help`."""
_COMPLETING = "_SLIPWAY_COMPLETE"

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""How writing to a disk or a device fails."""

INTERRUPTED = 130
"""The status that Typer ends with on Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 the check failed, 2 bad usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(words)
        # What is still in the buffer would fail later, where nobody can say so.
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            _forget_output()
            return 1
        if error.errno not in _FULL or error.filename is not None:
            raise
        _forget_output()
        err.print(f"[bold red]error[/bold red] OUTPUT: the result cannot be written: {error.strerror}")
        return 1
    return status


def _forget_output() -> None:
    """Python writes the rest of the buffer at its end, and would show a traceback."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    try:
        application(words)(words, prog_name="slipway")
    except SlipwayError as error:
        if "--json" in words:
            print_json(error.as_dict())
        err.print(f"[bold red]error[/bold red] {error.code}:", end=" ")
        err.print(str(error), markup=False)
        return error.exit_code
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            err.print("interrupted; run the same command again to go on")
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def application(words: Sequence[str] = ()) -> typer.Typer:
    """The command line. Where the words name a command, only its code is imported: all of it takes 0.4 s."""
    app = typer.Typer(
        name="slipway",
        help="GitOps delivery on Pulumi, Kubernetes and Argo CD: the daily work, in one command.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        # Without a callback, an application of one command has no name for it.
        callback=lambda: None,
    )
    known = words and words[0] in COMMANDS and _COMPLETING not in os.environ
    for name in words[:1] if known else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(".")
        command = getattr(importlib.import_module(f"slipway.commands.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app
