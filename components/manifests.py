"""A released manifest as Pulumi resources, one for each object, after filters and patches in plain Python.

`Manifest` declares every object as a resource of its own with an explicit namespace and provider, so that previews
and policies see each one. (`kubernetes.yaml.v2` would leave the namespace to the provider, and is invisible to
mocks.) What it deliberately does not do: fetch anything, or know what it installs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.errors import ProgramError

__all__ = ["Manifest", "ManifestArgs", "Object", "drop", "is_crd", "key", "namespaced", "patch"]

Object = dict[str, Any]

# Every cluster-scoped kind of the manifests that we install; any other object gets a namespace.
_CLUSTER_SCOPED = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Namespace",
        "PriorityClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
_WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "StatefulSet"})


def key(item: Mapping[str, Any]) -> tuple[str, str]:
    """An object's kind and name, which are unique within a released manifest."""
    return str(item["kind"]), str(item["metadata"]["name"])


def is_crd(item: Mapping[str, Any]) -> bool:
    """Whether the object defines a kind."""
    return bool(item["kind"] == "CustomResourceDefinition")


def drop(objects: Iterable[Object], unwanted: Callable[[Object], bool]) -> list[Object]:
    """The objects without those that `unwanted` names. Dropping nothing is a mistake: upstream has changed."""
    before = list(objects)
    after = [item for item in before if not unwanted(item)]
    if len(after) == len(before):
        raise ProgramError("the filter matches no object of the manifest: upstream has changed")
    return after


def patch(objects: Iterable[Object], changes: Mapping[tuple[str, str], Callable[[Object], None]]) -> list[Object]:
    """Copies of the objects, each changed by the function under its key. A key that matches nothing is a mistake."""
    result, left = [], set(changes)
    for original in objects:
        change = changes.get(key(original))
        item = original if change is None else copy.deepcopy(original)
        if change is not None:
            change(item)
            left.discard(key(item))
        result.append(item)
    if left:
        names = ", ".join(f"{kind} {name}" for kind, name in sorted(left))
        raise ProgramError(f"the manifest has no {names}: upstream has changed")
    return result


def namespaced(objects: Iterable[Object], namespace: str) -> list[Object]:
    """The objects with their namespace written down (upstream leaves it to `kubectl -n`)."""
    return [_placed(item, namespace) for item in objects]


def _placed(item: Object, namespace: str) -> Object:
    if item["kind"] in _CLUSTER_SCOPED or "namespace" in item["metadata"]:
        return item
    return {**item, "metadata": {**item["metadata"], "namespace": namespace}}


def _terse(item: Object) -> Object:
    """The definition of a kind without its schema's prose, which is most of its size (state holds it three times).

    The API server treats both alike; `kubectl explain` lists the fields without their texts. Upstream ships the
    largest one, ApplicationSet, like this already.
    """

    def schema(node: Any, names: bool = False) -> Any:
        # Under `properties` the keys are field names, and a field may well be called `description`.
        if isinstance(node, dict):
            kept = {name: value for name, value in node.items() if names or name != "description"}
            return {name: schema(value, names=name == "properties" and not names) for name, value in kept.items()}
        return [schema(value) for value in node] if isinstance(node, list) else node

    return {**item, "spec": schema(item["spec"])}


@dataclass(frozen=True)
class ManifestArgs:
    """What to declare."""

    # In any order; see `Manifest` for the order in which they are made.
    objects: Sequence[Object]
    # Whether Pulumi waits until workloads are ready. Definitions of kinds are always waited for.
    wait: bool = True
    # Resources that must stand before the first object.
    after: Sequence[pulumi.Resource] = field(default=())


class Manifest(pulumi.ComponentResource):
    """Three waves: accounts, roles, settings and services; definitions of kinds; then workloads.

    A workload that starts before its ConfigMap takes defaults and does not look again, hence the last wave. The
    definitions come late because of their size: the engine writes the whole state once or twice per resource, and
    while it holds Argo CD's three, each write takes half a second of a core.
    """

    resources: dict[tuple[str, str], pulumi.CustomResource]
    # Settled when everything above is.
    count: pulumi.Output[int]

    def __init__(self, name: str, args: ManifestArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:manifests:Manifest", name, None, opts)
        self.resources = {}
        waves = [
            [item for item in args.objects if not is_crd(item) and item["kind"] not in _WORKLOADS],
            [_terse(item) for item in args.objects if is_crd(item)],
            [item for item in args.objects if item["kind"] in _WORKLOADS],
        ]
        depends: list[pulumi.Resource] = list(args.after)
        for wave in waves:
            made = [self._declare(item, depends, wait=args.wait) for item in wave]
            if made:
                depends = list(made)
        self.count = pulumi.Output.from_input(len(self.resources))
        self.register_outputs({"count": self.count})

    def _declare(self, item: Object, depends: Sequence[pulumi.Resource], *, wait: bool) -> pulumi.CustomResource:
        version = str(item["apiVersion"])
        token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{item['kind']}"
        metadata = item["metadata"]
        # A Service's pods come in the next wave; waiting for them here would only add its patience of 10 s.
        if item["kind"] == "Service" or (item["kind"] in _WORKLOADS and not wait):
            annotations = {**metadata.get("annotations", {}), "pulumi.com/skipAwait": "true"}
            item = {**item, "metadata": {**metadata, "annotations": annotations}}
        if item["kind"] == "Secret" and "data" in item:
            item = {**item, "data": pulumi.Output.secret(item["data"])}
        place = [metadata["namespace"]] if "namespace" in metadata else []
        resource = pulumi.CustomResource(
            token,
            "/".join([*place, metadata["name"]]),
            item,
            pulumi.ResourceOptions(parent=self, depends_on=list(depends)),
        )
        self.resources[key(item)] = resource
        return resource
