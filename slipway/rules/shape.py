"""Reads objects of any shape without raising: whatever is not of the wanted type counts as absent.

The schema check reports wrong types. The other rules must only survive them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["annotations_of", "dig", "entries", "labels_of", "listing", "mapping", "name_of", "namespace_of", "text"]

_NO_MAPPING: dict[str, Any] = {}
_NO_LIST: list[Any] = []


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one (which must not be written to)."""
    return value if isinstance(value, dict) else _NO_MAPPING


def listing(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one (which must not be written to)."""
    return value if isinstance(value, list) else _NO_LIST


def text(value: Any) -> str:
    """The value if it is text, else the empty text."""
    return value if isinstance(value, str) else ""


def dig(value: Any, *keys: str) -> Any:
    """The value under nested keys, or None where one of them is missing."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def entries(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The mappings of a list, each with its index."""
    for index, item in enumerate(listing(value)):
        if isinstance(item, dict):
            yield index, item


def labels_of(item: Any) -> dict[str, Any]:
    """An object's labels."""
    return mapping(mapping(mapping(item).get("metadata")).get("labels"))


def annotations_of(item: Any) -> dict[str, Any]:
    """An object's annotations."""
    return mapping(mapping(mapping(item).get("metadata")).get("annotations"))


def name_of(item: Any) -> str:
    """An object's name; what it is generated from when it has none yet."""
    metadata = mapping(mapping(item).get("metadata"))
    return text(metadata.get("name")) or text(metadata.get("generateName"))


def namespace_of(item: Any) -> str:
    """An object's namespace, empty when none is written down."""
    return text(mapping(mapping(item).get("metadata")).get("namespace"))
