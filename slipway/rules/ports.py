"""The ports that containers declare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from slipway.rules.context import Context
from slipway.rules.memo import of_last_pod
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.pods import Container, PodView
from slipway.rules.quantity import whole
from slipway.rules.registry import pod_rule
from slipway.rules.shape import entries, text

__all__: list[str] = []

_HIGHEST = 65535
_PRIVILEGED_BELOW = 1024
_SSH = 22
_LONGEST_NAME = 15
# IANA_SVC_NAME of apimachinery's validation: letters, digits and single hyphens within, one letter at least.
_PORT_NAME = re.compile(r"(?=[0-9-]*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_PROTOCOL = "TCP"


@of_last_pod
def _ports(pod: PodView) -> list[tuple[Container, int, dict[str, Any]]]:
    """Each port that a container declares, with its index there."""
    return [
        (container, index, port)
        for container in pod.containers
        if "ports" in container.spec
        for index, port in entries(container.spec["ports"])
    ]


def _place(container: Container, index: int, field: str) -> Path:
    return (*container.path, "ports", index, field)


@pod_rule(
    id="container-port-duplicate",
    title="Each port of a Pod is one container's, under one name",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Containers of a Pod share one address: the second to listen on a port fails, and a name that stands for "
    "two ports sends requests to either.",
    remedy="Give each container its own port and each port its own name.",
    sources=("kube-score:container-ports-check",),
)
def container_port_duplicate(pod: PodView, context: Context) -> Iterable[Violation]:
    """A number or a name twice among the containers that run together. An init container is gone by then."""
    seen: set[tuple[Any, ...]] = set()
    for container, index, port in _ports(pod):
        number, name = port.get("containerPort"), port.get("name")
        if container.role in ("init", "ephemeral"):
            continue
        if isinstance(number, int):
            taken = (number, text(port.get("protocol")) or _PROTOCOL)
            if taken in seen:
                yield Violation(
                    _place(container, index, "containerPort"), f"port {number} of '{container.name}' is declared before"
                )
                continue
            seen.add(taken)
        if isinstance(name, str):
            if (name,) in seen:
                yield Violation(
                    _place(container, index, "name"), f"the port name '{name}' of '{container.name}' is taken"
                )
            seen.add((name,))


@pod_rule(
    id="container-port-invalid",
    title="Ports have numbers and names that Kubernetes takes",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The API server refuses the object, so nothing of it is deployed.",
    remedy=f"Write a port from 1 to {_HIGHEST} and a name of up to {_LONGEST_NAME} small letters, digits and hyphens.",
    sources=("kube-linter:invalid-target-ports", "rfc6335:5.1"),
)
def container_port_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """A number outside 1 to 65535, or a name that is no IANA service name."""
    for container, index, port in _ports(pod):
        number, name = whole(port.get("containerPort")), port.get("name")
        if number is not None and not 0 < number <= _HIGHEST:
            yield Violation(
                _place(container, index, "containerPort"), f"container '{container.name}' declares port {number}"
            )
        if isinstance(name, str) and name and (len(name) > _LONGEST_NAME or not _PORT_NAME.fullmatch(name)):
            yield Violation(
                _place(container, index, "name"), f"'{name[:80]}' of container '{container.name}' is no name of a port"
            )


@pod_rule(
    id="privileged-port",
    title="Containers listen above port 1023",
    severity=Severity.LOW,
    category=Category.SECURITY,
    reason="Ports below 1024 are for root on many runtimes: whoever wants one asks for a capability or for root.",
    remedy="Listen on a higher port; the Service can still offer the low one.",
    sources=("kube-linter:privileged-ports",),
    cel="variables.containers.all(c, c.?ports.orValue([]).all(p, "
    f"[p.?containerPort.orValue({_HIGHEST})].all(n, n < 1 || n >= {_PRIVILEGED_BELOW} || "
    f"(n == {_SSH} && p.?protocol.orValue('TCP') == 'TCP'))))",
)
def privileged_port(pod: PodView, context: Context) -> Iterable[Violation]:
    """A port below 1024. SSH's is another rule's."""
    for container, index, port in _ports(pod):
        number = whole(port.get("containerPort"), _HIGHEST)
        if 0 < number < _PRIVILEGED_BELOW and not _is_ssh(port):
            yield Violation(
                _place(container, index, "containerPort"), f"container '{container.name}' listens on port {number}"
            )


@pod_rule(
    id="ssh-port",
    title="Containers offer no SSH",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A shell by network is a second way in, beside the API server's, without its rights and its record.",
    remedy="Remove the port and the server; `kubectl exec` and `kubectl debug` are recorded.",
    sources=("kube-linter:ssh-port", "kubescape:C-0042"),
    cel="variables.containers.all(c, c.?ports.orValue([]).all(p, "
    f"p.?containerPort.orValue({_HIGHEST}) != {_SSH} || p.?protocol.orValue('TCP') != 'TCP'))",
)
def ssh_port(pod: PodView, context: Context) -> Iterable[Violation]:
    """Port 22 by TCP."""
    for container, index, port in _ports(pod):
        if _is_ssh(port):
            yield Violation(
                _place(container, index, "containerPort"), f"container '{container.name}' offers SSH on port {_SSH}"
            )


def _is_ssh(port: dict[str, Any]) -> bool:
    return port.get("containerPort") == _SSH and (port.get("protocol") or _PROTOCOL) == _PROTOCOL
