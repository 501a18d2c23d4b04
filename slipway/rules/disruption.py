"""Disruption budgets: that there is one, that it guards something, and that nodes can still be drained."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Severity, Violation
from slipway.rules.pods import POD_KINDS, PodView
from slipway.rules.quantity import share, whole
from slipway.rules.registry import pod_rule, rule
from slipway.rules.relations import BUDGET, SCALED, budgets, guarded, replicas
from slipway.rules.shape import dig, mapping, name_of

__all__: list[str] = []

_LEFT, _GONE = "minAvailable", "maxUnavailable"
_ALL = 100


def _cel(field: str, values: tuple[str, ...]) -> str:
    return f"(has(object.spec.{field}) && string(object.spec.{field}) in {list(values)})"


@pod_rule(
    id="disruption-budget-missing",
    title="Workloads of several Pods have a disruption budget",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A node upgrade may drain all Pods of a workload at once when nothing says how many must stay.",
    remedy="Add a PodDisruptionBudget with `maxUnavailable: 1` that selects the Pods.",
    sources=(
        "kube-score:deployment-has-poddisruptionbudget",
        "kube-score:statefulset-has-poddisruptionbudget",
        "polaris:missingPodDisruptionBudget",
    ),
    kinds=SCALED,
    whole_set=True,
    severity_in={"dev": Severity.ADVISORY},
)
def disruption_budget_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """More than one replica, by its own number or an autoscaler's maximum, and no budget."""
    if budgets(pod.object, context) or replicas(pod.object, context)[1] < 2:
        return
    if not context.complete:
        raise NotAssessed("not all objects were read, and the disruption budget may be among the others")
    yield Violation(("metadata", "name"), f"no PodDisruptionBudget selects the Pods of '{name_of(pod.object)}'")


@rule(
    id="disruption-budget-blocks-drain",
    title="Disruption budgets let a Pod go",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A budget that never lets a Pod go blocks every drain: upgrades of nodes hang until somebody deletes it.",
    remedy="Set `maxUnavailable: 1` in place of what is there.",
    sources=("polaris:pdbDisruptionsIsZero", "kube-linter:pdb-max-unavailable"),
    kinds=(BUDGET,),
    cel=f"!{_cel(_GONE, ('0', '0%'))} && !{_cel(_LEFT, ('100%',))}",
)
def disruption_budget_blocks_drain(item: Object, context: Context) -> Iterable[Violation]:
    """`maxUnavailable` of nothing, or `minAvailable` of all."""
    spec = mapping(item.get("spec"))
    gone, left = spec.get(_GONE), spec.get(_LEFT)
    if gone == "0%" or whole(gone) == 0:
        yield Violation(("spec", _GONE), f"'{name_of(item)}' lets no Pod go: {_GONE} is {gone}")
    if left == "100%":
        yield Violation(("spec", _LEFT), f"'{name_of(item)}' lets no Pod go: {_LEFT} is {left}")


@rule(
    id="disruption-budget-above-replicas",
    title="Disruption budgets leave fewer Pods than there are",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="When as many Pods must stay as there are, at the autoscaler's minimum too, no node can be drained.",
    remedy="Set `maxUnavailable: 1` in place of minAvailable, or raise the replicas.",
    sources=("kube-linter:pdb-min-available", "polaris:pdbMinAvailableGreaterThanHPAMinReplicas"),
    kinds=(BUDGET,),
    whole_set=True,
)
def disruption_budget_above_replicas(item: Object, context: Context) -> Iterable[Violation]:
    """`minAvailable` that is no less than the replicas. Percentages are rounded up, as the controller does."""
    left = dig(item, "spec", _LEFT)
    if left is None or left == "100%":
        return
    total = 0
    for pod in guarded(item, context):
        if pod.kind not in ("Deployment", "StatefulSet", "Rollout"):
            return
        total += replicas(pod.object, context)[0]
    needed = share(left, total)
    if needed is not None and 0 < total <= needed:
        if isinstance(left, str):
            fault = f"{left} of {total} rounds up to {needed}: no Pod may be evicted"
        else:
            fault = f"'{name_of(item)}' keeps {left} Pods, and there may be {total}: no Pod may be evicted"
        yield Violation(("spec", _LEFT), fault)


