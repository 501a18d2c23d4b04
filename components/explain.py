"""Turns pydantic's validation errors into sentences that name the key, its value and what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from components.errors import suggest

__all__ = ["explain"]

_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "string": "text",
    "list": "a list",
    "model": "a mapping",
    "secret": "text",
}


def explain(error: ValidationError, schema: type[BaseModel], prefix: str) -> list[str]:
    """One sentence for each problem, in the order of the keys. `prefix` stands before a key (`slipway:`)."""
    return [_sentence(dict(detail), schema, prefix) for detail in error.errors(include_url=False)]


def _sentence(detail: Mapping[str, Any], schema: type[BaseModel], prefix: str) -> str:
    loc: Sequence[str | int] = detail["loc"]
    kind: str = detail["type"]
    key = _key(loc, prefix)
    context = detail.get("ctx", {})
    value = _shown(detail.get("input"), secret=_is_secret(schema, loc))
    if kind == "extra_forbidden":
        allowed = _keys(_model_at(schema, loc[:-1]))
        place = f"`{_key(loc[:-1], prefix)}`" if len(loc) > 1 else "the stack's configuration"
        near = suggest(str(loc[-1]), allowed)
        return f"unknown key `{key}`{near}; allowed in {place}: {', '.join(allowed)}"
    if kind == "missing":
        return f"`{key}` is missing"
    if kind == "literal_error":
        allowed = _choices(_field_at(schema, loc))
        return f"`{key}` is {value}; allowed: {', '.join(allowed)}{suggest(str(detail.get('input')), allowed)}"
    if kind == "value_error":
        return f"`{key}`: {context['error']}"
    if kind == "string_pattern_mismatch":
        return f"`{key}` is {value}; allowed: text that matches {context['pattern']}"
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"`{key}` is {value}; allowed: {_range(_field_at(schema, loc))}"
    if kind == "string_too_short":
        return f"`{key}` is empty; allowed: text"
    expected = _EXPECTED.get(kind.split("_")[0], "")
    if expected == "a mapping":
        expected += f" with the keys {', '.join(_keys(_model_at(schema, loc)))}"
    said = str(detail["msg"]).removeprefix("Value error, ")
    return f"`{key}` is {value}; allowed: {expected}" if expected else f"`{key}` is {value}: {said}"


def _key(loc: Sequence[str | int], prefix: str) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return prefix + text


def _shown(value: Any, *, secret: bool) -> str:
    """The value as the user wrote it, with its type where that is the mistake. Of a secret only the type."""
    if isinstance(value, bool):
        return "true or false" if secret else f"{str(value).lower()} (true or false)"
    if isinstance(value, str):
        shown = value if len(value) <= 80 else f"{value[:80]}…"
        return "text" if secret else f"'{shown}' (text)"
    if isinstance(value, int | float):
        return "a number" if secret else f"{value} (a number)"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else type(value).__name__


def _is_secret(schema: type[BaseModel], loc: Sequence[str | int]) -> bool:
    """Whether the value may hold a secret: a section that was given as text holds the secrets of its keys."""
    if not loc:
        return _holds_secret(schema)
    field = _field_at(schema, loc)
    return field is None or _holds_secret(field.annotation)


def _holds_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_holds_secret(field.annotation) for field in annotation.model_fields.values())
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))


def _field_at(schema: type[BaseModel], loc: Sequence[str | int]) -> FieldInfo | None:
    field: FieldInfo | None = None
    model: type[BaseModel] | None = schema
    for part in loc:
        if isinstance(part, int):
            continue
        if model is None:
            return None
        field = next((f for n, f in model.model_fields.items() if (f.alias or n) == part), None)
        model = _model_in(field.annotation) if field else None
    return field


def _model_at(schema: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel]:
    if not loc:
        return schema
    field = _field_at(schema, loc)
    return (_model_in(field.annotation) if field else None) or schema


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if (found := _model_in(part)) is not None:
            return found
    return None


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _choices(field: FieldInfo | None) -> list[str]:
    def literals(annotation: Any) -> list[str]:
        if get_origin(annotation) is Literal:
            return [str(choice) for choice in get_args(annotation)]
        if get_origin(annotation) in (Union, types.UnionType):
            return [choice for part in get_args(annotation) for choice in literals(part)]
        return []

    return literals(field.annotation) if field else []


def _range(field: FieldInfo | None) -> str:
    bounds: dict[str, Any] = {}

    def collect(metadata: Any) -> None:
        for item in metadata:
            collect(getattr(item, "metadata", ()))
            for name in ("ge", "le"):
                if getattr(item, name, None) is not None:
                    bounds[name] = getattr(item, name)

    def walk(annotation: Any) -> None:
        collect(getattr(annotation, "__metadata__", ()))
        for part in get_args(annotation):
            walk(part)

    if field:
        collect(field.metadata)
        walk(field.annotation)
    return f"a whole number from {bounds['ge']} to {bounds['le']}"
