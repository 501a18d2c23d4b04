"""A Pulumi resource as the rules see it: as a resource, and as a Kubernetes object where it is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from slipway.policy.unknowns import Partial, is_unknown
from slipway.policy.values import SECRET
from slipway.rules import Object

__all__ = ["Resource", "objects_of"]

# The form of a reference to a value elsewhere (see `slipway/rules/plaintext.py`).
_KEPT = "<secret>"


@dataclass(frozen=True)
class Resource:
    """One resource as the program declared it and its provider checked it."""

    type: str
    """The token: `kubernetes:apps/v1:Deployment`."""
    name: str
    urn: str
    props: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    """`protect`, `ignoreChanges`, `deleteBeforeReplace`, `parent` ... in the engine's words."""

    @property
    def title(self) -> str:
        """For people: the kind and the name."""
        return f"{self.type.rpartition(':')[2]} {self.name}"


def objects_of(resource: Resource) -> list[Object]:
    """The resource, and before it the Kubernetes object that it declares.

    Helm releases, charts and `*Patch` resources are no objects: what they declare is only a part, or made elsewhere.
    """
    plain: Object = {
        "type": resource.type,
        "name": resource.name,
        "urn": resource.urn,
        "props": resource.props,
        "options": dict(resource.options),
    }
    known = dict(resource.props.items())
    version, kind = known.get("apiVersion"), resource.type.rpartition(":")[2]
    if not resource.type.startswith("kubernetes:") or is_unknown(version) or not isinstance(version, str):
        return [plain]
    if is_unknown(known.get("kind")) or known.get("kind") != kind:
        return [plain]
    # The provider's own notes begin with two underscores.
    fields = {name: value for name, value in known.items() if not name.startswith("__")}
    if (version, kind) == ("v1", "Secret"):
        fields |= {name: _kept(fields[name]) for name in ("data", "stringData") if name in fields}
    return [_mapping(fields), plain]


def _kept(values: Any) -> Any:
    """A Secret's values, of which those that the engine encrypts are no plain text but stand for what it keeps."""
    if is_unknown(values) or not isinstance(values, dict):
        return values
    return _mapping({key: _KEPT if _is_secret(value) else value for key, value in values.items()})


def _is_secret(value: Any) -> bool:
    return not is_unknown(value) and value == SECRET


def _mapping(fields: dict[str, Any]) -> dict[str, Any]:
    return Partial(fields) if any(map(is_unknown, fields.values())) else fields
