"""Read what `pulumi preview --json` printed: one JSON document, or what is left of one after a failure.

The form is the engine's `PreviewDigest` (pulumi: pkg/display/json.go). Seen with 3.232: a failed preview has a
diagnostic of severity `error` and counts what it saw before; one that was killed has printed nothing; one that a
mandatory policy stopped says only "preview failed", and why stands in the event log alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slipway.errors import UsageError
from slipway.preview.against import against, is_stateless
from slipway.preview.model import Action, Change, PathChange, Policies, Size, StackPreview, State

__all__ = ["POLICY_ONLY", "Urn", "read_digest", "stack_of"]

POLICY_ONLY = "preview failed"
"""All that the engine's result says when a mandatory policy is violated; beside other errors it says nothing more."""

_ACTIONS = {
    "create": Action.CREATED,
    "update": Action.UPDATED,
    "replace": Action.REPLACED,
    "delete": Action.DELETED,
    "same": Action.UNCHANGED,
}
_PARTS_OF_A_REPLACEMENT = frozenset(
    ("create-replacement", "delete-replaced", "read-replacement", "discard-replaced", "import-replacement")
)
_BEFORE = ("same", "update", "replace", "delete", "refresh")
_AFTER = ("same", "update", "replace", "create", "import", "refresh")
_STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_NOISE = re.compile(r"using pulumi-\S+ from \$PATH at ")
_KNOWN_KEYS = {"config", "steps", "diagnostics", "duration", "changeSummary", "maybeCorrupt"}


@dataclass(frozen=True)
class Urn:
    """The parts of `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`; the name may hold `::`."""

    stack: str
    type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Urn | None:
        """The parts, or None when the text is no URN."""
        parts = text.split("::", 3)
        if len(parts) != 4 or not parts[0].startswith("urn:pulumi:"):
            return None
        return cls(parts[0].removeprefix("urn:pulumi:"), parts[2].rpartition("$")[2], parts[3])


def stack_of(urns: list[str]) -> str:
    """The one stack of these URNs; empty when they name none, or one whose name is not of the engine's form."""
    stacks = {urn.stack for text in urns if (urn := Urn.parse(text))}
    name = next(iter(stacks)) if len(stacks) == 1 else ""
    return name if _STACK_NAME.fullmatch(name) else ""


def read_digest(
    text: str, *, stack: str = "", policies: Policies | None = None, where: str = "", base: str | None = None
) -> StackPreview:
    """The preview that `text` tells of. `stack` names it where the text cannot: it failed before any resource.

    With `base`, the result for the commit before, a preview against an empty state is compared with that one.

    An empty or cut-off text is a preview without a result. Raises `UsageError` (BAD_PREVIEW) for anything else that
    is not a result, and when the text is of another stack than `stack`.
    """
    document = _document(text, where)
    if document is None:
        return StackPreview(stack or _fallback(where), State.NO_RESULT, environment=stack, policies=policies)
    if "steps" not in document and {"error", "code"} <= set(document):
        # What `slipway preview --json` prints when the engine was not even started.
        problem = str(document["error"])
        return StackPreview(
            stack or _fallback(where), State.FAILED, environment=stack, errors=(problem,), policies=policies
        )
    _check(document, where)
    steps = document.get("steps") or []
    found = stack_of([str(step["urn"]) for step in steps])
    if stack and found and stack != found:
        raise _bad(f"it is of the stack {found!r}, not of {stack!r}", where)
    name = stack or found or _fallback(where)
    earlier = _document(base, f"{where} (base)") if base is not None else None
    if earlier is not None and "steps" in earlier:
        _check(earlier, f"{where} (base)")
        if _creates_all(earlier) and _creates_all(document):
            return replace(_preview(against(earlier, document), name, policies), stateless=True)
    return _preview(document, name, policies)


def _creates_all(document: Mapping[str, Any]) -> bool:
    """Whether it is a whole preview against an empty state. Half of one would make the rest look deleted."""
    errors = set(_said(document.get("diagnostics") or [], "error"))
    return "changeSummary" in document and errors <= {POLICY_ONLY} and is_stateless(document)


def _preview(document: Mapping[str, Any], name: str, policies: Policies | None) -> StackPreview:
    steps = [step for step in document.get("steps") or [] if step["op"] not in _PARTS_OF_A_REPLACEMENT]
    said = document.get("diagnostics") or []
    errors = _said(said, "error")
    summary = document.get("changeSummary")
    if policies is not None and policies.of("mandatory") and errors == [POLICY_ONLY]:
        # The engine has looked at every resource; only the verdict is no.
        errors = []
    whole = summary is not None and not errors
    if not whole and not errors and (printed := "".join(str(item.get("message", "")) for item in said).strip()):
        # A policy pack that does not start: its traceback is all there is.
        errors = [printed]
    counted = summary if summary is not None else Counter(step["op"] for step in steps)
    return StackPreview(
        stack=name,
        state=State.COMPLETE if whole else State.FAILED,
        environment=str((document.get("config") or {}).get("slipway:environment") or name),
        changes=tuple(sorted(filter(None, map(_change, steps)))),
        counts=_counts(counted),
        size=Size(_sum(counted, _BEFORE), _sum(counted, _AFTER)) if whole else None,
        errors=tuple(error for error in errors if error != POLICY_ONLY or len(errors) == 1),
        warnings=tuple(text for text in _said(said, "warning") if not _NOISE.match(text)),
        policies=policies,
    )


