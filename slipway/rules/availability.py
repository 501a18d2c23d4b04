"""Replicas and autoscaling: that one lost Pod is not an outage, and that one hand decides how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.jobs import HOOKS
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.quantity import whole
from slipway.rules.registry import rule
from slipway.rules.relations import HPA, SCALED, autoscalers
from slipway.rules.shape import annotations_of, dig, listing, mapping, name_of

__all__: list[str] = []

_REPLICAS = ("spec", "replicas")
_MINIMUM = ("spec", "minReplicas")
_SHARED = ("staging", "prod")


def _has(count: int, item: Object, context: Context) -> bool:
    """Whether the workload itself asks for `count` Pods, and no autoscaler decides in its place."""
    return whole(dig(item, *_REPLICAS), 1) == count and not autoscalers(item, context)


@rule(
    id="replicas-too-few",
    title="Workloads run more than one Pod",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="With one Pod every restart, every drained node and every rollout that waits is an outage.",
    remedy="Set spec.replicas to 2 or more (3 in prod), or add a HorizontalPodAutoscaler.",
    sources=("kube-score:deployment-replicas", "polaris:deploymentMissingReplicas"),
    kinds=SCALED,
    whole_set=True,
    environments=_SHARED,
    severity_in={"staging": Severity.MEDIUM},
)
def replicas_too_few(item: Object, context: Context) -> Iterable[Violation]:
    """One replica, and no autoscaler that makes more. None at all is switched off, not fragile."""
    if _has(1, item, context):
        yield Violation(_REPLICAS, f"'{name_of(item)}' runs one Pod")


@rule(
    id="replicas-below-three",
    title="Workloads run three Pods or more in prod",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Of two Pods one is left while a node is drained; if that one fails, there is none.",
    remedy="Set spec.replicas to 3.",
    sources=("kube-linter:minimum-three-replicas",),
    kinds=SCALED,
    whole_set=True,
    environments=("prod",),
)
def replicas_below_three(item: Object, context: Context) -> Iterable[Violation]:
    """Two replicas. One is another rule's."""
    if _has(2, item, context):
        yield Violation(_REPLICAS, f"'{name_of(item)}' runs two Pods")


@rule(
    id="scaled-to-zero",
    title="Workloads in prod run",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="With no Pod nothing of it runs. That may be meant, and is often a switch that nobody turned back.",
    remedy="Set spec.replicas, or remove what is not needed any more.",
    sources=("slipway:scaled-to-zero",),
    kinds=SCALED,
    environments=("prod",),
)
def scaled_to_zero(item: Object, context: Context) -> Iterable[Violation]:
    """`replicas: 0`. An autoscaler starts nothing either: at 0 it is switched off."""
    if whole(dig(item, *_REPLICAS), 1) == 0:
        yield Violation(_REPLICAS, f"'{name_of(item)}' runs no Pod")


@rule(
    id="replicas-with-autoscaler",
    title="Autoscaled workloads leave their replicas to the autoscaler",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Each sync sets the number in Git again and takes away the Pods that the autoscaler added under load.",
    remedy="Remove spec.replicas.",
    sources=("kube-score:deployment-targeted-by-hpa-does-not-have-replicas-configured",),
    kinds=SCALED,
    whole_set=True,
)
def replicas_with_autoscaler(item: Object, context: Context) -> Iterable[Violation]:
    """A number beside an autoscaler. In a live object (it has a uid) the number is the autoscaler's own."""
    if dig(item, *_REPLICAS) is None or mapping(item.get("metadata")).get("uid") is not None:
        return
    for scaler in autoscalers(item, context)[:1]:
        kind = scaler.object.get("kind")
        yield Violation(
            _REPLICAS, f"'{name_of(item)}' sets replicas, and the {kind} '{name_of(scaler.object)}' does too"
        )


