"""A validator's errors in the words of kubectl."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from jsonschema_rs import ValidationError, ValidationErrorKind

from slipway.schema.model import Path, SchemaError, dotted, hidden, shown
from slipway.schema.words import MEANING

__all__ = ["explain"]

Schema = dict[str, Any]
_TYPES = {"object": "mapping", "array": "list"}
_KIND = ValidationErrorKind
_Show = Callable[[Any], str]


def explain(error: ValidationError, schema: Schema, show: _Show = shown) -> Iterator[SchemaError]:
    """What one error of the validator of `schema` means; more than one when it names several fields.

    `show` writes the object's values; `hidden` where they are secret.
    """
    path: Path = tuple(error.instance_path)
    match error.kind:
        case _KIND.AdditionalProperties(unexpected=fields):
            known = _known(schema, list(error.schema_path)[:-1])
            for field in fields:
                yield _unknown((*path, field), known)
        case _KIND.Required(property=field):
            yield _missing((*path, field))
        case _KIND.Type():
            yield _type(path, error, show)
        case _KIND.PropertyNames(error=inner):
            key = str(inner.instance)
            yield SchemaError((*path, key), f"invalid key {_rule(inner, key, shown)}", "invalid-value")
        case _KIND.AnyOf(context=branches) | _KIND.OneOfNotValid(context=branches):
            yield from _alternatives(path, branches, schema, show)
        case _:
            yield SchemaError(path, _rule(error, error.instance, show), "invalid-value")


def _unknown(path: Path, known: list[str]) -> SchemaError:
    field = str(path[-1])
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(field.lower(), by_lower, n=1, cutoff=0.7)
    hint = f" (did you mean {by_lower[near[0]]}?)" if near else ""
    return SchemaError(path, f'unknown field "{dotted(path)}"{hint}', "unknown-field")


def _missing(path: Path) -> SchemaError:
    return SchemaError(path, f'missing required field "{dotted(path)}"', "missing")


def _type(path: Path, error: ValidationError, show: _Show) -> SchemaError:
    if error.instance is None and isinstance(path[-1], str):
        return _missing(path)
    kinds = error.kind.as_dict()["types"] if hasattr(error.kind, "types") else []
    wanted = " or ".join(_TYPES.get(kind, kind) for kind in sorted(kinds) if kind != "null")
    return SchemaError(path, f"expected {wanted}, got {_got(error.instance, show)}", "wrong-type")


def _got(value: Any, show: _Show) -> str:
    match value:
        case None:
            return "null"
        case bool() | str() | int() | float() if show is hidden:
            return show(value)
        case bool():
            return f"boolean {show(value)}"
        case str():
            return f"string {show(value)}"
        case int() | float():
            return f"number {show(value)}"
        case list():
            return "list"
        case _:
            return "mapping"


def _alternatives(
    path: Path, branches: list[list[ValidationError]], schema: Schema, show: _Show
) -> Iterator[SchemaError]:
    """Say what the nearest alternative wants: the one with the fewest faults."""
    told = [[fault for error in branch for fault in explain(error, schema, show)] for branch in branches]
    told = [faults for faults in told if faults]
    if not told:
        yield SchemaError(path, "fits none of the forms that are allowed", "invalid-value")
        return
    if all(len(faults) == 1 and faults[0].code == "missing" for faults in told):
        names = " or ".join(f'"{dotted(faults[0].path)}"' for faults in told)
        yield SchemaError(told[0][0].path, f"missing one of the fields {names}", "missing")
        return
    yield from min(told, key=len)


def _rule(error: ValidationError, value: Any, show: _Show) -> str:
    """`"x": expected ...`: the value and what it should have been."""
    got = show(value)
    match error.kind:
        case _KIND.Enum(options=options):
            allowed = [shown(option) for option in options if option is not None and option != ""]
            near = difflib.get_close_matches(str(value), [str(option) for option in options if option], n=1)
            hint = f" (did you mean {near[0]}?)" if near and show is not hidden else ""
            return f"{got} is none of {', '.join(allowed)}{hint}"
        case _KIND.Pattern(pattern=pattern):
            return f"{got}: expected {MEANING.get(pattern, f'text that matches {pattern}')}"
        case _KIND.MaxLength(limit=limit):
            return f"{got} has {len(value)} characters, more than {limit}"
        case _KIND.MinLength(limit=limit):
            return f"{got}: expected at least {limit} character{'s' if limit != 1 else ''}"
        case _KIND.Minimum(limit=limit):
            return f"{got} is less than {limit}"
        case _KIND.Maximum(limit=limit):
            return f"{got} is more than {limit}"
        case _KIND.MinItems(limit=limit):
            return f"expected at least {limit} item{'s' if limit != 1 else ''}, got {len(value)}"
        case _KIND.MaxItems(limit=limit):
            return f"expected at most {limit} items, got {len(value)}"
        case _KIND.OneOfMultipleValid():
            return "fits several of the forms of which one is allowed"
        case _KIND.Not():
            return "takes a form that is forbidden"
        case _:
            # The validator's own words hold the value.
            return error.message if show is not hidden else f"{got} is not allowed here"


def _known(schema: Schema, path: list[str | int]) -> list[str]:
    """The fields that the schema at `path` knows."""
    node: Any = schema
    for step in path:
        node = node.get(step, {}) if isinstance(node, dict) else node[int(step)]
    return sorted(node.get("properties", {})) if isinstance(node, dict) else []
