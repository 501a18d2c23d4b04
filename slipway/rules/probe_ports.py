"""The ports that probes ask: that there are such."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from slipway.rules.context import Context
from slipway.rules.memo import of_last_pod
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.pods import Container, PodView
from slipway.rules.probes import PROBES, probes_of
from slipway.rules.registry import pod_rule
from slipway.rules.shape import listing

__all__: list[str] = []

_WITH_PORT = ("httpGet", "tcpSocket", "grpc")
_LISTED = ", ".join(f"c.?{probe}.orValue({{}})" for probe in PROBES)


class _Asked(NamedTuple):
    """The port that a probe asks."""

    container: Container
    probe: str
    handler: str
    port: Any
    """A number, or a name."""
    elsewhere: bool
    """The probe names another host."""

    @property
    def path(self) -> Path:
        return (*self.container.path, self.probe, self.handler, "port")


def _declared(container: Container, field: str) -> list[Any]:
    return [port.get(field) for port in listing(container.spec.get("ports")) if isinstance(port, dict)]


@of_last_pod
def _unknown_ports(pod: PodView) -> list[_Asked]:
    """The probes' ports that their container does not declare."""
    found = []
    looked_at = None
    for container, name, probe in probes_of(pod):
        if container is not looked_at:
            looked_at, names, numbers = container, _declared(container, "name"), _declared(container, "containerPort")
        for kind in _WITH_PORT:
            if kind in probe and isinstance(handler := probe[kind], dict) and (port := handler.get("port")) is not None:
                if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) < len("100000"):
                    port = int(port)
                if port not in (names if isinstance(port, str) else numbers):
                    found.append(_Asked(container, name, kind, port, bool(handler.get("host"))))
    return found


@pod_rule(
    id="probe-port-name-unknown",
    title="Probes name ports that their container has",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A probe of a port that has no such name always fails: the container is never ready, or is restarted for "
    "ever.",
    remedy="Write the name of one of the container's ports, or its number.",
    sources=("kubernetes:probe-named-port",),
    cel=f"variables.containers.all(c, [{_LISTED}].all(p, [p.?httpGet.?port.orValue(0), p.?tcpSocket.?port.orValue(0)]"
    ".all(port, type(port) == int || port.matches('^[0-9]{1,5}$') || "
    "c.?ports.orValue([]).exists(q, q.?name.orValue('') == port))))",
)
def probe_port_name_unknown(pod: PodView, context: Context) -> Iterable[Violation]:
    """A name that none of the container's own ports has."""
    for asked in _unknown_ports(pod):
        if isinstance(asked.port, str):
            fault = f"the {asked.probe} of '{asked.container.name}' asks port '{asked.port}', which it has not"
            yield Violation(asked.path, fault)


@pod_rule(
    id="probe-port-undeclared",
    title="Probes ask ports that their Pod declares",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="A number that no container declares is mostly a slip: the probe asks what nobody answers, or what nobody "
    "who reads `ports` knows of.",
    remedy="Declare the port in the container's `ports`, or correct the probe.",
    sources=("kube-linter:liveness-port", "kube-linter:readiness-port", "kube-linter:startup-port"),
    cel=f"variables.containers.all(c, [{_LISTED}].all(p, "
    "[p.?httpGet, p.?tcpSocket, p.?grpc].all(h, !h.hasValue() || h.value().?host.orValue('') != '' || "
    "(type(h.value().port) == string && !h.value().port.matches('^[0-9]{1,5}$')) || "
    "variables.containers.exists(d, d.?ports.orValue([]).exists(q, q.containerPort == int(h.value().port))))))",
)
def probe_port_undeclared(pod: PodView, context: Context) -> Iterable[Violation]:
    """A number that none of the Pod's containers lists. A probe that names a host asks somebody else."""
    for asked in _unknown_ports(pod):
        port = asked.port
        if not isinstance(port, int) or asked.elsewhere:
            continue
        if not any(port in _declared(container, "containerPort") for container in pod.containers):
            fault = f"the {asked.probe} of '{asked.container.name}' asks port {port}, which is not among its ports"
            yield Violation(asked.path, fault)
