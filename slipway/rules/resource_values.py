"""Requests and limits: that their values can be read, make a pair, and are what somebody can have meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from slipway.rules.amounts import Amounts, Fault, Side
from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.quantity import MILLI, UNIT, quantity
from slipway.rules.registry import pod_rule
from slipway.rules.resources import STANDING

__all__: list[str] = []

_CPU_RATIO = 10
# The least and the most that is plausible. containerd's runtime needs some 4 MiB to start anything. No node of a cloud
# has 32 TiB of memory to give; 100 cores are rarely one container's, and nearly always millicores that lost their `m`.
# CPU has no least: the API server makes a millicore of whatever is less.
_PLAUSIBLE = {
    "cpu": ("1n", "100"),
    "memory": ("4Mi", "32Ti"),
    "ephemeral-storage": ("1Mi", "64Ti"),
}
_BOUNDS = {name: (quantity(least) or 0, quantity(most) or 0) for name, (least, most) in _PLAUSIBLE.items()}
_HUGE_PAGES = "hugepages-"


def _entries(asked: Amounts) -> Iterator[tuple[str, Any, int | None]]:
    for resource, amount in asked.requests.items():
        yield "requests", resource, amount
    for resource, amount in asked.limits.items():
        yield "limits", resource, amount


def _some(test: Callable[[Any, int | None], bool]) -> Fault:
    """The fault that a single request or limit has."""
    return Fault(lambda requests, limits: any(test(*item) for side in (requests, limits) for item in side.items()))


def _overcommitted(resource: str) -> bool:
    """Whether a request may be smaller than its limit: not for devices and huge pages (core validation)."""
    return not resource.startswith(_HUGE_PAGES) and ("/" not in resource or "kubernetes.io/" in resource)


def _is_bad(resource: Any, amount: int | None) -> bool:
    return amount is None or amount < 0


def _is_unknown(resource: Any, amount: int | None) -> bool:
    return resource not in _BOUNDS and "/" not in str(resource) and not str(resource).startswith(_HUGE_PAGES)


def _is_absurd(resource: Any, amount: int | None) -> bool:
    bounds = _BOUNDS.get(resource)
    return bounds is not None and amount is not None and amount > 0 and not bounds[0] <= amount < bounds[1]


def _impossible(requests: Side, limits: Side) -> list[tuple[Any, str]]:
    """The resources whose request does not go with the limit, and why."""
    found = []
    for resource, request in requests.items():
        limit = limits.get(resource)
        if request is None or request == limit or (limit is None and resource in limits):
            continue
        if limit is not None and request > limit:
            found.append((resource, "is above its limit"))
        elif not _overcommitted(str(resource)):
            found.append(
                (resource, "is not its limit" if limit is not None else "has no limit, and must have the same")
            )
    return found


def _below(resource: str) -> Fault:
    def test(requests: Side, limits: Side) -> bool:
        request, limit = requests.get(resource), limits.get(resource)
        return bool(request) and request is not None and limit is not None and request < limit

    return Fault(test)


_BAD, _UNKNOWN, _ABSURD = _some(_is_bad), _some(_is_unknown), _some(_is_absurd)
_IMPOSSIBLE = Fault(lambda requests, limits: bool(_impossible(requests, limits)))
_MEMORY_BELOW, _STORAGE_BELOW = _below("memory"), _below("ephemeral-storage")


@Fault
def _cpu_far_above(requests: Side, limits: Side) -> bool:
    request, limit = requests.get("cpu"), limits.get("cpu")
    return request is not None and limit is not None and request >= MILLI and limit > _CPU_RATIO * request


@pod_rule(
    id="resource-quantity-invalid",
    title="Requests and limits are quantities",
    severity=Severity.CRITICAL,
    category=Category.RESOURCES,
    reason="The API server refuses what it cannot read and what is negative, so nothing of the object is deployed.",
    remedy="Write a number with a suffix of Kubernetes: m, k, M, G, T or Ki, Mi, Gi, Ti. There is no `MB`.",
    sources=("kubernetes:resource.Quantity",),
)
def resource_quantity_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """Values that are no quantity, or are below zero. A list or a mapping in their place is the schema's fault."""
    for asked in _BAD.among(pod):
        for side, resource, amount in _entries(asked):
            value = asked.written(side, resource)
            if _is_bad(resource, amount) and isinstance(value, str | int | float):
                fault = "is no quantity" if amount is None else "is negative"
                what = f"the {resource} {side[:-1]} '{value}' of container '{asked.container.name}'"
                yield Violation(asked.path(side, resource), f"{what} {fault}")


