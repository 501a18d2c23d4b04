"""Sees the Pod in every kind that makes Pods, so that a rule about Pods is written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slipway.rules.model import Object, Path
from slipway.rules.shape import listing, mapping, text

__all__ = ["LIKE_UNKNOWN", "POD_KINDS", "Container", "PodView", "pod_of"]

_TEMPLATE = ("spec", "template")
# GroupKind -> the path of what holds the Pod's `metadata` and `spec`.
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "ReplicationController": _TEMPLATE,
    "DaemonSet.apps": _TEMPLATE,
    "Deployment.apps": _TEMPLATE,
    "ReplicaSet.apps": _TEMPLATE,
    "StatefulSet.apps": _TEMPLATE,
    "Job.batch": _TEMPLATE,
    "CronJob.batch": ("spec", "jobTemplate", "spec", "template"),
    "Rollout.argoproj.io": _TEMPLATE,
}
POD_KINDS = frozenset(_TEMPLATES)
LIKE_UNKNOWN = "ReplicaSet.apps"
"""A kind that is not known and has a Pod template is asked what this one is asked: Pods that are to run on."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container and where it stands."""

    name: str
    path: Path
    spec: dict[str, Any]
    role: str
    """`container`, `init`, `sidecar` (an init container that keeps running) or `ephemeral`."""


@dataclass(frozen=True, slots=True)
class PodView:
    """The Pod that an object makes."""

    object: Object
    kind: str
    path: Path
    """Of the Pod's spec."""
    spec: dict[str, Any]
    template_path: Path
    """Of the Pod's metadata."""
    template_metadata: dict[str, Any]
    containers: tuple[Container, ...]
    main: tuple[Container, ...]
    """The regular containers only."""


def pod_of(item: Object, group_kind: str) -> PodView | None:
    """The Pod of `item`, or None when its kind makes none. A Pod without a spec has an empty one.

    A kind that is not known makes Pods when its `spec.template.spec.containers` is a list, as every operator's own
    Deployment has it.
    """
    where = _TEMPLATES.get(group_kind)
    if where is None:
        if not _has_template(item):
            return None
        where = _TEMPLATE
    if group_kind == "Rollout.argoproj.io" and "workloadRef" in mapping(item.get("spec")):
        return None  # its Pod is another object's
    template: Any = item
    for key in where:
        template = mapping(template).get(key)
    template = mapping(template)
    spec = mapping(template.get("spec"))
    path = (*where, "spec")
    main = _containers(spec, path, "containers", "container")
    init = _containers(spec, path, "initContainers", "init") if "initContainers" in spec else ()
    late = _containers(spec, path, "ephemeralContainers", "ephemeral") if "ephemeralContainers" in spec else ()
    metadata = mapping(template.get("metadata"))
    return PodView(item, group_kind.split(".")[0], path, spec, (*where, "metadata"), metadata, main + init + late, main)


def _has_template(item: Object) -> bool:
    held: Any = item
    for key in ("spec", "template", "spec"):
        held = held.get(key)
        if not isinstance(held, dict):
            return False
    return isinstance(held.get("containers"), list)


def _containers(spec: dict[str, Any], path: Path, key: str, role: str) -> tuple[Container, ...]:
    found = []
    for index, item in enumerate(listing(spec.get(key))):
        if isinstance(item, dict):
            sidecar = role == "init" and item.get("restartPolicy") == "Always"
            found.append(Container(text(item.get("name")), (*path, key, index), item, "sidecar" if sidecar else role))
    return tuple(found)
