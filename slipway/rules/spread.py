"""Where Pods may run: apart from each other, and on any node that will do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.pods import POD_KINDS, PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule
from slipway.rules.relations import SCALED, replicas, selector_of
from slipway.rules.shape import dig, entries, mapping, name_of

__all__: list[str] = []

_ANTI_AFFINITY = ("affinity", "podAntiAffinity")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_HOSTNAME = "kubernetes.io/hostname"
# A DaemonSet has one Pod on each node already.
_REPLICATED = POD_KINDS - {"Pod", "PodTemplate", "DaemonSet.apps"}
_WAYS_OUT = ("DoNotSchedule", "ScheduleAnyway")


def _selects(selector: Any, labels: dict[str, Any]) -> bool:
    if isinstance(selector, dict) and not selector.get("matchExpressions"):
        return mapping(selector.get("matchLabels")).items() <= labels.items()
    return selector_of(selector).matches(labels)


def _constraints(pod: PodView) -> Iterator[tuple[Path, dict[str, Any]]]:
    if "topologySpreadConstraints" in pod.spec:
        for index, constraint in entries(pod.spec["topologySpreadConstraints"]):
            yield (*pod.path, "topologySpreadConstraints", index), constraint


def _may_be_several(pod: PodView, context: Context) -> bool:
    if pod.kind == "Job":
        return whole(dig(pod.object, "spec", "parallelism"), 1) > 1
    if pod.kind == "CronJob":
        return whole(dig(pod.object, "spec", "jobTemplate", "spec", "parallelism"), 1) > 1
    return replicas(pod.object, context)[1] > 1


def _terms(pod: PodView) -> Iterator[dict[str, Any]]:
    """The terms of the Pod's anti-affinity, required and preferred."""
    rules = mapping(dig(pod.spec, *_ANTI_AFFINITY))
    for _, term in entries(rules.get(_REQUIRED)):
        yield term
    for _, weighted in entries(rules.get(_PREFERRED)):
        yield mapping(weighted.get("podAffinityTerm"))


@pod_rule(
    id="spread-missing",
    title="Replicas run on different nodes",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="The scheduler may put all replicas on one node, and then one node's end is an outage.",
    remedy="Add a topologySpreadConstraint over kubernetes.io/hostname (and the zone), or a podAntiAffinity.",
    sources=(
        "kube-score:deployment-has-host-podantiaffinity",
        "kube-score:statefulset-has-host-podantiaffinity",
        "polaris:topologySpreadConstraint",
        "kube-linter:no-anti-affinity",
    ),
    kinds=SCALED,
    whole_set=True,
    severity_in={"dev": Severity.ADVISORY},
)
def spread_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """More than one replica, by its own number or an autoscaler's maximum, and nothing that parts them."""
    for _ in _constraints(pod):
        return
    for _ in _terms(pod):
        return
    if replicas(pod.object, context)[1] > 1:
        yield Violation(pod.path, f"nothing keeps the replicas of '{name_of(pod.object)}' on different nodes")


@pod_rule(
    id="spread-selects-other-pods",
    title="Spread constraints count the Pod itself",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A constraint that does not select its own Pods spreads nothing: it counts Pods that are not there.",
    remedy="Make the labelSelector match the labels of the Pod's template.",
    sources=("kubernetes:topology-spread-constraints",),
    kinds=_REPLICATED,
    whole_set=True,
)
def spread_selects_other_pods(pod: PodView, context: Context) -> Iterable[Violation]:
    """A constraint whose selector misses the Pod's own labels; anti-affinity counts where it is all that there is.

    A single Pod has no replicas to be kept from; it may well look at others.
    """
    if "topologySpreadConstraints" not in pod.spec and "affinity" not in pod.spec:
        return
    if not _may_be_several(pod, context):
        return
    spread = False
    for where, constraint in _constraints(pod):
        spread = True
        if not _selects(constraint.get("labelSelector"), mapping(pod.template_metadata.get("labels"))):
            yield Violation((*where, "labelSelector"), "the constraint does not select the Pod that it stands in")
    if not spread and "affinity" in pod.spec:
        terms = list(_terms(pod))
        labels = mapping(pod.template_metadata.get("labels"))
        if terms and not any(_selects(term.get("labelSelector"), labels) for term in terms):
            where = (*pod.path, *_ANTI_AFFINITY)
            yield Violation(where, "the anti-affinity keeps the Pod from others, and not from its own replicas")


@pod_rule(
    id="spread-invalid",
    title="Spread constraints are ones that Kubernetes takes",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The API server refuses the object, so nothing of it is deployed.",
    remedy="Set maxSkew from 1, a topologyKey, whenUnsatisfiable to DoNotSchedule or ScheduleAnyway, and minDomains "
    "from 1 with DoNotSchedule only.",
    sources=("kube-score:pod-topology-spread-constraints",),
)
def spread_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """What `validateTopologySpreadConstraints` refuses. A missing field is the schema's."""
    for where, constraint in _constraints(pod):
        domains = whole(constraint.get("minDomains"))
        way_out = constraint.get("whenUnsatisfiable", _WAYS_OUT[0])
        if whole(constraint.get("maxSkew"), 1) < 1:
            yield Violation((*where, "maxSkew"), f"a maxSkew of {constraint['maxSkew']} cannot be kept")
        if constraint.get("topologyKey") == "":
            yield Violation((*where, "topologyKey"), "the constraint names no topology")
        if way_out not in _WAYS_OUT:
            yield Violation((*where, "whenUnsatisfiable"), f"'{way_out}' is neither {' nor '.join(_WAYS_OUT)}")
        elif domains is not None and (domains < 1 or way_out != _WAYS_OUT[0]):
            fault = "must be at least 1" if domains < 1 else f"goes with {_WAYS_OUT[0]} only"
            yield Violation((*where, "minDomains"), f"a minDomains of {domains} {fault}")


@pod_rule(
    id="pod-tied-to-node",
    title="Pods may run on any node that fits",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A Pod that names its node cannot move when that node is drained or dies.",
    remedy="Select nodes by what they are (a label of the pool, the zone, the architecture), not by name.",
    sources=("kubernetes:assign-pod-node",),
    kinds=POD_KINDS - {"Pod"},
    cel=f"!has(variables.spec.nodeName) && !('{_HOSTNAME}' in variables.spec.?nodeSelector.orValue({{}}))",
)
def pod_tied_to_node(pod: PodView, context: Context) -> Iterable[Violation]:
    """A template with `nodeName`, or a selector of the host's name. (The scheduler writes `nodeName` into Pods.)"""
    if pod.spec.get("nodeName"):
        yield Violation((*pod.path, "nodeName"), f"the Pods of '{name_of(pod.object)}' run on one node only")
    if mapping(pod.spec.get("nodeSelector")).get(_HOSTNAME) is not None:
        where = (*pod.path, "nodeSelector", _HOSTNAME)
        yield Violation(where, f"the Pods of '{name_of(pod.object)}' run on one node only")


@pod_rule(
    id="priority-class-missing",
    title="Pods have a priority",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="When a node or the cluster is full, Pods of a lower priority make room. Without classes nobody has said "
    "which those are. It is for the cluster to define them, so this costs no points.",
    remedy="Set priorityClassName to a class of the cluster (`kubectl get priorityclass`).",
    sources=("polaris:priorityClassNotSet",),
    cel="variables.spec.?priorityClassName.orValue('') != ''",
)
def priority_class_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """No `priorityClassName`."""
    if not pod.spec.get("priorityClassName"):
        yield Violation(pod.path, f"the Pods of '{name_of(pod.object)}' have no priority class")