@rule(
    id="disruption-budget-empty",
    title="Disruption budgets guard something",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A budget that lets all Pods go at once is none, and only looks like one.",
    remedy="Set `maxUnavailable: 1`.",
    sources=("kube-score:poddisruptionbudget-has-policy",),
    kinds=(BUDGET,),
    cel=f"has(object.spec.{_GONE}) ? !{_cel(_GONE, ('100%',))} : "
    f"has(object.spec.{_LEFT}) && !{_cel(_LEFT, ('0', '0%'))}",
)
def disruption_budget_empty(item: Object, context: Context) -> Iterable[Violation]:
    """Neither `minAvailable` nor `maxUnavailable`, or one of them that binds nothing."""
    spec = mapping(item.get("spec"))
    gone, left = spec.get(_GONE), spec.get(_LEFT)
    if gone is None and left is None:
        yield Violation(("spec",), f"'{name_of(item)}' has neither {_GONE} nor {_LEFT}")
    elif gone == "100%":
        yield Violation(("spec", _GONE), f"'{name_of(item)}' lets all Pods go")
    elif gone is None and share(left, _ALL) == 0:
        yield Violation(("spec", _LEFT), f"'{name_of(item)}' need not keep a Pod")


@rule(
    id="disruption-budget-invalid",
    title="Disruption budgets say one thing",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The API server refuses both fields together, and what is no number or percentage from 0, so there is no "
    "budget.",
    remedy="Keep one of minAvailable and maxUnavailable: a number, or a percentage up to 100.",
    sources=("kubernetes:ValidatePodDisruptionBudget",),
    kinds=(BUDGET,),
)
def disruption_budget_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """What `ValidatePodDisruptionBudgetSpec` refuses."""
    spec = mapping(item.get("spec"))
    given = {field: spec[field] for field in (_LEFT, _GONE) if spec.get(field) is not None}
    if len(given) > 1:
        yield Violation(("spec",), f"'{name_of(item)}' has both {_LEFT} and {_GONE}")
    for field, value in given.items():
        amount = share(value, _ALL)
        if isinstance(value, str | int) and (
            amount is None or amount < 0 or (isinstance(value, str) and amount > _ALL)
        ):
            yield Violation(("spec", field), f"the {field} of '{name_of(item)}' is '{value}'")


@rule(
    id="disruption-budget-selects-nothing",
    title="Disruption budgets select Pods",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A label that was renamed on one side only leaves the Pods without the budget that everybody believes in.",
    remedy="Make spec.selector match the labels of the Pods' template.",
    sources=("kubernetes:pod-disruption-budget-selector",),
    kinds=(BUDGET,),
    whole_set=True,
)
def disruption_budget_selects_nothing(item: Object, context: Context) -> Iterable[Violation]:
    """No Pod of the namespace has the labels."""
    if guarded(item, context):
        return
    if not context.complete and dig(item, "spec", "selector") is not None:
        raise NotAssessed("not all objects were read, and the Pods may be among the others")
    yield Violation(("spec", "selector"), f"'{name_of(item)}' selects no Pod")


@pod_rule(
    id="disruption-budgets-overlap",
    title="Each Pod has one disruption budget",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The API server refuses to evict a Pod that two budgets select, so its node cannot be drained.",
    remedy="Make the selectors of the budgets exclude each other.",
    sources=("kubernetes:eviction-api",),
    kinds=POD_KINDS,
    whole_set=True,
)
def disruption_budgets_overlap(pod: PodView, context: Context) -> Iterable[Violation]:
    """More than one budget."""
    found = budgets(pod.object, context)
    if len(found) > 1:
        names = " and ".join(sorted(f"'{name_of(budget)}'" for budget in found))
        yield Violation((*pod.template_path, "labels"), f"{names} select the Pods of '{name_of(pod.object)}'")


@rule(
    id="disruption-budget-keeps-broken-pods",
    title="Disruption budgets say what happens to broken Pods",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Unless told otherwise a budget protects Pods that run and are not ready, and a workload that is down "
    "already blocks the drain of its nodes.",
    remedy="Set `unhealthyPodEvictionPolicy: AlwaysAllow`, or IfHealthyBudget where data would be lost.",
    sources=("kube-linter:pdb-unhealthy-pod-eviction-policy",),
    kinds=(BUDGET,),
    cel="has(object.spec.unhealthyPodEvictionPolicy)",
)
def disruption_budget_keeps_broken_pods(item: Object, context: Context) -> Iterable[Violation]:
    """No `unhealthyPodEvictionPolicy`. Either value, once written, is a decision."""
    if dig(item, "spec", "unhealthyPodEvictionPolicy") is None:
        yield Violation(("spec",), f"'{name_of(item)}' does not say whether broken Pods may be evicted")