@rule(
    id="autoscaler-minimum-too-low",
    title="Autoscaled workloads keep more than one Pod",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="An idle hour leaves one Pod, and then every restart and every drained node is an outage.",
    remedy="Set minReplicas to 2 or more (3 in prod).",
    sources=("kube-score:horizontalpodautoscaler-replicas", "polaris:hpaMinAvailability"),
    kinds=(HPA,),
    environments=_SHARED,
    severity_in={"staging": Severity.MEDIUM},
    cel="object.spec.?minReplicas.orValue(1) >= 2",
)
def autoscaler_minimum_too_low(item: Object, context: Context) -> Iterable[Violation]:
    """A minimum below two; it is one when none is written."""
    if whole(dig(item, *_MINIMUM), 1) < 2:
        yield Violation(_MINIMUM, f"'{name_of(item)}' may leave one Pod or none")


@rule(
    id="autoscaler-minimum-below-three",
    title="Autoscaled workloads keep three Pods or more in prod",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Of two Pods one is left while a node is drained; if that one fails, there is none.",
    remedy="Set minReplicas to 3.",
    sources=("kube-linter:hpa-minimum-three-replicas",),
    kinds=(HPA,),
    environments=("prod",),
    cel="object.spec.?minReplicas.orValue(1) != 2",
)
def autoscaler_minimum_below_three(item: Object, context: Context) -> Iterable[Violation]:
    """A minimum of two. Less is another rule's."""
    if whole(dig(item, *_MINIMUM), 1) == 2:
        yield Violation(_MINIMUM, f"'{name_of(item)}' may leave two Pods")


@rule(
    id="autoscaler-cannot-scale",
    title="Autoscalers have room to scale",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="With the maximum at the minimum the number never changes, and below it the API server refuses the object.",
    remedy="Set maxReplicas above minReplicas, or remove the HorizontalPodAutoscaler and set replicas.",
    sources=("polaris:hpaMaxAvailability",),
    kinds=(HPA,),
    cel="object.spec.maxReplicas > object.spec.?minReplicas.orValue(1)",
)
def autoscaler_cannot_scale(item: Object, context: Context) -> Iterable[Violation]:
    """A maximum that is not above the minimum."""
    most, least = whole(dig(item, "spec", "maxReplicas")), whole(dig(item, *_MINIMUM), 1)
    if most is not None and most <= least:
        yield Violation(("spec", "maxReplicas"), f"'{name_of(item)}' scales from {least} to {most}")


@rule(
    id="autoscaler-not-alone",
    title="Each workload has one autoscaler",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Two autoscalers of one workload undo each other's decisions.",
    remedy="Put the metrics of both into one HorizontalPodAutoscaler.",
    sources=("kubernetes:AmbiguousSelector",),
    kinds=SCALED,
    whole_set=True,
)
def autoscaler_not_alone(item: Object, context: Context) -> Iterable[Violation]:
    """More than one autoscaler that names the workload."""
    scalers = autoscalers(item, context)
    if len(scalers) > 1:
        names = " and ".join(sorted(f"'{name_of(scaler.object)}'" for scaler in scalers))
        yield Violation(("metadata", "name"), f"{names} scale '{name_of(item)}'")


@rule(
    id="pod-without-controller",
    title="Pods are made by something that makes them again",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A Pod of its own is gone with its node, and nobody makes another.",
    remedy="Make it a Deployment, a StatefulSet or a Job.",
    sources=("kubescape:C-0073", "kubernetes:configuration-best-practices"),
    kinds=("Pod",),
    cel="(has(object.metadata.ownerReferences) && size(object.metadata.ownerReferences) > 0) || "
    "(has(object.spec.restartPolicy) && object.spec.restartPolicy != 'Always') || "
    f"(has(object.metadata.annotations) && {list(HOOKS)}.exists(h, h in object.metadata.annotations))",
)
def pod_without_controller(item: Object, context: Context) -> Iterable[Violation]:
    """A Pod that is to run on and that nothing owns. Hooks, and Pods that are to end, come and go."""
    policy = dig(item, "spec", "restartPolicy")
    if listing(mapping(item.get("metadata")).get("ownerReferences")) or policy not in (None, "Always"):
        return
    if not any(hook in annotations_of(item) for hook in HOOKS):
        yield Violation(("kind",), f"nothing makes '{name_of(item)}' again when its node is gone")
