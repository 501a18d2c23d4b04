"""Probes: that there are some, that they can succeed, and that they do not restart what only is busy.

Times are in seconds. What is not written counts as the API server's default, because admission sees it filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from slipway.rules.context import Context
from slipway.rules.memo import of_last_pod
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import POD_KINDS, Container, PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule
from slipway.rules.shape import entries

__all__ = ["PROBES", "probes_of"]

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
"""The fields of a container that hold a probe."""
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_PERIOD, _THRESHOLD, _TIMEOUT = 10, 3, 1
_ENOUGH_TO_START = 30
_RUN_ON = POD_KINDS - {"Job.batch", "CronJob.batch", "PodTemplate"}
"""Kinds whose Pods are to run until somebody ends them."""

_ENDS = "(has(variables.spec.restartPolicy) && variables.spec.restartPolicy != 'Always')"


def _lasts(probe: dict[str, Any]) -> int:
    """How long something must be wrong before the probe has failed."""
    return (whole(probe.get("periodSeconds"), _PERIOD) or _PERIOD) * (
        whole(probe.get("failureThreshold"), _THRESHOLD) or _THRESHOLD
    )


def _lasts_cel(probe: str) -> str:
    return f"{probe}.?periodSeconds.orValue({_PERIOD}) * {probe}.?failureThreshold.orValue({_THRESHOLD})"


@of_last_pod
def probes_of(pod: PodView) -> list[tuple[Container, str, dict[str, Any]]]:
    """Each probe of each container, with its field's name."""
    return [
        (container, name, probe)
        for container in pod.containers
        for name in PROBES
        if isinstance(probe := container.spec.get(name), dict)
    ]


def _without(pod: PodView, probe: str) -> Iterable[Violation]:
    for container in pod.main:
        if container.spec.get(probe) is None and pod.spec.get("restartPolicy") in (None, "Always"):
            yield Violation(container.path, f"container '{container.name}' has no {probe}")


@pod_rule(
    id="readiness-probe-missing",
    title="Containers say when they are ready",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Without it a Pod gets requests before it can answer, and a rollout of a broken version counts as done.",
    remedy="Add a readinessProbe that succeeds when the container can serve.",
    sources=(
        "kube-score:pod-probes",
        "polaris:readinessProbeMissing",
        "kube-linter:no-readiness-probe",
        "kubescape:C-0018",
    ),
    kinds=_RUN_ON,
    cel=f"{_ENDS} || variables.main.all(c, has(c.readinessProbe))",
)
def readiness_probe_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """Containers that are to run on. Init containers, sidecars and Jobs need none."""
    return _without(pod, "readinessProbe")


@pod_rule(
    id="liveness-probe-missing",
    title="Containers that hang are restarted",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A process that hangs without ending stays so until somebody notices.",
    remedy="Add a livenessProbe that asks the process itself, never what it depends on, and give it patience.",
    sources=("polaris:livenessProbeMissing", "kube-linter:no-liveness-probe", "kubescape:C-0056"),
    kinds=_RUN_ON,
    severity_in={"dev": Severity.LOW},
    cel=f"{_ENDS} || variables.main.all(c, has(c.livenessProbe))",
)
def liveness_probe_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """Containers that are to run on. Init containers, sidecars and Jobs need none."""
    return _without(pod, "livenessProbe")


@pod_rule(
    id="startup-probe-missing",
    title="Containers have time to start before liveness restarts them",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="A start that is slower than usual (a cold node, a migration) is taken for a hang and restarted for ever.",
    remedy=f"Add a startupProbe, or let liveness wait at least {_ENOUGH_TO_START} seconds.",
    sources=("kubernetes:configure-startup-probes",),
    cel="variables.containers.all(c, !has(c.livenessProbe) || has(c.startupProbe) || "
    f"c.livenessProbe.?initialDelaySeconds.orValue(0) + {_lasts_cel('c.livenessProbe')} >= {_ENOUGH_TO_START})",
)
def startup_probe_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """A liveness probe that has failed within 30 seconds of the start, and no startup probe that holds it back."""
    for container in pod.containers:
        probe = container.spec.get("livenessProbe")
        if isinstance(probe, dict) and container.spec.get("startupProbe") is None:
            patience = whole(probe.get("initialDelaySeconds"), 0) + _lasts(probe)
            if patience < _ENOUGH_TO_START:
                where = (*container.path, "livenessProbe")
                yield Violation(where, f"container '{container.name}' is restarted if it needs {patience} s to start")


class _Both(NamedTuple):
    """A container's liveness and readiness, and after how many seconds each has failed."""

    container: Container
    alive: dict[str, Any]
    ready: dict[str, Any]
    kill: int
    leave: int


@of_last_pod
def _impatient(pod: PodView) -> list[_Both]:
    """The containers whose liveness fails no later than their readiness."""
    found = []
    for container in pod.containers:
        alive, ready = container.spec.get("livenessProbe"), container.spec.get("readinessProbe")
        if isinstance(alive, dict) and isinstance(ready, dict) and (kill := _lasts(alive)) <= (leave := _lasts(ready)):
            found.append(_Both(container, alive, ready, kill, leave))
    return found


