"""Resources in the engine's own encoding, and small rules to ask about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from slipway.policy import Enforcement, Level, Resource, decode
from slipway.rules import Category, Context, Object, Rule, Severity, Violation

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine sends in place of a value that only the update will know."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
ADVISORY = Enforcement({"dev": {}, "prod": {Severity.HIGH: Level.MANDATORY}}, {})


def secret(value: Any) -> dict[str, Any]:
    """A value that the engine encrypts."""
    return {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "value": value}


def encoded(properties: dict[str, Any]) -> Struct:
    """The properties as the engine sends them."""
    struct = Struct()
    struct.update(properties)
    return struct


def resource(properties: dict[str, Any], token: str = DEPLOYMENT, name: str = "web", **options: Any) -> Resource:
    """A resource as the engine hands it over."""
    return Resource(token, name, f"urn:pulumi:prod::shop::{token}::{name}", decode(encoded(properties)), options)


def deployment(spec: Any, **metadata: Any) -> dict[str, Any]:
    """The properties of a Deployment with this Pod."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "spec": {"template": {"spec": spec}},
    }


Check = Callable[[Any, Context], Iterable[Violation]]


def rule(name: str, check: Check, *kinds: str, **changes: Any) -> Rule:
    """A rule of high severity about `kinds`."""
    given: dict[str, Any] = {
        "title": f"Title of {name}",
        "severity": Severity.HIGH,
        "category": Category.SECURITY,
        "reason": "Because.",
        "remedy": "Mend it.",
        "sources": ("test:rule",),
        "kinds": frozenset(kinds or ("Deployment.apps",)),
    }
    return Rule(id=name, check=check, **(given | changes))


def says(path: tuple[str | int, ...], message: str) -> Check:
    """A check that always finds this."""
    return lambda item, context: [Violation(path, message)]


def finds(item: Object, context: Context) -> Iterable[Violation]:
    """A fault whatever the object is."""
    return [Violation(("spec",), "it is wrong")]


@pytest.fixture
def faulty() -> Resource:
    return resource(deployment({"containers": [{"name": "web", "image": "web:1"}]}))
