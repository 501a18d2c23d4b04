"""Rollouts: that a new version replaces the old one step by step, can fail in time, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule, rule
from slipway.rules.shape import dig, entries, mapping, name_of

__all__: list[str] = []

_STRATEGIES = {"Deployment": "strategy", "DaemonSet": "updateStrategy", "StatefulSet": "updateStrategy"}
_KINDS = ("Deployment.apps", "DaemonSet.apps", "StatefulSet.apps")
_NOTHING = (0, "0%")
_HISTORY = 10
_HISTORY_MOST = 20
_PROGRESS = 600
_NO_DEADLINE = 2**31 - 1

_STRATEGY = (
    "(object.kind == 'Deployment' ? object.spec.?strategy.orValue({}) : object.spec.?updateStrategy.orValue({}))"
)
_DEADLINE = f"object.spec.?progressDeadlineSeconds.orValue({_PROGRESS})"
_REPLICAS = "object.spec.?replicas.orValue(1)"


def _strategy(item: Object) -> tuple[Path, dict[str, Any]]:
    key = _STRATEGIES.get(str(item.get("kind")), "strategy")
    return ("spec", key), mapping(dig(item, "spec", key))


def _writes_alone(item: Object) -> bool:
    """Whether it is a Deployment of one Pod with a volume of its own, which two Pods at a time might not share."""
    if item.get("kind") != "Deployment" or whole(dig(item, "spec", "replicas"), 1) > 1:
        return False
    volumes = dig(item, "spec", "template", "spec", "volumes")
    return any(volume.get("persistentVolumeClaim") is not None for _, volume in entries(volumes))


@rule(
    id="rollout-stops-service",
    title="A new version replaces the old one step by step",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="`Recreate` ends every Pod before it starts one, and `OnDelete` leaves the old version until somebody "
    "deletes it.",
    remedy="Set the strategy's type to RollingUpdate. A single Pod with a volume of its own may be recreated.",
    sources=("kube-score:deployment-strategy", "kube-linter:no-rolling-update-strategy"),
    kinds=_KINDS,
    severity_in={"dev": Severity.ADVISORY},
    cel=f"{_STRATEGY}.?type.orValue('RollingUpdate') == 'RollingUpdate' || (object.kind == 'Deployment' && "
    f"{_REPLICAS} <= 1 && object.spec.template.spec.?volumes.orValue([]).exists(v, has(v.persistentVolumeClaim)))",
)
def rollout_stops_service(item: Object, context: Context) -> Iterable[Violation]:
    """A strategy other than RollingUpdate."""
    where, strategy = _strategy(item)
    kind = strategy.get("type") or "RollingUpdate"
    if kind != "RollingUpdate" and not _writes_alone(item):
        yield Violation((*where, "type"), f"'{name_of(item)}' is updated by {kind}")


@rule(
    id="rollout-all-at-once",
    title="A rolling update keeps Pods at work",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="With all Pods allowed to be missing, the update ends all of them before one of the new version is ready.",
    remedy="Lower maxUnavailable; 0 with a maxSurge of 1 never has less than now.",
    sources=("kubernetes:max-unavailable",),
    kinds=_KINDS,
    severity_in={"dev": Severity.LOW},
    cel=f"[{_STRATEGY}.?rollingUpdate.?maxUnavailable.orValue(0)].all(u, type(u) == int ? "
    f"(object.kind == 'DaemonSet' || {_REPLICAS} < 2 || u < {_REPLICAS}) : u != '100%')",
)
def rollout_all_at_once(item: Object, context: Context) -> Iterable[Violation]:
    """`maxUnavailable` of 100 %, or of as many Pods as there are. A single Pod is another rule's."""
    where, strategy = _strategy(item)
    gone = mapping(strategy.get("rollingUpdate")).get("maxUnavailable")
    if gone is None:
        return
    replicas = whole(dig(item, "spec", "replicas"), 1)
    if gone == "100%" or (item.get("kind") != "DaemonSet" and 2 <= replicas <= whole(gone, 0)):
        where = (*where, "rollingUpdate", "maxUnavailable")
        yield Violation(where, f"an update of '{name_of(item)}' may end {gone} of its Pods at once")