@pod_rule(
    id="liveness-impatient",
    title="Liveness is more patient than readiness",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A container that is merely slow should first be left without requests. Restarted sooner than that, it "
    "loses the requests it has, and its work moves to Pods that are as busy.",
    remedy="Raise the liveness probe's periodSeconds * failureThreshold above the readiness probe's.",
    sources=("kubernetes:liveness-readiness-startup-probes",),
    cel="variables.containers.all(c, !has(c.livenessProbe) || !has(c.readinessProbe) || "
    f"{_lasts_cel('c.livenessProbe')} >= {_lasts_cel('c.readinessProbe')})",
)
def liveness_impatient(pod: PodView, context: Context) -> Iterable[Violation]:
    """Liveness has failed before readiness has."""
    for container, _, _, kill, leave in _impatient(pod):
        if kill < leave:
            where = (*container.path, "livenessProbe")
            yield Violation(
                where, f"container '{container.name}' is restarted after {kill} s, and unready after {leave} s"
            )


@pod_rule(
    id="probes-identical",
    title="Liveness and readiness are not the same probe",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="The same question at the same pace restarts every container that is not ready: one slow dependency, and "
    "all replicas restart together. The same endpoint with more patience for liveness is well.",
    remedy="Let liveness ask the process only, or give it a higher failureThreshold.",
    sources=("kube-score:pod-probes-identical",),
)
def probes_identical(pod: PodView, context: Context) -> Iterable[Violation]:
    """The same handler, and as little patience."""
    for container, alive, ready, kill, leave in _impatient(pod):
        if kill == leave and _asks(container, alive) == _asks(container, ready) != ():
            where = (*container.path, "livenessProbe")
            yield Violation(where, f"container '{container.name}' is restarted by the probe that makes it unready")


def _asks(container: Container, probe: dict[str, Any]) -> tuple[Any, ...]:
    """What a probe asks, with names of ports resolved; empty for no known question."""
    for kind in _HANDLERS:
        if isinstance(handler := probe.get(kind), dict):
            if kind == "exec":
                return (kind, handler.get("command"))
            port = handler.get("port")
            for _, declared in entries(container.spec.get("ports")):
                if isinstance(port, str) and declared.get("name") == port:
                    port = declared.get("containerPort")
            return (kind, port, handler.get("host") or "", handler.get("path") or "/", handler.get("scheme") or "HTTP",
                    handler.get("service") or "", handler.get("httpHeaders") or [])  # fmt: skip
    return ()


@pod_rule(
    id="probe-timeout-above-period",
    title="Probes time out before the next one is due",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="The kubelet asks again only when the last question is over, so a failure is noticed later than period "
    "and threshold promise.",
    remedy="Lower timeoutSeconds or raise periodSeconds.",
    sources=("kubernetes:probe-timing",),
    cel="variables.containers.all(c, [c.?livenessProbe.orValue({}), c.?readinessProbe.orValue({})].all(p, "
    f"p.?timeoutSeconds.orValue({_TIMEOUT}) <= p.?periodSeconds.orValue({_PERIOD})))",
)
def probe_timeout_above_period(pod: PodView, context: Context) -> Iterable[Violation]:
    """Of liveness and readiness. At the start a long timeout beside a short period only means haste."""
    for container, name, probe in probes_of(pod):
        if "timeoutSeconds" in probe:
            timeout = whole(probe.get("timeoutSeconds"), _TIMEOUT) or _TIMEOUT
            period = whole(probe.get("periodSeconds"), _PERIOD) or _PERIOD
            if timeout > period and name != "startupProbe":
                where = (*container.path, name, "timeoutSeconds")
                yield Violation(
                    where, f"the {name} of '{container.name}' waits {timeout} s and is due every {period} s"
                )


@pod_rule(
    id="probe-invalid",
    title="Probes ask one thing, and stand where they can",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The API server refuses a probe with no question or two, with impossible numbers, or on an init "
    "container, so nothing of the object is deployed.",
    remedy="Give each probe exactly one of httpGet, tcpSocket, exec and grpc; init containers that end have none.",
    sources=("kubernetes:ValidateProbe",),
)
def probe_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """What `validateProbe` and its callers in core validation refuse."""
    for container, name, probe in probes_of(pod):
        if fault := _fault(container, name, probe):
            yield Violation((*container.path, name), f"the {name} of '{container.name}' {fault}")


def _fault(container: Container, name: str, probe: dict[str, Any]) -> str:
    if container.role in ("init", "ephemeral"):
        return f"has no place on an {container.role} container"
    questions = 0
    for field, value in probe.items():
        if isinstance(value, dict):  # the only mappings of a probe are its questions
            questions += 1
        elif isinstance(value, int) and value < 0:
            return f"has a {field} of {value}"
    if questions != 1:
        return f"asks {' and '.join(kind for kind in _HANDLERS if isinstance(probe.get(kind), dict)) or 'nothing'}"
    if name != "readinessProbe" and "successThreshold" in probe and whole(probe["successThreshold"], 1) > 1:
        return f"wants {probe['successThreshold']} successes, and may want one only"
    return ""
