"""`slipway pr-comment`: what a pull request would change, as one comment on it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import tools
from slipway.commands.shared import Json
from slipway.console import err, out, print_json, step
from slipway.errors import UsageError
from slipway.manifests import checkout, render
from slipway.paths import project_dir
from slipway.platform import ENVIRONMENTS, declared
from slipway.preview import (
    ACTIONS,
    MARKER,
    Environment,
    PullRequest,
    StackPreview,
    State,
    comment,
    lost,
    post,
    read_digest,
    read_policies,
)

__all__ = ["pr_comment"]

GITHUB_API = "https://api.github.com"
_STACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_LINK = re.compile(r"https?://[^\s<>()\[\]{}\"'`|\\]+")
_REF = re.compile(r"refs/pull/(\d+)/merge")


def pr_comment(
    sources: Annotated[
        list[Path],
        typer.Option("--from", metavar="FILE", help="A result of `slipway preview <env> --json`; once per stack."),
    ],
    stacks: Annotated[
        list[str] | None,
        typer.Option("--stack", metavar="NAME", help="The stack of each --from, in the same order."),
    ] = None,
    events: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="The engine's event log of each --from, in the same order: the policies."),
    ] = None,
    bases: Annotated[
        list[Path] | None,
        typer.Option(
            "--base-from",
            metavar="FILE",
            help="For each --from the same for the base branch: compared where there is no state.",
        ),
    ] = None,
    base_ref: Annotated[
        str, typer.Option(metavar="REF", help="Also show what Argo CD prunes when this commit becomes the checkout.")
    ] = "",
    link: Annotated[str, typer.Option(metavar="URL", help="Where the full result can be read.")] = "",
    commit: Annotated[str, typer.Option(metavar="SHA", help="The commit that was previewed.")] = "",
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comment there.")] = None,
    posting: Annotated[
        bool, typer.Option("--post", help="Put the comment on the pull request. Needs GITHUB_TOKEN.")
    ] = False,
    pull_request: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", min=0, show_default=False, help="The pull request; default: the one of GITHUB_REF."
        ),
    ] = 0,
    author: Annotated[str, typer.Option(metavar="LOGIN", help="The account that the token writes as.")] = ACTIONS,
    as_json: Json = False,
) -> None:
    """Turn previews into one comment, and keep it up to date on the pull request.

    Exit 1 when a preview failed or was cut short, when a mandatory policy is violated, or when what Argo CD prunes
    cannot be known; the comment says so, and is written first.
    """
    if link and not _LINK.fullmatch(link):
        raise UsageError(f"{link!r} is no address", code="BAD_LINK", where="--link", remedy="an https:// address")
    target = _target(pull_request, author) if posting else None
    previews = _previews(sources, stacks or [], events or [], bases or [])
    environments = None
    if base_ref:
        environments = _pruned(base_ref)
    body, left_out = comment(previews, environments, link=link, commit=commit)
    if output is not None:
        _write(output, body)
    done = _post(target, body) if target else None
    if as_json:
        print_json(_summary(previews, environments, body, left_out, done))
    elif output is None and not posting:
        out.print(body, markup=False, end="")
    if reasons := _failures(previews, environments):
        for reason in reasons:
            err.print(reason, markup=False)
        raise typer.Exit(1)


def _previews(
    sources: Sequence[Path], stacks: Sequence[str], events: Sequence[Path], bases: Sequence[Path]
) -> list[StackPreview]:
    for option, given in (("--stack", stacks), ("--events", events), ("--base-from", bases)):
        if given and len(given) != len(sources):
            raise UsageError(
                f"{len(sources)} --from and {len(given)} {option}",
                code="UNEVEN_OPTIONS",
                where=option,
                remedy="give one for each --from, in the same order, or none",
            )
    if bad := [name for name in stacks if not _STACK.fullmatch(name)]:
        raise UsageError(f"{bad[0]!r} is no name of a stack", code="BAD_STACK", where="--stack")
    found = []
    for index, source in enumerate(sources):
        policies = read_policies(_read(events[index]), str(events[index])) if events else None
        stack = stacks[index] if stacks else ""
        base = _read(bases[index]) if bases else None
        found.append(read_digest(_read(source), stack=stack, policies=policies, where=str(source), base=base))
    names = [preview.stack for preview in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(f"two results are of the stack {twice!r}", code="STACK_TWICE", where="--from")
    return found


def _pruned(base_ref: str) -> list[Environment]:
    """What Argo CD would prune when this checkout takes the place of the commit `base_ref`."""
    project, kustomize = project_dir(), tools.locate("kustomize")
    automatic = {name: bool(declared(project, name, "sync").get("prune")) for name in ENVIRONMENTS}
    with step(f"overlays of {base_ref} and of this checkout") as current, checkout(base_ref, project) as before:

        def rendered(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
            root = before if folder.is_relative_to(before) else project
            current.say(str(folder.relative_to(root)))
            batch = render(folder, kustomize)
            return batch.objects, [str(problem).replace(f"{root}/", "") for problem in batch.problems]

        found = lost(before, project, automatic, rendered)
        current.result = f"{sum(len(item.objects) + len(item.applications) for item in found)} to prune"
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError("there is no such file", code="NO_FILE", where=str(file)) from None
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}", code="UNREADABLE", where=str(file)) from None
    except UnicodeDecodeError:
        raise UsageError("it is not text in UTF-8", code="UNREADABLE", where=str(file)) from None


def _write(file: Path, body: str) -> None:
    try:
        file.write_text(body, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"it cannot be written: {error.strerror}", code="UNWRITABLE", where=str(file)) from None


def _target(number: int, author: str) -> PullRequest:
    """Where the comment goes, from what GitHub Actions sets. The token comes from the environment only."""
    settings = {name: os.environ.get(name, "") for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY")}
    if missing := [name for name, value in settings.items() if not value]:
        raise UsageError(
            f"{' and '.join(missing)} must be set to post a comment",
            code="NO_GITHUB",
            remedy="GitHub Actions sets GITHUB_REPOSITORY; pass `GITHUB_TOKEN: ${{ github.token }}` as env",
        )
    if not number and (found := _REF.fullmatch(os.environ.get("GITHUB_REF", ""))):
        number = int(found[1])
    if not number:
        raise UsageError("which pull request?", code="NO_PULL_REQUEST", remedy="give --pull-request NUMBER")
    api = os.environ.get("GITHUB_API_URL") or GITHUB_API
    return PullRequest(api, settings["GITHUB_REPOSITORY"], number, settings["GITHUB_TOKEN"], author)


def _post(target: PullRequest, body: str) -> dict[str, str]:
    with step(f"comment on {target.repository}#{target.number}") as current:
        done, url = post(target, body, MARKER)
        current.result = f"{done} {url}".strip()
    return {"done": done, "url": url}


def _failures(previews: Sequence[StackPreview], environments: Sequence[Environment] | None) -> list[str]:
    """Why the command ends with 1."""
    reasons = []
    for preview in previews:
        if preview.state is not State.COMPLETE:
            what = "failed" if preview.state is State.FAILED else "left no result"
            reasons.append(f"{preview.stack}: the preview {what}")
        if preview.policies and (count := len(preview.policies.of("mandatory"))):
            reasons.append(f"{preview.stack}: mandatory policies are violated ({count})")
    reasons += [f"{item.name}: what Argo CD prunes is not known" for item in environments or () if item.unknown]
    return reasons


def _summary(
    previews: Sequence[StackPreview],
    environments: Sequence[Environment] | None,
    body: str,
    left_out: int,
    done: dict[str, str] | None,
) -> dict[str, Any]:
    return {
        "ok": not _failures(previews, environments),
        "stacks": [preview.as_dict() for preview in previews],
        "prunes": None if environments is None else [item.as_dict() for item in environments],
        "comment": {"bytes": len(body.encode()), "left_out": left_out, "posted": done},
    }
