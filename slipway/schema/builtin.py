"""Upstream's schemas of the built-in kinds, for one version of Kubernetes.

They come in the `kubernetes-validate` package: one file with every definition, strict (no unknown fields). It is read
once; a kind gets a schema of its own with only the definitions that it reaches, since compiling all of them would cost
each process more than checking a thousand objects.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from slipway.errors import SlipwayError, UsageError
from slipway.schema.tighten import NAMELESS_GROUPS, needs_spec, object_name, tighten

__all__ = ["META", "Builtin", "Version", "supported_versions"]

Schema = dict[str, Any]
Version = tuple[int, int]

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_REQUESTS = "io.k8s.apimachinery."
"""What is sent and answered, and never an object: Status, DeleteOptions."""
_FOLDER = re.compile(r"v(\d+)\.(\d+)\.\d+-local-strict")
_PREFIX = "#/$defs/"
_KEPT = ("type", "enum", "format", "required", "minimum", "maximum", "pattern", "minItems", "minLength")
_NESTED = ("items", "additionalProperties", "not")
_ALTERNATIVES = ("oneOf", "anyOf", "allOf")


@cache
def supported_versions() -> dict[Version, str]:
    """The versions of Kubernetes that there are schemas for, oldest first, and the folder of each."""
    found: dict[Version, str] = {}
    for folder in _folder().iterdir():
        if match := _FOLDER.fullmatch(folder.name):
            found[int(match[1]), int(match[2])] = folder.name
    return dict(sorted(found.items()))


def _folder() -> Path:
    # The package is found, not imported: with it would come another validator, and 0.2 s.
    package = find_spec("kubernetes_validate")
    if package is None or not package.submodule_search_locations:
        raise SlipwayError(
            "the package kubernetes-validate is missing", code="NO_SCHEMAS", remedy="pip install -r requirements.txt"
        )
    return Path(package.submodule_search_locations[0]) / "kubernetes-json-schema"


@cache
def _definitions(version: Version) -> dict[str, Schema]:
    versions = supported_versions()
    if version not in versions:
        known = [f"{major}.{minor}" for major, minor in versions]
        raise UsageError(
            f"there are no schemas of Kubernetes {version[0]}.{version[1]}",
            code="KUBERNETES_VERSION",
            remedy=f"choose a version from {known[0]} to {known[-1]}",
        )
    file = _folder() / versions[version] / "_definitions.json"
    definitions: dict[str, Schema] = orjson.loads(file.read_bytes())["$defs"]
    return definitions


class Builtin:
    """The built-in kinds of one version."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._all = _definitions(version)
        # (apiVersion, kind) -> definition
        self.kinds: dict[tuple[str, str], str] = {}
        for name, definition in self._all.items():
            if name.startswith(_REQUESTS) or "metadata" not in definition.get("properties", {}):
                continue
            for entry in definition.get("x-kubernetes-group-version-kind", ()):
                group, kind = entry["group"], entry["kind"]
                if not kind.endswith("List"):
                    api_version = f"{group}/{entry['version']}" if group else entry["version"]
                    self.kinds[api_version, kind] = name
        self.groups = frozenset(api_version.rpartition("/")[0] for api_version, _ in self.kinds)

    def schema(self, api_version: str, kind: str) -> Schema:
        """A schema of this kind that refers to nothing outside itself."""
        name = self.kinds[api_version, kind]
        group = api_version.rpartition("/")[0]
        required = ["apiVersion", "kind"]
        if group not in NAMELESS_GROUPS:
            required.append("metadata")
        if needs_spec(group, kind):
            required.append("spec")
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": _PREFIX + name,
            "required": required,
            "properties": {
                "spec": {"type": "object"} if "spec" in required else {},
                "metadata": named(object_name(group, kind, self.version)) if "metadata" in required else {},
            },
            "$defs": self.definitions([name]),
        }

    def definitions(self, names: list[str]) -> dict[str, Schema]:
        """These definitions and all that they refer to, without the words for people."""
        found: dict[str, Schema] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found[name] = tighten(name, _bare(self._all[name], waiting))
                self._forbid_null(found[name])
        return found

    def _forbid_null(self, definition: Schema) -> None:
        """Null stands for a field that is not there: neither a needed one nor an item of a list may be that."""
        required = definition.get("required", ())
        for name, field in definition.get("properties", {}).items():
            for schema in (field.get("items", {}), field if name in required else {}):
                referred = str(schema.get("$ref", "")).rpartition("/")[2]
                if "properties" in self._all.get(referred, {}):
                    schema["type"] = "object"
                elif referred.endswith(".IntOrString"):
                    schema["type"] = ["string", "integer"]


def named(name: Schema) -> Schema:
    """The metadata of a stored object: it has a name of this syntax, or asks for one to be made."""
    return {
        "type": "object",
        "if": {"required": ["generateName"]},
        "else": {"required": ["name"], "properties": {"name": {"type": "string", **name}}},
        "then": {"properties": {"name": {"type": ["string", "null"], **name}}},
    }


def _bare(schema: Schema, reached: list[str]) -> Schema:
    if (reference := schema.get("$ref")) is not None:
        name = reference.rpartition("/")[2]
        reached.append(name)
        return {"$ref": _PREFIX + name}
    bare = {key: schema[key] for key in _KEPT if key in schema}
    if "properties" in schema:
        bare["properties"] = {key: _bare(value, reached) for key, value in schema["properties"].items()}
    for key in _NESTED:
        if key in schema:
            bare[key] = _bare(schema[key], reached) if isinstance(schema[key], dict) else schema[key]
    for key in _ALTERNATIVES:
        if key in schema:
            bare[key] = [_bare(alternative, reached) for alternative in schema[key]]
    return bare
