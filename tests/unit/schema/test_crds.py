"""CustomResourceDefinitions become strict schemas, by the API server's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.schema import Schemas, custom_kinds

Object = dict[str, Any]
SHIP: Object = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "spec": {
            "type": "object",
            "required": ["name", "size"],
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Z]", "maxLength": 9},
                "size": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "masts": {"type": "integer", "format": "int32", "minimum": 0, "exclusiveMinimum": True},
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "crew": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
                "flags": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "anything": {"x-kubernetes-preserve-unknown-fields": True},
                "closed": {"type": "object"},
                "maybe": {"type": "string", "nullable": True},
                "cargo": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"a": {"type": "string"}},
                },
                "port": {
                    "type": "object",
                    "properties": {"at": {"type": "string"}, "to": {"type": "string"}},
                    "oneOf": [{"required": ["at"]}, {"required": ["to"]}],
                },
            },
        },
    },
}


def definition(*versions: Object) -> Object:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "ships.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Ship", "plural": "ships"}, "versions": list(versions)},
    }


def version(name: str, schema: Object | None = None, *, served: bool = True) -> Object:
    return {"name": name, "served": served, **({"schema": {"openAPIV3Schema": schema}} if schema else {})}


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(crds=[definition(version("v1", SHIP), version("v0", SHIP, served=False), version("v2"))])


def ship(**spec: Any) -> Object:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Ship",
        "metadata": {"name": "a"},
        "spec": {"name": "Ariel", "size": 5} | spec,
    }


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"size": "5%"},
        {"masts": 3, "colour": "red", "flags": {"a": True}, "crew": [{"name": "x"}]},
        {"free": {"a": {"b": [1]}}, "anything": [1, {"a": "b"}]},
        {"maybe": None, "colour": None, "masts": None, "crew": None, "port": None},
        {"cargo": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "a": "b"}},
        {"port": {"at": "x"}},
    ],
)
def test_what_the_definition_allows_is_valid(schemas: Schemas, spec: Object) -> None:
    assert schemas.check(ship(**spec)) == []


@pytest.mark.parametrize(
    ("spec", "path", "code"),
    [
        ({"masst": 1}, ("masst",), "unknown-field"),
        ({"crew": [{"nam": "x"}]}, ("crew", 0, "nam"), "unknown-field"),
        ({"closed": {"a": 1}}, ("closed", "a"), "unknown-field"),
        ({"cargo": {"apiVersion": "v1", "kind": "Pod", "b": 1}}, ("cargo", "b"), "unknown-field"),
        ({"cargo": {"apiVersion": "v1"}}, ("cargo", "kind"), "missing"),
        ({"name": None}, ("name",), "missing"),
        ({"name": "ariel"}, ("name",), "invalid-value"),
        ({"name": "A" * 10}, ("name",), "invalid-value"),
        ({"size": 1.5}, ("size",), "wrong-type"),
        ({"size": True}, ("size",), "wrong-type"),
        ({"masts": "3"}, ("masts",), "wrong-type"),
        ({"masts": 0}, ("masts",), "invalid-value"),
        ({"masts": 2**31}, ("masts",), "invalid-value"),
        ({"colour": "green"}, ("colour",), "invalid-value"),
        ({"flags": {"a": "yes"}}, ("flags", "a"), "wrong-type"),
        ({"crew": {"name": "x"}}, ("crew",), "wrong-type"),
        ({"port": {}}, ("port", "at"), "missing"),
        ({"port": {"at": "x", "to": "y"}}, ("port",), "invalid-value"),
    ],
)
def test_what_it_does_not_allow_is_found(
    schemas: Schemas, spec: Object, path: tuple[str | int, ...], code: str
) -> None:
    (error,) = schemas.check(ship(**spec))
    assert (error.path, error.code) == (("spec", *path), code)


def test_metadata_are_the_api_servers_own(schemas: Schemas) -> None:
    item = ship() | {"metadata": {"name": "A", "labels": {"a": 1}, "nam": "b"}}
    assert {(error.path, error.code) for error in schemas.check(item)} == {
        (("metadata", "name"), "invalid-value"),
        (("metadata", "labels", "a"), "wrong-type"),
        (("metadata", "nam"), "unknown-field"),
    }


def test_an_unknown_field_of_the_root_is_found_and_the_status_is_free(schemas: Schemas) -> None:
    assert schemas.check(ship() | {"status": {"a": 1}}) == []
    (error,) = schemas.check(ship() | {"sepc": {}})
    assert (error.path, error.message) == (("sepc",), 'unknown field "sepc" (did you mean spec?)')


def test_a_version_that_is_not_served_is_a_fault(schemas: Schemas) -> None:
    (error,) = schemas.check(ship() | {"apiVersion": "example.com/v0"})
    assert (error.path, error.message) == (("apiVersion",), "example.com/v0 Ship is not served")


def test_a_version_without_a_schema_is_not_assessed(schemas: Schemas) -> None:
    item = ship() | {"apiVersion": "example.com/v2", "anything": 1}
    assert not schemas.knows(item)
    assert schemas.check(item) == []


def test_another_kind_of_the_same_group_is_a_mistake(schemas: Schemas) -> None:
    item = ship() | {"kind": "Shipp"}
    assert schemas.knows(item)
    assert [error.message for error in schemas.check(item)] == [
        "example.com/v1 has no kind Shipp in Kubernetes 1.36 (did you mean Ship?)"
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"spec": None},
        {"spec": []},
        {"spec": {"group": 5}},
        {"spec": {"group": "a", "names": []}},
        {"spec": {"group": "a", "names": {"kind": "B"}, "versions": "v1"}},
        {"spec": {"group": "a", "names": {"kind": "B"}, "versions": [None, 5, {"name": 1}]}},
        None,
        "text",
    ],
)
def test_a_broken_definition_defines_nothing(broken: Any) -> None:
    assert custom_kinds(broken) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": ["object"]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"spec": "x"}},
        {"type": "object", "required": "spec"},
        {"type": "object", "properties": {"spec": {"type": "string", "pattern": "(?P<a"}}},
        {"type": "object", "properties": {"spec": {"type": "string", "enum": "a"}}},
        {"type": "object", "properties": {"spec": {"minimum": "a", "maxLength": -1}}},
        {"type": "object", "anyOf": [5], "not": []},
    ],
)
def test_a_definition_with_a_broken_schema_raises_nothing(schema: Object) -> None:
    schemas = Schemas(crds=[definition(version("v1", schema))])
    schemas.knows(ship())
    assert isinstance(schemas.check(ship()), list)


def test_a_schema_that_contains_itself_a_thousand_times_raises_nothing() -> None:
    schema: Object = {"type": "object"}
    for _ in range(1000):
        schema = {"type": "object", "properties": {"a": schema}}
    assert Schemas(crds=[definition(version("v1", schema))]).check(ship()) != []
