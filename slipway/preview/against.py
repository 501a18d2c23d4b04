"""What a change does where no state is at hand: the previews of two commits against an empty one, compared.

Both previews create everything. What only the later one creates is new, what only the earlier one creates is deleted,
and what both create with other inputs is updated. Two things stay unknown without a state and a provider that looks at
it: whether an update needs a replacement, and whether a secret changes, since the engine blinds both sides alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["against", "is_stateless"]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")


def is_stateless(result: Mapping[str, Any]) -> bool:
    """Whether the preview was made against an empty state: it creates everything."""
    steps = result.get("steps") or []
    return bool(steps) and all(step["op"] == "create" for step in steps)


def against(base: Mapping[str, Any], head: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a preview of `head` as if `base` were deployed, in the engine's form. Both are stateless."""
    before = {step["urn"]: _made(step) for step in base.get("steps") or []}
    after = {step["urn"]: _made(step) for step in head.get("steps") or []}
    steps = [_step(urn, before.get(urn), after.get(urn)) for urn in {**before, **after}]
    return {**head, "steps": steps, "changeSummary": dict(Counter(step["op"] for step in steps))}


def _made(step: Mapping[str, Any]) -> dict[str, Any]:
    state = step.get("newState")
    return state if isinstance(state, dict) else {}


def _step(urn: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> dict[str, Any]:
    step: dict[str, Any] = {"urn": urn, "oldState": old, "newState": new, "detailedDiff": None}
    if old is None or new is None:
        return step | {"op": "create" if old is None else "delete"}
    paths = {path: {"kind": kind} for path, kind in _differences(old.get("inputs"), new.get("inputs"), "")}
    return step | {"op": "update" if paths else "same", "detailedDiff": paths}


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    """The paths that differ, as the engine writes them, each with add, delete or update."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _one(old, new, key, f"{path}.{key}".lstrip(".") if _PLAIN.fullmatch(key) else f'{path}["{key}"]')
    elif isinstance(old, list) and isinstance(new, list):
        was, now = dict(enumerate(old)), dict(enumerate(new))
        for index in {**was, **now}:
            yield from _one(was, now, index, f"{path}[{index}]")
    elif old != new or type(old) is not type(new):
        yield path, "update"


def _one(old: Mapping[Any, Any], new: Mapping[Any, Any], key: Any, path: str) -> Iterator[tuple[str, str]]:
    if key not in old:
        yield path, "add"
    elif key not in new:
        yield path, "delete"
    else:
        yield from _differences(old[key], new[key], path)