@pod_rule(
    id="resource-name-unknown",
    title="Requests and limits name resources that there are",
    severity=Severity.CRITICAL,
    category=Category.RESOURCES,
    reason="The API server refuses a resource that it does not know, so nothing of the object is deployed.",
    remedy="Write cpu, memory, ephemeral-storage, hugepages-<size>, or the full name of a device (`example.com/gpu`).",
    sources=("kubernetes:ValidateContainerResourceName",),
)
def resource_name_unknown(pod: PodView, context: Context) -> Iterable[Violation]:
    """A name without a domain that is none of Kubernetes' own."""
    for asked in _UNKNOWN.among(pod):
        for side, resource, amount in _entries(asked):
            if _is_unknown(resource, amount):
                fault = f"container '{asked.container.name}' asks for '{resource}', and there is no such resource"
                yield Violation(asked.path(side, resource), fault)


@pod_rule(
    id="resource-request-above-limit",
    title="Requests fit under their limits",
    severity=Severity.CRITICAL,
    category=Category.RESOURCES,
    reason="The API server refuses a request above its limit, and for devices and huge pages any request that is not "
    "the limit, so nothing of the object is deployed.",
    remedy="Raise the limit or lower the request; for devices and huge pages write the limit only.",
    sources=("kubernetes:ValidateResourceRequirements",),
)
def resource_request_above_limit(pod: PodView, context: Context) -> Iterable[Violation]:
    """Pairs that cannot be."""
    for asked in _IMPOSSIBLE.among(pod):
        for resource, fault in _impossible(asked.requests, asked.limits):
            what = f"the {resource} request {asked.written('requests', resource)} of container '{asked.container.name}'"
            yield Violation(asked.path("requests", resource), f"{what} {fault}")


def _cel_plausible(resource: str) -> str:
    least, most = _PLAUSIBLE[resource]
    text = f"string(r['{resource}'])"
    within = f"!quantity({text}).isLessThan(quantity('{least}')) && quantity({text}).isLessThan(quantity('{most}'))"
    return f"(!('{resource}' in r) || !isQuantity({text}) || sign(quantity({text})) < 1 || ({within}))"


def _cel_not_below(resource: str) -> str:
    """In CEL: no container requests less of `resource` than its limit, where it says both."""
    asked = f"string(c.resources.requests['{resource}'])"
    most = f"string(c.resources.limits['{resource}'])"
    return (
        f"{STANDING}.all(c, !('{resource}' in c.?resources.?requests.orValue({{}})) || "
        f"!('{resource}' in c.?resources.?limits.orValue({{}})) || !isQuantity({asked}) || !isQuantity({most}) || "
        f"sign(quantity({asked})) == 0 || !quantity({asked}).isLessThan(quantity({most})))"
    )


