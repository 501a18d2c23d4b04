"""The options that `validate` and `score` share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer

from slipway.commands.rules import SeverityName, complete_rule
from slipway.paths import project_dir

__all__ = ["FailOn", "Format", "Request", "takes_request"]

EXEMPTIONS = "exemptions.yaml"


class EnvironmentName(StrEnum):
    """The environments; each has its own rules and severities."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class Format(StrEnum):
    """The forms of a report."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    HTML = "html"


class FailOn(StrEnum):
    """From which severity on a finding fails the check."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ADVISORY = "advisory"
    NONE = "none"


def _complete_target(incomplete: str) -> list[str]:
    """Applications, when nothing is typed yet; the shell itself completes files."""
    apps = project_dir() / "apps"
    names = [f"apps/{folder.name}" for folder in sorted(apps.glob("*/")) if (folder / "k8s").is_dir()]
    return [name for name in names if name.startswith(incomplete)]


@dataclass(frozen=True)
class Request:
    """The options of a check, as the command line gives them."""

    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="A file, a folder, a folder with a kustomization, an application, or - for standard input; "
            "every application under apps/ when none is named.",
            autocompletion=_complete_target,
        ),
    ] = None
    ref: Annotated[str, typer.Option(metavar="REF", help="Read a commit, branch or tag instead of the files.")] = ""
    live: Annotated[str, typer.Option(metavar="NAMESPACE", help="Read a namespace of a running cluster instead.")] = ""
    kubeconfig: Annotated[Path | None, typer.Option(help="The cluster of --live; the sandbox by default.")] = None
    context: Annotated[str, typer.Option(help="The context in --kubeconfig.")] = ""
    env: Annotated[
        EnvironmentName | None,
        typer.Option(help="Judge as in this environment, and only its overlays; each overlay's own by default."),
    ] = None
    kubernetes_version: Annotated[
        str, typer.Option(metavar="VERSION", help="The target, as 1.36; the sandbox's by default.")
    ] = ""
    crds: Annotated[
        list[Path] | None,
        typer.Option(help="A file or folder of CustomResourceDefinitions, besides the platform's own. Repeatable."),
    ] = None
    exemptions: Annotated[
        Path | None, typer.Option(help=f"The file of exemptions; {EXEMPTIONS} at the root of the checkout by default.")
    ] = None
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Ask only this rule. Repeatable.", autocompletion=complete_rule),
    ] = None
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Do not ask this rule. Repeatable.", autocompletion=complete_rule),
    ] = None
    severity: Annotated[SeverityName, typer.Option(help="List findings from this severity on.")] = SeverityName.ADVISORY
    fail_on: Annotated[FailOn, typer.Option(help="Exit 1 for findings from this severity on.")] = FailOn.MEDIUM
    format: Annotated[Format, typer.Option("--format", "-f", help="The form of the report.")] = Format.TEXT
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report to this file; a summary is still shown.")
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False

    @property
    def form(self) -> Format:
        """The form that the report is to have."""
        return Format.JSON if self.as_json else self.format


P = ParamSpec("P")


def takes_request(**defaults: Any) -> Callable[[Callable[Concatenate[Request, P], None]], Callable[..., None]]:
    """Give a command the options of `Request` before its own; `defaults` differ from those of `Request`."""

    def decorate(command: Callable[Concatenate[Request, P], None]) -> Callable[..., None]:
        hints = get_type_hints(Request, include_extras=True)
        shared = [
            _option(item.name, defaults.get(item.name, item.default), hints[item.name]) for item in fields(Request)
        ]
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        @wraps(command)
        def run(**values: Any) -> None:
            request = Request(**{option.name: values.pop(option.name) for option in shared})
            command(request, **values)  # type: ignore[call-arg]

        keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        run.__signature__ = inspect.Signature([*shared, *keyword])  # type: ignore[attr-defined]
        return run

    return decorate


def _option(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
