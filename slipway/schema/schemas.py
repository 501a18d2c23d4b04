"""Check objects against the schemas of their kinds."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema_rs

from slipway.schema.builtin import META, Builtin, Version, named
from slipway.schema.crd import CustomKind, custom_kinds
from slipway.schema.explain import explain
from slipway.schema.lifecycle import removed
from slipway.schema.model import Object, SchemaError, hidden, shown
from slipway.schema.words import SUBDOMAIN

__all__ = ["Schemas"]

Schema = dict[str, Any]
_MOST_ERRORS = 50
"""How many faults of one object are told."""
_ANNOTATIONS_LIMIT = 256 * 1024


class _Kind:
    """A kind's validator, and the schema that its errors point into."""

    __slots__ = ("schema", "valid", "validator")

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.validator = jsonschema_rs.Draft202012Validator(schema)
        self.valid = self.validator.is_valid


class Schemas:
    """The kinds that one version of Kubernetes knows, and those of CustomResourceDefinitions.

    A kind is compiled when its first object comes (2 ms for a Deployment); after that a valid one costs some 10 µs.
    """

    def __init__(
        self, version: Version = (1, 36), crds: Iterable[Object] = (), custom: Iterable[CustomKind] = ()
    ) -> None:
        """`crds` are CustomResourceDefinitions; `custom` are such in the form of `platform_crds`, which win.

        Raises `UsageError` (KUBERNETES_VERSION) for a version without schemas.
        """
        self.version = version
        self._builtin = Builtin(version)
        self._custom: dict[tuple[str, str], CustomKind] = {}
        for kind in (*(kind for crd in crds for kind in custom_kinds(crd)), *custom):
            self._custom[kind.api_version, kind.kind] = kind
        self._custom_groups = {api_version.rpartition("/")[0] for api_version, _ in self._custom}
        self._kinds: dict[tuple[str, str], _Kind | SchemaError | None] = {}

    def knows(self, item: Mapping[str, Any]) -> bool:
        """Whether `check` can judge the object. False for a kind without a schema here: it was not assessed."""
        return self._kind(item) is not None

    def check(self, item: Object) -> list[SchemaError]:
        """Every fault of the object, up to 50; none for a kind that is not known here."""
        kind = self._kind(item)
        if not isinstance(kind, _Kind):
            return [kind] if kind is not None else []
        try:
            if kind.valid(item):
                return _annotations(item)
            return self._faults(kind, item) + _annotations(item)
        except (ValueError, RecursionError) as error:
            # What no reader of ours lets through: lone surrogates, a thousand levels.
            why = type(error).__name__ if item.get("kind") == "Secret" else error
            return [SchemaError((), f"cannot be checked: {why}", "invalid-value")]

    def _faults(self, kind: _Kind, item: Object) -> list[SchemaError]:
        found: dict[SchemaError, None] = {}
        show = hidden if item.get("kind") == "Secret" else shown
        for error in kind.validator.iter_errors(item):
            found.update(dict.fromkeys(explain(error, kind.schema, show)))
            if len(found) >= _MOST_ERRORS:
                break
        return list(found)

    def _kind(self, item: Mapping[str, Any]) -> _Kind | SchemaError | None:
        """The object's kind, or the fault of its apiVersion or kind; None for a kind that is not known here."""
        key = (item.get("apiVersion"), item.get("kind"))
        try:
            return self._kinds[key]  # type: ignore[index]
        except (KeyError, TypeError):
            pass
        for field, value in zip(("apiVersion", "kind"), key, strict=True):
            if value is None or value == "":
                return SchemaError((field,), f'missing required field "{field}"', "missing")
            if not isinstance(value, str):
                return SchemaError((field,), f"expected string, got {shown(value)}", "wrong-type")
        api_version, kind = item["apiVersion"], item["kind"]
        self._kinds[api_version, kind] = self._look_up(api_version, kind)
        return self._kinds[api_version, kind]

    def _look_up(self, api_version: str, kind: str) -> _Kind | SchemaError | None:
        if (custom := self._custom.get((api_version, kind))) is not None:
            if not custom.served:
                return SchemaError(("apiVersion",), f"{api_version} {kind} is not served", "invalid-value")
            return _compiled(self._with_metadata(custom.schema)) if custom.schema is not None else None
        if (api_version, kind) in self._builtin.kinds:
            return _compiled(self._builtin.schema(api_version, kind))
        if (removal := removed({"apiVersion": api_version, "kind": kind}, self.version)) is not None:
            return SchemaError(("apiVersion",), str(removal), "invalid-value")
        return self._no_such_kind(api_version, kind) if self._is_own_group(api_version) else None

    def _is_own_group(self, api_version: str) -> bool:
        """Whether every kind of the group is known here, so that another one is a mistake."""
        group = api_version.rpartition("/")[0]
        return group in self._builtin.groups or group in self._custom_groups

    def _no_such_kind(self, api_version: str, kind: str) -> SchemaError:
        everything = [*self._builtin.kinds, *self._custom]
        in_version = [name for version, name in everything if version == api_version]
        elsewhere = sorted(version for version, name in everything if name == kind)
        target = f"Kubernetes {self.version[0]}.{self.version[1]}"
        if elsewhere:
            what = f"{kind} is no kind of {api_version} in {target} (did you mean {elsewhere[0]}?)"
            return SchemaError(("apiVersion",), what, "invalid-value")
        if not in_version:
            return SchemaError(("apiVersion",), f"{target} serves no {api_version}", "invalid-value")
        near = difflib.get_close_matches(kind, in_version, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return SchemaError(("kind",), f"{api_version} has no kind {kind} in {target}{hint}", "invalid-value")

    def _with_metadata(self, schema: Schema) -> Schema:
        """The object's metadata are the API server's own, whatever the definition says."""
        metadata = {"allOf": [{"$ref": f"#/$defs/{META}"}, named(SUBDOMAIN)]}
        return {
            **schema,
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "properties": {**schema["properties"], "metadata": metadata},
            "required": sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"}),
            "$defs": self._builtin.definitions([META]),
        }


def _compiled(schema: Schema) -> _Kind | None:
    # Go's patterns know what others do not; without them the rest can still be checked.
    for form in (schema, None):
        try:
            return _Kind(form or _without_patterns(schema))
        except (ValueError, jsonschema_rs.ValidationError):
            continue
    return None


def _without_patterns(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_patterns(value)
            for key, value in node.items()
            if not (key == "pattern" and isinstance(value, str))
        }
    return [_without_patterns(value) for value in node] if isinstance(node, list) else node


def _annotations(item: Object) -> list[SchemaError]:
    """Together they may hold 256 KiB; `kubectl apply` puts the whole object into one of them."""
    metadata = item.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict) or not annotations:
        return []
    size = sum(len(key) + len(value) for key, value in annotations.items() if isinstance(value, str))
    if size <= _ANNOTATIONS_LIMIT:
        return []
    what = f"the annotations hold {size:,} characters, more than {_ANNOTATIONS_LIMIT:,}"
    return [SchemaError(("metadata", "annotations"), what, "invalid-value")]