def _document(text: str, where: str) -> dict[str, Any] | None:
    """The JSON document; None when there is none or its end is missing."""
    if not text.strip():
        return None
    try:
        document = json.loads(text)
    except RecursionError:
        raise _bad("it is nested too deep", where) from None
    except json.JSONDecodeError as error:
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - _LONGEST_TOKEN
        if cut and text.lstrip().startswith("{"):
            return None
        raise _bad(f"it is not JSON: {error.msg} in line {error.lineno}, column {error.colno}", where) from None
    if not isinstance(document, dict):
        raise _bad("it is not a JSON object", where)
    return document


_LONGEST_TOKEN = 6
"""A cut-off document fails at its end, or where its last token starts: `fals`, `\\u00e`, or a string."""


def _check(document: Mapping[str, Any], where: str) -> None:
    if not _KNOWN_KEYS & set(document):
        raise _bad(f"it has none of {', '.join(sorted(_KNOWN_KEYS))}", where)
    for key, kind in (("steps", list), ("diagnostics", list), ("changeSummary", dict), ("config", dict)):
        if document.get(key) is not None and not isinstance(document[key], kind):
            raise _bad(f"`{key}` is no {'list' if kind is list else 'object'}", where)
    for index, step in enumerate(document.get("steps") or []):
        fields = (step.get("op"), step.get("urn")) if isinstance(step, dict) else (None, None)
        if not all(isinstance(value, str) for value in fields):
            raise _bad("no object with `op` and `urn`", where, f"steps[{index}]")
    for index, item in enumerate(document.get("diagnostics") or []):
        if not isinstance(item, dict):
            raise _bad("no object", where, f"diagnostics[{index}]")
    for name, count in (document.get("changeSummary") or {}).items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise _bad(f"{count!r} is no count", where, f"changeSummary.{name}")


def _change(step: Mapping[str, Any]) -> Change | None:
    """One step as a change; None when nothing happens to the resource."""
    operation, text = step["op"], step["urn"]
    before, after = _state(step.get("oldState")), _state(step.get("newState"))
    unprotected = bool(before.get("protect")) and not after.get("protect") and operation in ("same", "update")
    if operation == "same" and before.get("protect") == after.get("protect"):
        return None
    action = Action.OTHER if operation == "same" else _ACTIONS.get(operation, Action.OTHER)
    urn = Urn.parse(text) or Urn("", "", text)
    kind = str(after.get("type") or before.get("type") or urn.type)
    return Change(
        kind, urn.name, text, action, operation, _paths(step), bool(before.get("protect")), unprotected=unprotected
    )


def _paths(step: Mapping[str, Any]) -> tuple[PathChange, ...]:
    if step["op"] not in ("update", "replace"):
        return ()
    detailed = step.get("detailedDiff")
    replacing = _keys(step.get("replaceReasons"))
    if isinstance(detailed, dict) and detailed:
        kinds = {path: str(diff.get("kind", "update")) for path, diff in detailed.items() if isinstance(diff, dict)}
        return tuple(sorted(_path(path, kind) for path, kind in kinds.items()))
    keys = _keys(step.get("diffReasons")) | replacing
    return tuple(sorted(PathChange(key, "update", key in replacing) for key in keys))


def _path(path: str, kind: str) -> PathChange:
    return PathChange(path, kind.removesuffix("-replace"), kind.endswith("-replace"))


def _keys(found: object) -> set[str]:
    return {str(key) for key in found} if isinstance(found, list) else set()


def _counts(summary: Mapping[str, int]) -> dict[Action, int]:
    counts = dict.fromkeys(Action, 0)
    for operation, count in summary.items():
        if operation not in _PARTS_OF_A_REPLACEMENT:
            counts[_ACTIONS.get(operation, Action.OTHER)] += count
    return counts


def _sum(summary: Mapping[str, int], operations: tuple[str, ...]) -> int:
    return sum(summary.get(operation, 0) for operation in operations)


def _state(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _said(diagnostics: Iterable[Mapping[str, Any]], severity: str) -> list[str]:
    """What the engine said at this severity, each thing once."""
    texts = (str(item.get("message", "")).strip() for item in diagnostics if item.get("severity") == severity)
    return list(dict.fromkeys(text.removeprefix(f"{severity}: ").strip() for text in texts))


def _fallback(where: str) -> str:
    """A name for a stack that nothing names: its file's, as far as that is of the form of a name."""
    stem = where.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    return stem if _STACK_NAME.fullmatch(stem) else "unnamed"


def _bad(what: str, where: str, part: str = "") -> UsageError:
    return UsageError(
        f"no result of `pulumi preview --json`: {part + ': ' if part else ''}{what}",
        code="BAD_PREVIEW",
        where=where,
        remedy="`slipway preview <env> --json > preview.json` writes one",
    )
