"""The comment on a pull request: what a merge would change on each stack, in GitHub's Markdown.

Every stack in one comment, so that a pull request has one place to look at. It names resources and property paths and
shows no value: the engine blinds what it knows to be secret, and this comment does not depend on it. The same input
gives the same text: no time, no duration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slipway.preview.budget import LIMIT, Listing, fit
from slipway.preview.digest import Urn
from slipway.preview.markdown import code, fence
from slipway.preview.model import Action, Change, PathChange, PolicyFinding, StackPreview, State
from slipway.preview.prune import Environment, Pruned

__all__ = ["MARKER", "comment"]

MARKER = "<!-- slipway:preview -->"
"""The first line of the comment; GitHub does not show it."""

PROD = "prod"
_MOST_PATHS = 12
_MESSAGE = 600
_SIGNS = {"add": "+", "delete": "-", "update": ""}

# What stays longest when the comment is too long.
_ERRORS, _LOUD, _MANDATORY, _DELETED, _PRUNED, _UPDATED, _ADVISORY, _CREATED, _UNKNOWN, _WARNINGS = range(10)


def comment(
    previews: Sequence[StackPreview],
    environments: Sequence[Environment] | None = None,
    *,
    link: str = "",
    commit: str = "",
    limit: int = LIMIT,
) -> tuple[str, int]:
    """The Markdown, and how many entries GitHub's limit left out of it.

    `environments` is None when the overlays were not compared; `link` leads to the full result.
    """
    parts: list[str | Listing] = [f"{MARKER}\n## What a merge would change\n\n", *_alerts(previews), _table(previews)]
    for preview in previews:
        parts += _stack(preview)
    if environments is not None:
        parts += _prunes(environments)
    parts.append(_foot(link, commit))
    return fit(parts, limit)


def _alerts(previews: Sequence[StackPreview]) -> Iterable[str | Listing]:
    """What nobody may overlook, first."""
    for preview in previews:
        if preview.state is not State.COMPLETE:
            told = "failed" if preview.state is State.FAILED else "left no result: it was cut short"
            yield (
                f"> [!CAUTION]\n> The preview of **{preview.stack}** {told}. "
                "What a merge would change is **not known**.\n\n"
            )
        if blocked := preview.policies.of("mandatory") if preview.policies else []:
            yield (
                f"> [!CAUTION]\n> **{preview.stack}** violates mandatory policies ({_count(len(blocked), 'finding')}), "
                "so this check fails.\n\n"
            )
        if loud := [*map(_loud, _losses(preview))]:
            yield Listing(_LOUD, tuple(loud), head=f"> [!WARNING]\n> **{preview.stack}** would lose:\n", tail="\n")


def _losses(preview: StackPreview) -> list[Change]:
    """What is protected and goes, or loses its protection; and in prod everything that goes."""
    prod = preview.environment == PROD
    gone = (Action.DELETED, Action.REPLACED)
    return [
        change
        for change in preview.changes
        if change.unprotected or (change.action in gone and (prod or change.protected))
    ]


def _loud(change: Change) -> str:
    if change.unprotected:
        return f"> - {_resource(change)} is **no longer protected** from deletion\n"
    what = "is **deleted**" if change.action is Action.DELETED else "is **replaced**: deleted and made again"
    return f"> - {_resource(change)} {what}{', and is **protected**' if change.protected else ''}\n"


def _table(previews: Sequence[StackPreview]) -> str:
    columns = (Action.CREATED, Action.UPDATED, Action.REPLACED, Action.DELETED, Action.UNCHANGED)
    rows = [
        f"| | stack | {' | '.join(columns)} | resources | policies |\n",
        f"|:-:|:--|{'--:|' * len(columns)}:--|:--|\n",
    ]
    for preview in previews:
        known = preview.state is State.COMPLETE
        counts = [str(preview.counts.get(action, 0)) if known else "?" for action in columns]
        mark = "✅" if preview.ok else "❌"
        rows.append(
            f"| {mark} | **{preview.stack}** | {' | '.join(counts)} | {_size(preview)} | {_verdict(preview)} |\n"
        )
    if all(preview.state is State.COMPLETE and not preview.changes for preview in previews):
        rows.append("\nNo stack changes.\n")
    return "".join(rows) + "\n"


def _size(preview: StackPreview) -> str:
    if preview.size is None:
        return "not known"
    before, after = preview.size.before, preview.size.after
    cost = f"{preview.size.cost:+d}" if preview.size.cost else "±0"
    return f"{cost}, {before} → {after}"


def _verdict(preview: StackPreview) -> str:
    policies = preview.policies
    if policies is None:
        return "not checked"
    if not policies.packs:
        return "none ran" if preview.state is State.COMPLETE else "not known"
    counted = ((len(policies.of("mandatory")), "mandatory"), (len(policies.of("advisory")), "advisory"))
    told = [f"{count} {level}" for count, level in counted if count]
    told = told or ["no violation"]
    if policies.unknown:
        told.append(f"{len(policies.unknown)} not yet known")
    return ", ".join(told) + ("" if preview.state is State.COMPLETE else " so far")


def _stack(preview: StackPreview) -> Iterable[str | Listing]:
    parts = [*_details(preview)]
    if parts:
        yield f"### {preview.stack}\n\n"
        yield from parts


def _details(preview: StackPreview) -> Iterable[str | Listing]:
    if preview.errors:
        blocks = tuple(f"{fence(message)}\n\n" for message in preview.errors)
        yield Listing(_ERRORS, blocks)
    if preview.state is State.COMPLETE and preview.size is not None and preview.size.before == 0:
        yield "Nothing of this stack is in the state that it was compared with, so everything is new.\n\n"
    if preview.stateless:
        yield (
            "Compared with a preview of the base branch, not with what is deployed: whether an update needs a "
            "replacement, and whether a secret changes, is not known.\n\n"
        )
    if findings := preview.policies.of("mandatory") if preview.policies else []:
        yield Listing(_MANDATORY, tuple(map(_finding, findings)), head="**Mandatory policies violated**\n\n", tail="\n")
    if preview.state is State.FAILED and preview.changes:
        yield "Seen before it failed:\n\n"
    for action, rank in (
        (Action.DELETED, _DELETED),
        (Action.REPLACED, _DELETED),
        (Action.UPDATED, _UPDATED),
        (Action.CREATED, _CREATED),
        (Action.OTHER, _CREATED),
    ):
        if changes := preview.of(action):
            yield _folded(action.capitalize(), rank, map(_change, changes))
    if preview.policies:
        if advisory := preview.policies.of("advisory"):
            yield _folded("Advisory policies violated", _ADVISORY, map(_finding, advisory))
        if unknown := preview.policies.unknown:
            yield _folded("Policies whose answer is not yet known", _UNKNOWN, map(_finding, unknown))
        if preview.policies.packs:
            packs = ", ".join(map(code, preview.policies.packs))
            yield f"{preview.policies.silent} of the {preview.policies.judged} policies of {packs} found nothing.\n\n"
    if preview.warnings:
        yield _folded("Warnings", _WARNINGS, (f"- {code(message, _MESSAGE)}\n" for message in preview.warnings))


def _folded(title: str, rank: int, entries: Iterable[str]) -> Listing:
    lines = tuple(entries)
    head = f"<details><summary>{title}: {len(lines)}</summary>\n\n"
    return Listing(rank, lines, head=head, tail="\n</details>\n\n")


def _change(change: Change) -> str:
    notes = []
    if change.action is Action.OTHER:
        notes.append("its protection changes" if change.operation == "same" else code(change.operation))
    if change.protected and change.action in (Action.DELETED, Action.REPLACED):
        notes.append("**protected**")
    shown = [_path(path) for path in change.paths[:_MOST_PATHS]]
    if (left := len(change.paths) - len(shown)) > 0:
        shown.append(f"and {left} more")
    notes += [", ".join(shown)] if shown else []
    return f"- {_resource(change)}{': ' + '; '.join(notes) if notes else ''}\n"


def _resource(change: Change) -> str:
    return f"{code(change.type)} {code(change.name)}"


def _path(change: PathChange) -> str:
    sign = _SIGNS.get(change.kind, "")
    return f"{code(sign + change.path)}{' (needs a replacement)' if change.replaces else ''}"


def _finding(finding: PolicyFinding) -> str:
    urn = Urn.parse(finding.resource)
    on = f" on {code(urn.type)} {code(urn.name)}" if urn else ""
    return f"- {code(finding.policy)}{on}: {code(finding.message, _MESSAGE)}\n"


def _prunes(environments: Sequence[Environment]) -> Iterable[str | Listing]:
    yield "### What Argo CD prunes\n\n"
    for environment in environments:
        lines = [
            *(_application(name, environment) for name in environment.applications),
            *(_pruned(application, item) for application, item in environment.objects),
        ]
        how = "Argo CD does it by itself" if environment.automatic else "only when somebody syncs with pruning"
        if lines:
            loud = "⚠️ " if environment.name == PROD else ""
            head = f"{loud}**{environment.name}** ({how}):\n\n"
            yield Listing(_PRUNED, tuple(lines), head=head, tail="\n")
        elif not environment.unknown:
            yield f"**{environment.name}**: nothing.\n\n"
        if environment.unknown:
            entries = tuple(f"- {code(problem, _MESSAGE)}\n" for problem in environment.unknown)
            head = f"❌ **{environment.name}**: not known for what could not be rendered:\n\n"
            yield Listing(_ERRORS, entries, head=head, tail="\n")


def _application(name: str, environment: Environment) -> str:
    if environment.automatic:
        return f"- the application {code(name)} with **all** that it runs: its overlay is gone\n"
    return f"- the application {code(name)}: its overlay is gone; what it runs goes on until somebody removes it\n"


def _pruned(application: str, item: Pruned) -> str:
    name = f"{item.namespace}/{item.name}" if item.namespace else item.name
    note = ""
    if item.kept == "Prune=false":
        note = ", but `Prune=false` keeps it running"
    elif item.kept:
        note = ", after somebody confirms it"
    elif item.successor:
        note = f", replaced by {code(item.successor)}"
    return f"- {code(item.kind)} {code(name)} of {code(application)}{note}\n"


def _foot(link: str, commit: str) -> str:
    parts = [f"[Full diff]({link})"] if link else []
    parts += [f"commit {code(commit)}"] if commit else []
    parts.append("values of properties are left out")
    return f"<sub>{' · '.join(parts)}</sub>\n"


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
