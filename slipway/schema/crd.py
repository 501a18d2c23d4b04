"""CustomResourceDefinitions as strict JSON Schema: what their structural schema does not name is unknown.

Source of the rules: "Extend the Kubernetes API with CustomResourceDefinitions" (structural schemas, pruning,
nullable, int-or-string, embedded resources). Not evaluated: CEL rules (`x-kubernetes-validations`) and formats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["CustomKind", "custom_kinds"]

Schema = dict[str, Any]

_VALUES = (
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "multipleOf",
    "required",
)
_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_INTEGERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_DEEPEST = 60
"""Levels of a schema; one that goes deeper is not a schema that a person or a generator wrote."""


@dataclass(frozen=True, slots=True)
class CustomKind:
    """One version of a kind that a definition adds. `schema` is None when the definition has none to check against."""

    api_version: str
    kind: str
    served: bool
    schema: Schema | None


def custom_kinds(definition: Any) -> list[CustomKind]:
    """Every version in a CustomResourceDefinition; none when it is not formed as one."""
    spec = _mapping(_mapping(definition).get("spec"))
    group, kind = spec.get("group"), _mapping(spec.get("names")).get("kind")
    if not isinstance(group, str) or not isinstance(kind, str):
        return []
    keeps = spec.get("preserveUnknownFields") is True
    found: list[CustomKind] = []
    versions = spec.get("versions")
    for version in versions if isinstance(versions, list) else ():
        name = _mapping(version).get("name")
        if isinstance(name, str):
            root = _mapping(_mapping(version.get("schema")).get("openAPIV3Schema"))
            known = bool(root) and not keeps
            served = version.get("served", True) is not False
            found.append(CustomKind(f"{group}/{name}", kind, served, _root(root) if known else None))
    return found


def _root(schema: Schema) -> Schema:
    strict = _structural(schema, 0)
    # The API server checks these three itself, whatever the definition says of them.
    properties = strict.setdefault("properties", {})
    for name in ("apiVersion", "kind"):
        properties[name] = {"type": "string"}
    properties["metadata"] = {}
    strict["type"] = "object"
    return strict


def _structural(schema: Schema, depth: int) -> Schema:
    if depth > _DEEPEST:
        return {}
    strict = _values(schema)
    properties = _mapping(schema.get("properties"))
    embedded = schema.get("x-kubernetes-embedded-resource") is True
    if schema.get("x-kubernetes-int-or-string") is True:
        strict["type"] = ["integer", "string"]
    elif isinstance(schema.get("type"), str):
        strict["type"] = schema["type"]
    if schema.get("type") == "object" or properties:
        required = {name for name in strict.get("required", ()) if isinstance(name, str)}
        strict["properties"] = {
            name: _optional(_structural(_mapping(value), depth + 1), value, required=name in required)
            for name, value in properties.items()
        }
        if embedded:
            _embed(strict)
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            strict["additionalProperties"] = _optional(_structural(additional, depth + 1), additional, required=False)
        elif additional is not True and schema.get("x-kubernetes-preserve-unknown-fields") is not True:
            strict["additionalProperties"] = False
    if isinstance(schema.get("items"), dict):
        strict["items"] = _structural(schema["items"], depth + 1)
    return _optional(strict, schema, required=True)


def _optional(strict: Schema, schema: Any, *, required: bool) -> Schema:
    """Null stands for an absent field: the API server drops it, unless the field is needed."""
    if required and _mapping(schema).get("nullable") is not True:
        return strict
    kind = strict.get("type")
    if isinstance(kind, str):
        strict["type"] = [kind, "null"]
    elif isinstance(kind, list) and "null" not in kind:
        strict["type"] = [*kind, "null"]
    if isinstance(strict.get("enum"), list) and None not in strict["enum"]:
        strict["enum"] = [*strict["enum"], None]
    alternatives = {key: strict.pop(key) for key in (*_ALTERNATIVES, "not") if key in strict}
    if alternatives:
        # They speak of the value; null is none.
        strict["if"] = {"type": "null"}
        strict["else"] = alternatives
    return strict


def _values(schema: Schema) -> Schema:
    """The keywords that restrict values. They stand in alternatives as well, where no type may."""
    strict = {key: schema[key] for key in _VALUES if key in schema}
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(limit), int | float):
            # OpenAPI 3.0 says by a boolean what JSON Schema says by a keyword of its own.
            strict[exclusive if schema.get(exclusive) is True else limit] = schema[limit]
    if schema.get("type") == "integer" and (bounds := _INTEGERS.get(schema.get("format", ""))):
        strict["minimum"] = max(bounds[0], strict.get("minimum", bounds[0]))
        strict["maximum"] = min(bounds[1], strict.get("maximum", bounds[1]))
    int_or_string = schema.get("x-kubernetes-int-or-string") is True
    for key in _ALTERNATIVES:
        if isinstance(schema.get(key), list) and not (int_or_string and key == "anyOf"):
            strict[key] = [_alternative(_mapping(entry)) for entry in schema[key]]
    if isinstance(schema.get("not"), dict):
        strict["not"] = _alternative(schema["not"])
    return strict


def _alternative(schema: Schema) -> Schema:
    strict = _values(schema)
    if isinstance(schema.get("type"), str):
        strict["type"] = schema["type"]
    if properties := _mapping(schema.get("properties")):
        strict["properties"] = {name: _alternative(_mapping(value)) for name, value in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            strict[key] = _alternative(schema[key])
    return strict


def _embed(strict: Schema) -> None:
    """An object within the object: it may hold what every object holds."""
    strict["properties"].setdefault("apiVersion", {"type": "string"})
    strict["properties"].setdefault("kind", {"type": "string"})
    strict["properties"].setdefault("metadata", {"type": ["object", "null"]})
    strict["required"] = sorted({*strict.get("required", ()), "apiVersion", "kind"})


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
