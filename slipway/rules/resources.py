"""Requests and limits: that each container has them.

A request that is absent counts as the limit, because the API server makes it so. Zero counts as absent, because the
kubelet reads it so. Resources of the whole Pod (Kubernetes 1.34) stand in for those of its containers. Ephemeral
containers cannot have any.
"""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.amounts import Fault, read
from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule
from slipway.rules.shape import entries, mapping

__all__ = ["STANDING"]

STANDING = "(variables.main + variables.spec.?initContainers.orValue([]))"
"""In CEL: the containers that have resources."""
_EPHEMERAL = "c.?resources.?limits[?'ephemeral-storage'].orValue('0')"
_SIZE = "v.emptyDir.?sizeLimit.orValue('0')"


def _cel_none(value: str) -> str:
    """In CEL: `value` is a quantity of nothing. What the API server cannot read is something, if nothing good."""
    return f"(isQuantity(string({value})) && sign(quantity(string({value}))) == 0)"


def _cel_requested(resource: str) -> str:
    """In CEL: each container, or the Pod as a whole, has a request or a limit that becomes one."""
    value = f"c.?resources.?requests.?{resource}.orValue(c.?resources.?limits.?{resource}.orValue('0'))"
    whole = value.replace("c.?", "variables.spec.?")
    return f"!{_cel_none(whole)} || {STANDING}.all(c, !{_cel_none(value)})"


def _cel_limited(resource: str) -> str:
    """In CEL: each container, or the Pod as a whole, has a limit; one of zero under a request is another fault."""
    limit, request = (f"c.?resources.?{side}.?{resource}.orValue('0')" for side in ("limits", "requests"))
    refused = f"(c.?resources.?limits.?{resource}.hasValue() && !{_cel_none(request)})"
    whole = limit.replace("c.?", "variables.spec.?")
    return f"!{_cel_none(whole)} || {STANDING}.all(c, !{_cel_none(limit)} || {refused})"


def _unrequested(resource: str) -> Fault:
    return Fault(lambda requests, limits: requests.get(resource, limits.get(resource, 0)) == 0)


def _unlimited(resource: str) -> Fault:
    """A request above a limit of zero is left out: the API server refuses it, and another rule says so."""
    return Fault(
        lambda requests, limits: (
            limits.get(resource, 0) == 0 and (resource not in limits or requests.get(resource, 0) == 0)
        )
    )


_NO_CPU_REQUEST, _NO_MEMORY_REQUEST = _unrequested("cpu"), _unrequested("memory")
_NO_CPU_LIMIT, _NO_MEMORY_LIMIT = _unlimited("cpu"), _unlimited("memory")
_NO_STORAGE_LIMIT = Fault(lambda requests, limits: limits.get("ephemeral-storage", 0) == 0)


def _say(pod: PodView, fault: Fault, noun: str) -> Iterable[Violation]:
    return [
        Violation((*container.path, "resources"), f"container '{container.name}' has no {noun}")
        for container, _, _ in fault.among(pod)
    ]


def _say_unless_whole(pod: PodView, fault: Fault, noun: str) -> Iterable[Violation]:
    """Nothing when the Pod as a whole has what its containers have not."""
    said = _say(pod, fault, noun)
    whole = mapping(pod.spec.get("resources")) if said else {}
    return () if whole and not fault.test(read(whole.get("requests")), read(whole.get("limits"))) else said


@pod_rule(
    id="cpu-request-missing",
    title="Containers request CPU",
    severity=Severity.MEDIUM,
    category=Category.RESOURCES,
    reason="The scheduler fills a node by requests. A container without one gets what is left, which may be nothing, "
    "and a HorizontalPodAutoscaler cannot compute its utilisation.",
    remedy="Set resources.requests.cpu to what the container uses under normal load.",
    sources=("polaris:cpuRequestsMissing", "kube-linter:unset-cpu-requirements", "kubescape:C-0050"),
    severity_in={"dev": Severity.LOW},
    cel=_cel_requested("cpu"),
)
def cpu_request_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """Neither a request nor a limit that becomes one."""
    return _say_unless_whole(pod, _NO_CPU_REQUEST, "CPU request")


