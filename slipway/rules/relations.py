"""Which autoscaler scales a workload, and which disruption budgets guard its Pods, in one set of objects.

Both are found through an index that is made once for a set, so that ten thousand objects cost ten thousand steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import Object
from slipway.rules.pods import PodView
from slipway.rules.quantity import whole
from slipway.rules.selection import pods_selected
from slipway.rules.selectors import NOTHING, InvalidSelector, Selector, parse
from slipway.rules.shape import dig, mapping, name_of, namespace_of, text

__all__ = ["BUDGET", "HPA", "SCALED", "Autoscaler", "autoscalers", "budgets", "guarded", "replicas", "selector_of"]

HPA = "HorizontalPodAutoscaler.autoscaling"
BUDGET = "PodDisruptionBudget.policy"
SCALED = ("Deployment.apps", "StatefulSet.apps", "Rollout.argoproj.io")
"""Kinds whose `replicas` somebody chooses and an autoscaler may take over."""
# GroupKind -> the fields of the fewest and the most Pods with their defaults, and the default kind of the target.
_AUTOSCALERS: dict[str, tuple[tuple[str, int], tuple[str, int], str]] = {
    HPA: (("minReplicas", 1), ("maxReplicas", 1), ""),
    "ScaledObject.keda.sh": (("minReplicaCount", 0), ("maxReplicaCount", 100), "Deployment"),
}


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What decides a workload's replicas in its place: a HorizontalPodAutoscaler or KEDA's ScaledObject."""

    object: Object
    minimum: int
    maximum: int


class _Relations:
    """What is known of one set of objects. It holds no reference to the set, which it must not keep alive."""

    def __init__(self, objects: ObjectSet) -> None:
        self.autoscalers: dict[tuple[str, str, str], list[Autoscaler]] = {}
        self.budgets: dict[int, list[Object]] | None = None
        for kind, (low, high, default_kind) in _AUTOSCALERS.items():
            for scaler in objects.of(kind):
                spec = mapping(scaler.get("spec"))
                target = mapping(spec.get("scaleTargetRef"))
                key = namespace_of(scaler), text(target.get("kind")) or default_kind, text(target.get("name"))
                found = Autoscaler(scaler, whole(spec.get(low[0]), low[1]), whole(spec.get(high[0]), high[1]))
                self.autoscalers.setdefault(key, []).append(found)


_known: WeakKeyDictionary[ObjectSet, _Relations] = WeakKeyDictionary()


def _relations(context: Context) -> _Relations:
    if (known := _known.get(context.objects)) is None:
        known = _known[context.objects] = _Relations(context.objects)
    return known


def autoscalers(item: Object, context: Context) -> list[Autoscaler]:
    """All that claim to scale `item`; more than one is a fault."""
    found = _relations(context).autoscalers
    return found.get((namespace_of(item), text(item.get("kind")), name_of(item)), []) if found else []


def replicas(item: Object, context: Context) -> tuple[int, int]:
    """The fewest and the most replicas that `item` is meant to have."""
    if found := autoscalers(item, context):
        return found[0].minimum, found[0].maximum
    count = whole(dig(item, "spec", "replicas"), 1)
    return count, count


def budgets(item: Object, context: Context) -> list[Object]:
    """The budgets that guard the Pods of `item`."""
    known = _relations(context)
    if known.budgets is None:
        known.budgets = {}
        for budget in context.objects.of(BUDGET):
            for pod in guarded(budget, context):
                known.budgets.setdefault(id(pod.object), []).append(budget)
    return known.budgets.get(id(item), [])


def guarded(budget: Object, context: Context) -> list[PodView]:
    """The Pods that a budget selects in its namespace."""
    return pods_selected(context, namespace_of(budget), selector_of(dig(budget, "spec", "selector")))


def selector_of(selector: Any) -> Selector:
    """What a LabelSelector selects. One that the API server refuses selects nothing, as an absent one does."""
    try:
        return parse(selector)
    except InvalidSelector:
        return NOTHING
