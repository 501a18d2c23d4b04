"""From the value of a document to Kubernetes objects: what is one, what is a List of them, and what is neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slipway.manifests.lines import Source
from slipway.manifests.model import LIMITS, Batch, Document, Limits, Object, Path, Problem

__all__ = ["collect"]

_APPLY = "write apiVersion and kind, or do not name the file"


def collect(
    value: Any,
    batch: Batch,
    *,
    file: str,
    index: int,
    source: Source | None,
    walked: bool,
    limits: Limits = LIMITS,
) -> None:
    """Add the objects in `value` to the batch, or the reason why there is none.

    In a folder (`walked`) a file may be anything; a file that was named must hold objects.
    """
    for entry in _entries(value, (), limits, None):
        if len(entry) == 2:
            batch.documents.append(Document(entry[0], file, index, source, entry[1]))
            continue
        code, message, path, remedy = entry
        line = source.line(path) if source else None
        if walked and not path and code in {"NOT_AN_OBJECT", "NOT_KUBERNETES"}:
            batch.skipped.append(f"{file}:{line}: {message}")
        else:
            batch.problems.append(Problem(file, line, code, message, remedy))


_Fault = tuple[str, str, Path, str]
_Found = tuple[Object, Path]


def _entries(value: Any, path: Path, limits: Limits, outer: Object | None) -> Iterator[_Found | _Fault]:
    if not isinstance(value, dict):
        yield "NOT_AN_OBJECT", f"{_a(value)}, where a Kubernetes object belongs", path, _APPLY
        return
    if outer is not None:
        value = _typed(value, outer)
    kind = value.get("kind")
    version = value.get("apiVersion")
    if kind is None and version is None:
        yield "NOT_KUBERNETES", "a mapping without apiVersion and kind", path, _APPLY
    elif not isinstance(kind, str) or not kind:
        yield "NO_KIND", f"kind is {_shown(kind)}", (*path, "kind"), "write the kind as text"
    elif not isinstance(version, str) or not version:
        yield "NO_KIND", f"apiVersion is {_shown(version)}", (*path, "apiVersion"), "write the apiVersion as text"
    elif _is_list(value):
        yield from _items(value, path, limits)
    elif version.startswith("kustomize.config.k8s.io/"):
        yield (
            "NOT_KUBERNETES",
            f"a {kind}: kustomize reads it, no cluster does",
            path,
            "give its folder: it is rendered",
        )
    else:
        yield value, path


def _is_list(value: Object) -> bool:
    """A List of objects: `kind: List`, or what the API answers (`DeploymentList`), which has no name of its own."""
    kind = value["kind"]
    if kind == "List":
        return bool(value["apiVersion"] == "v1")
    metadata = value.get("metadata")
    named = isinstance(metadata, dict) and "name" in metadata
    return kind.endswith("List") and "items" in value and "spec" not in value and not named


def _items(value: Object, path: Path, limits: Limits) -> Iterator[_Found | _Fault]:
    items = value.get("items")
    if items is None:
        return
    if not isinstance(items, list):
        yield "LIST_ITEMS", f"the items of a List are {_a(items)}", (*path, "items"), "write a list"
        return
    if len(path) // 2 >= limits.lists:
        yield "LIST_NESTED", f"Lists within Lists, more than {limits.lists} deep", path, "flatten it"
        return
    for position, item in enumerate(items):
        yield from _entries(item, (*path, "items", position), limits, value)


def _typed(item: Object, outer: Object) -> Object:
    """The API leaves apiVersion and kind out of the items of a `DeploymentList`."""
    kind = outer["kind"].removesuffix("List")
    if kind and "kind" not in item and "apiVersion" not in item:
        return {"apiVersion": outer["apiVersion"], "kind": kind, **item}
    return item


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    return "empty" if value == "" else _a(value)


def _a(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"