@rule(
    id="rollout-impossible",
    title="A rolling update can take a step",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="With no Pod more and no Pod less allowed there is no step, and the API server refuses the object.",
    remedy="Set maxSurge or maxUnavailable above zero.",
    sources=("kubernetes:ValidateRollingUpdateDeployment",),
    kinds=("Deployment.apps", "DaemonSet.apps"),
)
def rollout_impossible(item: Object, context: Context) -> Iterable[Violation]:
    """`maxSurge` and `maxUnavailable` both zero. A Deployment's are 25 % when absent; a DaemonSet's are 0 and 1."""
    where, strategy = _strategy(item)
    rolling = mapping(strategy.get("rollingUpdate"))
    more, less = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    if less in _NOTHING and (more in _NOTHING or (more is None and item.get("kind") == "DaemonSet")):
        yield Violation((*where, "rollingUpdate"), f"'{name_of(item)}' allows no Pod more and no Pod less")


@rule(
    id="rollout-paused",
    title="Rollouts are not paused in Git",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A paused Deployment takes every commit and changes nothing, and its Application stays unfinished.",
    remedy="Remove spec.paused.",
    sources=("kubernetes:pausing-and-resuming-a-deployment",),
    kinds=("Deployment.apps",),
    cel="!object.spec.?paused.orValue(false)",
)
def rollout_paused(item: Object, context: Context) -> Iterable[Violation]:
    """`paused: true`."""
    if dig(item, "spec", "paused") is True:
        yield Violation(("spec", "paused"), f"'{name_of(item)}' is paused")


@rule(
    id="revision-history-unfit",
    title="A few old revisions are kept",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="With none kept `kubectl rollout undo` has nothing to go back to in an emergency; many are objects that "
    "every controller and backup carries along.",
    remedy=f"Set revisionHistoryLimit from 1 to {_HISTORY_MOST}, or leave it out ({_HISTORY}).",
    sources=("kubernetes:revision-history-limit", "slipway:revision-history"),
    kinds=_KINDS,
    cel=f"object.spec.?revisionHistoryLimit.orValue({_HISTORY}) > 0 && "
    f"object.spec.?revisionHistoryLimit.orValue({_HISTORY}) <= {_HISTORY_MOST}",
)
def revision_history_unfit(item: Object, context: Context) -> Iterable[Violation]:
    """None, or more than 20."""
    kept = whole(dig(item, "spec", "revisionHistoryLimit"), _HISTORY)
    if not 0 < kept <= _HISTORY_MOST:
        yield Violation(("spec", "revisionHistoryLimit"), f"'{name_of(item)}' keeps {kept} old revisions")


@pod_rule(
    id="progress-deadline-too-short",
    title="A rollout may take as long as a Pod may need to start",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="The Deployment counts as failed while its Pod is still within the time that its startup probe allows, "
    "and automation rolls back what would have come up.",
    remedy="Raise progressDeadlineSeconds above the startup probe's time and minReadySeconds.",
    sources=("kubernetes:progress-deadline-seconds",),
    kinds=("Deployment.apps",),
    cel=f"{_DEADLINE} == {_NO_DEADLINE} || variables.containers.all(c, !has(c.startupProbe) || {_DEADLINE} > "
    f"object.spec.?minReadySeconds.orValue(0) + c.startupProbe.?initialDelaySeconds.orValue(0) + "
    "c.startupProbe.?periodSeconds.orValue(10) * c.startupProbe.?failureThreshold.orValue(3))",
)
def progress_deadline_too_short(pod: PodView, context: Context) -> Iterable[Violation]:
    """A deadline that is not above the longest start that a startup probe allows, with `minReadySeconds`."""
    spec = mapping(pod.object.get("spec"))
    deadline = whole(spec.get("progressDeadlineSeconds"), _PROGRESS)
    if deadline == _NO_DEADLINE:
        return
    start = max(_starts(pod), default=0) + whole(spec.get("minReadySeconds"), 0)
    if deadline <= start:
        where = ("spec", "progressDeadlineSeconds")
        yield Violation(where, f"a rollout fails after {deadline} s, and a Pod may need {start} s to be ready")


def _starts(pod: PodView) -> Iterator[int]:
    for container in pod.containers:
        if isinstance(probe := container.spec.get("startupProbe"), dict):
            period, tries = whole(probe.get("periodSeconds"), 10) or 10, whole(probe.get("failureThreshold"), 3) or 3
            yield whole(probe.get("initialDelaySeconds"), 0) + period * tries