@pod_rule(
    id="memory-request-missing",
    title="Containers request memory",
    severity=Severity.MEDIUM,
    category=Category.RESOURCES,
    reason="The scheduler fills a node by requests, and the kubelet evicts first what uses more than it requested.",
    remedy="Set resources.requests.memory to what the container uses at its peak.",
    sources=("polaris:memoryRequestsMissing", "kubescape:C-0004"),
    severity_in={"dev": Severity.LOW},
    cel=_cel_requested("memory"),
)
def memory_request_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """Neither a request nor a limit that becomes one."""
    return _say_unless_whole(pod, _NO_MEMORY_REQUEST, "memory request")


@pod_rule(
    id="memory-limit-missing",
    title="Containers have a memory limit",
    severity=Severity.HIGH,
    category=Category.RESOURCES,
    reason="Without a limit one leak takes the memory of every Pod on the node.",
    remedy="Set resources.limits.memory on each container.",
    sources=(
        "kube-score:container-resources",
        "polaris:memoryLimitsMissing",
        "kube-linter:unset-memory-requirements",
        "kubescape:C-0009",
    ),
    severity_in={"dev": Severity.MEDIUM},
    cel=_cel_limited("memory"),
)
def memory_limit_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """No limit, or one of zero, which the kubelet takes for none."""
    return _say_unless_whole(pod, _NO_MEMORY_LIMIT, "memory limit")


@pod_rule(
    id="cpu-limit-missing",
    title="Containers have a CPU limit",
    severity=Severity.ADVISORY,
    category=Category.RESOURCES,
    reason="A limit bounds what a spin loop costs its neighbours, but it also throttles bursts while cores are idle, "
    "and requests alone already share a busy CPU fairly. The field disagrees, so this costs no points.",
    remedy="Set resources.limits.cpu where neighbours must be protected or latency must not depend on idle cores.",
    sources=("polaris:cpuLimitsMissing",),
    cel=_cel_limited("cpu"),
)
def cpu_limit_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """No limit, or one of zero, which the kubelet takes for none."""
    return _say_unless_whole(pod, _NO_CPU_LIMIT, "CPU limit")


@pod_rule(
    id="ephemeral-storage-limit-missing",
    title="Containers have a limit of ephemeral storage",
    severity=Severity.LOW,
    category=Category.RESOURCES,
    reason="Logs and files that a container writes fill the node's disk, and then the kubelet evicts its neighbours "
    "too.",
    remedy="Set resources.limits.ephemeral-storage; the request follows it.",
    sources=("kube-score:container-ephemeral-storage-request-and-limit",),
    severity_in={"dev": Severity.ADVISORY},
    cel=f"{STANDING}.all(c, !{_cel_none(_EPHEMERAL)})",
)
def ephemeral_storage_limit_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """No limit. A Pod cannot have one as a whole."""
    return _say(pod, _NO_STORAGE_LIMIT, "limit of ephemeral storage")


@pod_rule(
    id="empty-dir-size-missing",
    title="Scratch volumes have a size",
    severity=Severity.LOW,
    category=Category.RESOURCES,
    reason="An emptyDir without sizeLimit grows until the node's disk is full; one in memory, until the node's "
    "memory is.",
    remedy="Set emptyDir.sizeLimit.",
    sources=("kubernetes:local-ephemeral-storage", "kyverno:require-emptydir-requests-limits"),
    severity_in={"dev": Severity.ADVISORY},
    cel=f"variables.spec.?volumes.orValue([]).all(v, !has(v.emptyDir) || !{_cel_none(_SIZE)})",
)
def empty_dir_size_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """An emptyDir that nothing bounds. A volume of no type at all is one."""
    if "volumes" not in pod.spec:
        return
    for index, volume in entries(pod.spec["volumes"]):
        scratch = volume.get("emptyDir")
        if scratch is None and [key for key in volume if key != "name" and volume[key] is not None]:
            continue
        if read(scratch).get("sizeLimit", 0) == 0:
            where = (*pod.path, "volumes", index, "emptyDir")
            yield Violation(where, f"the scratch volume '{volume.get('name')}' has no sizeLimit")
