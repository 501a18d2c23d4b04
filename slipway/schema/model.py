"""What a check against a schema says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Code", "Object", "Path", "SchemaError", "dotted", "hidden", "shown"]

Object = dict[str, Any]
Path = tuple[str | int, ...]
Code = Literal["unknown-field", "wrong-type", "missing", "invalid-value"]

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One fault: the path of the field (for `missing`: the path it would have), what is wrong, and of which sort."""

    path: Path
    message: str
    code: Code


def dotted(path: Iterable[str | int]) -> str:
    """`spec.containers[0].image`; a key that is no plain word is shown as `labels["a.b/c"]`."""
    words: list[str] = []
    for step in path:
        if isinstance(step, int):
            words.append(f"[{step}]")
        elif step.replace("-", "_").isidentifier():
            words.append(f".{step}" if words else step)
        else:
            words.append(f'["{step}"]')
    return "".join(words)


def shown(value: Any) -> str:
    """A value in a message: short, with text in quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"' if len(value) <= _SHOWN else f'"{value[:_SHOWN]}…"'
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return str(value)[:_SHOWN]


def hidden(value: Any) -> str:
    """What stands in a message for the value of a Secret: its type alone."""
    match value:
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case _:
            return shown(value)
