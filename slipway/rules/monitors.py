"""ServiceMonitors and PodMonitors: what they scrape is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.container_ports import has_named_port, ports_of
from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import rule
from slipway.rules.selection import namespaces_with_services, pods_selected, services_selected
from slipway.rules.selectors import InvalidSelector, Selector, equality, parse
from slipway.rules.shape import dig, entries, listing, mapping, namespace_of

__all__: list[str] = []

_SERVICE_MONITOR = "ServiceMonitor.monitoring.coreos.com"
_POD_MONITOR = "PodMonitor.monitoring.coreos.com"
_MONITORS = (_SERVICE_MONITOR, _POD_MONITOR)
# Prometheus does not distinguish; the API's default is TCP.
_PROTOCOLS = ("TCP", "UDP", "SCTP")


def _namespaces(item: Object, context: Context) -> tuple[list[str], bool]:
    """The namespaces that a monitor looks into, and whether all of them were read."""
    choice = mapping(dig(item, "spec", "namespaceSelector"))
    own = namespace_of(item)
    if choice.get("any") is True:
        return sorted({*namespaces_with_services(context), own}), False
    named = [name for name in listing(choice.get("matchNames")) if isinstance(name, str)]
    return named or [own], set(named) <= {own}


def _selector(item: Object) -> Selector | None:
    try:
        return parse(dig(item, "spec", "selector"))
    except InvalidSelector:
        return None


def _services(item: Object, selector: Selector, context: Context) -> list[Object]:
    found = []
    for namespace in _namespaces(item, context)[0]:
        found += services_selected(context, namespace, selector)
    return found


def _pods(item: Object, selector: Selector, context: Context) -> list[PodView]:
    found = []
    for namespace in _namespaces(item, context)[0]:
        found += pods_selected(context, namespace, selector)
    return found


@rule(
    id="monitor-selects-nothing",
    title="Monitors select something to scrape",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Nothing is measured, so no alert ever fires.",
    remedy="Write labels that the Service (for a PodMonitor: the Pod template) itself carries.",
    sources=("kube-linter:dangling-servicemonitor",),
    kinds=_MONITORS,
    whole_set=True,
)
def monitor_selects_nothing(item: Object, context: Context) -> Iterable[Violation]:
    """A selector that no Service, or for a PodMonitor no Pod, satisfies."""
    selector = _selector(item)
    if selector is None:
        return ()
    of_pods = item.get("kind") == "PodMonitor"
    if _pods(item, selector, context) if of_pods else _services(item, selector, context):
        return ()
    if not (context.complete and _namespaces(item, context)[1]):
        raise NotAssessed("what it selects may be among the objects that were not read")
    what = "Pod" if of_pods else "Service"
    return [Violation(("spec", "selector"), f"no {what} has the labels {selector}")]


@rule(
    id="monitor-port-missing",
    title="Monitors scrape ports that exist",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Nothing is measured, so no alert ever fires.",
    remedy="Name one of the Service's `ports` (for a PodMonitor: of the container's).",
    sources=("slipway:monitor-port",),
    kinds=_MONITORS,
    whole_set=True,
)
def monitor_port_missing(item: Object, context: Context) -> Iterable[Violation]:
    """An endpoint whose port none of the selected Services or Pods has."""
    selector = _selector(item)
    if selector is None:
        return
    if item.get("kind") == "PodMonitor":
        pods = _pods(item, selector, context)
        for path, port in _ports(item, "podMetricsEndpoints") if pods else ():
            if not _pods_have(pods, port):
                yield Violation(path, f"no selected Pod has a port '{port}'")
        return
    services = _services(item, selector, context)
    for path, port in _ports(item, "endpoints") if services else ():
        if path[-1] == "targetPort":
            behind = [pod for service in services for pod in _behind(service, context)]
            if behind and not _pods_have(behind, port):
                yield Violation(path, f"no Pod of the selected Services has a port '{port}'")
        elif not any(entry.get("name") == port for service in services for _, entry in
                     entries(dig(service, "spec", "ports"))):  # fmt: skip
            yield Violation(path, f"no selected Service has a port named '{port}'")


def _ports(item: Object, field: str) -> Iterator[tuple[Path, Any]]:
    for index, endpoint in entries(dig(item, "spec", field)):
        for key in ("port", "targetPort", "portNumber"):
            if (port := endpoint.get(key)) is not None:
                yield ("spec", field, index, key), port
                break


def _behind(service: Object, context: Context) -> list[PodView]:
    selector = equality(dig(service, "spec", "selector"))
    return pods_selected(context, namespace_of(service), selector)


def _pods_have(pods: list[PodView], port: Any) -> bool:
    if isinstance(port, str):
        return any(has_named_port(pods, port, protocol) for protocol in _PROTOCOLS)
    declared = [entry.get("containerPort") for pod in pods for entry in ports_of(pod)]
    return not declared or port in declared
