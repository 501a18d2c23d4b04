"""How Pods end: with time enough to finish what they are doing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule
from slipway.rules.shape import dig, listing, mapping

__all__: list[str] = []

_GRACE = 30
_SLEEP = re.compile(r"\s*(?:/bin/|/usr/bin/)?sleep\s+(\d{1,9})s?\s*(?:;.*|&&.*)?", re.DOTALL)


@pod_rule(
    id="grace-period-zero",
    title="Pods have time to end",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="With no grace period the process is killed in the middle of its requests, and a StatefulSet's Pod may "
    "run twice, because the API forgets it before the node has stopped it.",
    remedy=f"Remove terminationGracePeriodSeconds (it is {_GRACE} then) or set what a shutdown takes.",
    sources=("kubernetes:force-stateful-set-pod-deletion",),
    cel="!has(variables.spec.terminationGracePeriodSeconds) || variables.spec.terminationGracePeriodSeconds > 0",
)
def grace_period_zero(pod: PodView, context: Context) -> Iterable[Violation]:
    """A grace period of zero."""
    if whole(pod.spec.get("terminationGracePeriodSeconds"), _GRACE) <= 0:
        yield Violation((*pod.path, "terminationGracePeriodSeconds"), "the Pod is killed without time to end")


@pod_rule(
    id="prestop-fills-grace-period",
    title="The grace period is longer than the wait before the end",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The grace period starts before preStop does. When preStop sleeps as long, the process never hears "
    "SIGTERM and is killed in the middle of its requests.",
    remedy="Raise terminationGracePeriodSeconds to the sleep and what a shutdown takes.",
    sources=("kubernetes:pod-termination-flow",),
)
def prestop_fills_grace_period(pod: PodView, context: Context) -> Iterable[Violation]:
    """A preStop that sleeps as long as the grace period, by the sleep action or by a command."""
    for container in pod.containers:
        if "lifecycle" not in container.spec:
            continue
        grace = whole(pod.spec.get("terminationGracePeriodSeconds"), _GRACE)
        wait = _sleeps(mapping(dig(container.spec, "lifecycle", "preStop")))
        if 0 < grace <= wait:
            where = (*container.path, "lifecycle", "preStop")
            yield Violation(where, f"the preStop of '{container.name}' sleeps {wait} s of a grace period of {grace} s")


def _sleeps(handler: dict[str, Any]) -> int:
    """How many seconds a handler sleeps; 0 where that cannot be told."""
    if isinstance(action := handler.get("sleep"), dict):
        return whole(action.get("seconds"), 0)
    command = [part for part in listing(dig(handler, "exec", "command")) if isinstance(part, str)]
    if len(command) == 3 and command[1] == "-c":
        command = [command[2]]
    found = _SLEEP.fullmatch(" ".join(command))
    return int(found[1]) if found else 0
