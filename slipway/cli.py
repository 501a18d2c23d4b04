"""The `slipway` command: the groups of commands, and how an error ends one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from slipway.commands import gitops, image, platform, pr_comment, rules, sandbox, score, tools, up, validate
from slipway.console import err, print_json
from slipway.errors import SlipwayError

app = typer.Typer(
    name="slipway",
    help="GitOps delivery on Pulumi, Kubernetes and Argo CD: the daily work, in one command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up.up)
app.command()(up.down)
app.command()(platform.preview)
app.command("pr-comment")(pr_comment.pr_comment)
app.command()(platform.smoke)
app.command("port-forward")(platform.port_forward)
app.command()(platform.env)
app.command()(validate.validate)
app.command()(score.score)
app.add_typer(rules.app, name="rules")
app.add_typer(image.app, name="image")
app.add_typer(gitops.app, name="gitops")
app.add_typer(platform.argocd, name="argocd")
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(tools.app, name="tools")

INTERRUPTED = 130
"""The status that Typer ends with on Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0 done, 1 the check failed, 2 bad usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        app(words, prog_name="slipway")
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