@pod_rule(
    id="resource-value-absurd",
    title="Requests and limits are of a plausible size",
    severity=Severity.HIGH,
    category=Category.RESOURCES,
    reason="Memory of `64m` is 0.064 bytes and CPU of `500` is 500 cores: a slip of the unit makes a container that "
    "is killed at its start or that no node can hold.",
    remedy="Write CPU as cores (`0.5`) or millicores (`500m`), memory and storage with Mi or Gi.",
    sources=("kubernetes:meaning-of-memory", "kubernetes:meaning-of-cpu"),
    cel=f"{STANDING}.all(c, [c.?resources.?requests.orValue({{}}), c.?resources.?limits.orValue({{}})].all(r, "
    + " && ".join(map(_cel_plausible, _PLAUSIBLE))
    + "))",
)
def resource_value_absurd(pod: PodView, context: Context) -> Iterable[Violation]:
    """Less than anything runs with, or more than any node has."""
    for asked in _ABSURD.among(pod):
        for side, resource, amount in _entries(asked):
            if _is_absurd(resource, amount):
                unit = "cores" if resource == "cpu" else "bytes"
                size = f"{asked.written(side, resource)} ({(amount or 0) / UNIT:g} {unit})"
                fault = f"a {resource} {side[:-1]} of {size} for container '{asked.container.name}' cannot be meant"
                yield Violation(asked.path(side, resource), fault)


@pod_rule(
    id="memory-request-below-limit",
    title="Containers request as much memory as they may use",
    severity=Severity.LOW,
    category=Category.RESOURCES,
    reason="Memory cannot be taken back. A node whose Pods all use what their limits allow runs out, and the kernel "
    "kills first what uses most above its request.",
    remedy="Set resources.requests.memory to the limit.",
    sources=(
        "kube-score:container-memory-requests-equal-limits",
        "kube-score:container-resource-requests-equal-limits",
    ),
    severity_in={"dev": Severity.ADVISORY, "prod": Severity.MEDIUM},
    cel=_cel_not_below("memory"),
)
def memory_request_below_limit(pod: PodView, context: Context) -> Iterable[Violation]:
    """A request that is written, and smaller than the limit."""
    return _say_below(pod, _MEMORY_BELOW, "memory", "memory")


@pod_rule(
    id="ephemeral-storage-request-below-limit",
    title="Containers request as much ephemeral storage as they may use",
    severity=Severity.ADVISORY,
    category=Category.RESOURCES,
    reason="A node whose Pods all write what their limits allow runs out of disk and evicts some of them.",
    remedy="Set resources.requests.ephemeral-storage to the limit, or leave it out.",
    sources=("kube-score:container-ephemeral-storage-request-equals-limit",),
    cel=_cel_not_below("ephemeral-storage"),
)
def ephemeral_storage_request_below_limit(pod: PodView, context: Context) -> Iterable[Violation]:
    """A request that is written, and smaller than the limit."""
    return _say_below(pod, _STORAGE_BELOW, "ephemeral-storage", "ephemeral storage")


def _say_below(pod: PodView, fault: Fault, resource: str, noun: str) -> Iterable[Violation]:
    for asked in fault.among(pod):
        pair = f"{asked.written('requests', resource)} of {noun} and may use {asked.written('limits', resource)}"
        yield Violation(asked.path("requests", resource), f"container '{asked.container.name}' requests {pair}")


@pod_rule(
    id="cpu-limit-far-above-request",
    title="CPU limits stay near the requests",
    severity=Severity.ADVISORY,
    category=Category.RESOURCES,
    reason="A container that may use ten times its request is fast on an idle node and slow on a busy one, and the "
    "request says nothing of what the node must have.",
    remedy="Raise resources.requests.cpu towards what the container uses, or lower the limit.",
    sources=("kube-score:container-cpu-requests-equal-limits",),
)
def cpu_limit_far_above_request(pod: PodView, context: Context) -> Iterable[Violation]:
    """More than ten times the request."""
    for asked in _cpu_far_above.among(pod):
        times = (asked.limits["cpu"] or 0) / (asked.requests["cpu"] or 1)
        fault = f"container '{asked.container.name}' may use {times:.0f} times the CPU that it requests"
        yield Violation(asked.path("limits", "cpu"), fault)
