"""Services: what they select, where they forward to, and who can reach them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slipway.rules.container_ports import DEFAULT_PROTOCOL, has_named_port, ports_of
from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.selection import pods_selected
from slipway.rules.selectors import Selector, equality
from slipway.rules.shape import dig, entries, listing, mapping, namespace_of, text

__all__: list[str] = []

_EXTERNAL_NAME = "ExternalName"
_EXPOSED = ("LoadBalancer", "NodePort")


def _selector(spec: dict[str, Any]) -> Selector | None:
    """A Service's selector; None where it has none, so that somebody else writes its endpoints."""
    if spec.get("type") == _EXTERNAL_NAME or not mapping(spec.get("selector")):
        return None
    return equality(spec["selector"])


@rule(
    id="service-selects-no-pod",
    title="Services select a Pod",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A Service without Pods refuses every connection.",
    remedy="Write the labels of the Pod template into `spec.selector`.",
    sources=("kube-score:service-targets-pod", "kube-linter:dangling-service"),
    kinds=("Service",),
    whole_set=True,
)
def service_selects_no_pod(item: Object, context: Context) -> Iterable[Violation]:
    """A selector that no Pod of the namespace satisfies."""
    selector = _selector(mapping(item.get("spec")))
    if selector is None or pods_selected(context, namespace_of(item), selector):
        return ()
    if not context.complete:
        raise NotAssessed("not all Pods of the namespace were read")
    return [Violation(("spec", "selector"), f"no Pod has the labels {selector}")]


@rule(
    id="service-target-port-missing",
    title="Services forward to ports that their Pods have",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Connections to a port that no container opens are refused, or never get an endpoint.",
    remedy="Name one of the container's `ports` in `targetPort`, with its protocol.",
    sources=("slipway:service-target-port",),
    kinds=("Service",),
    whole_set=True,
)
def service_target_port_missing(item: Object, context: Context) -> Iterable[Violation]:
    """A target port that none of the selected Pods declares. A number counts only where Pods declare ports at all."""
    spec = mapping(item.get("spec"))
    selector = _selector(spec)
    if selector is None:
        return
    pods = pods_selected(context, namespace_of(item), selector)
    if not pods:
        return
    declared: list[Any] | None = None
    for index, port in entries(spec.get("ports")):
        target = port.get("targetPort") or port.get("port")
        where: Path = ("spec", "ports", index, "targetPort" if port.get("targetPort") else "port")
        if isinstance(target, str):
            protocol = text(port.get("protocol")) or DEFAULT_PROTOCOL
            if not has_named_port(pods, target, protocol):
                yield Violation(where, f"no selected container has a {protocol} port named '{target}'")
        elif isinstance(target, int):
            if declared is None:
                declared = [found.get("containerPort") for pod in pods for found in ports_of(pod)]
            if declared and target not in declared:
                yield Violation(where, f"no selected container has port {target}")


@rule(
    id="service-exposed",
    title="Services are reached through the ingress",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A LoadBalancer or NodePort Service is a way in of its own, past the ingress, its TLS and its policies.",
    remedy="Use type ClusterIP and an HTTPRoute or Ingress.",
    sources=("kube-score:service-type", "kube-linter:exposed-services", "kyverno:restrict-node-port"),
    kinds=("Service",),
    cel="!has(object.spec) || !has(object.spec.type) || !(object.spec.type in ['LoadBalancer', 'NodePort'])",
)
def service_exposed(item: Object, context: Context) -> Iterable[Violation]:
    """A Service that the nodes or a load balancer of its own publish."""
    kind = dig(item, "spec", "type")
    return [Violation(("spec", "type"), f"the Service is of type {kind}")] if kind in _EXPOSED else ()


@rule(
    id="service-external-ips",
    title="Services claim no external addresses",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A Service may claim any address as its own and so catch other people's traffic (CVE-2020-8554).",
    remedy="Remove `spec.externalIPs`.",
    sources=("kyverno:restrict-service-external-ips", "kubernetes:CVE-2020-8554"),
    kinds=("Service",),
    cel="!has(object.spec) || !has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0",
)
def service_external_ips(item: Object, context: Context) -> Iterable[Violation]:
    """Addresses that nobody gave to the Service."""
    addresses = listing(dig(item, "spec", "externalIPs"))
    if not addresses:
        return ()
    return [Violation(("spec", "externalIPs"), f"the Service claims {', '.join(map(str, addresses))}")]


@pod_rule(
    id="statefulset-service-missing",
    title="StatefulSets have the headless Service that they name",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The Pods get their stable DNS names from that Service; without it they have none.",
    remedy="Name in `spec.serviceName` a Service with `clusterIP: None` that selects the Pods.",
    sources=("kube-score:statefulset-has-servicename",),
    kinds=("StatefulSet.apps",),
    whole_set=True,
)
def statefulset_service_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `serviceName` that is empty, that no Service has, or whose Service is not headless or selects others."""
    path = ("spec", "serviceName")
    name = text(dig(pod.object, "spec", "serviceName"))
    if not name:
        return [Violation(("spec",), "no Service is named")]
    service = context.objects.get("Service", namespace_of(pod.object), name)
    if service is None:
        if not context.complete:
            raise NotAssessed(f"Service '{name}' may be among the objects that were not read")
        return [Violation(path, f"there is no Service '{name}'")]
    spec = mapping(service.get("spec"))
    if spec.get("clusterIP") != "None":
        return [Violation(path, f"Service '{name}' is not headless")]
    if not equality(spec.get("selector")).matches(mapping(pod.template_metadata.get("labels"))):
        return [Violation(path, f"Service '{name}' does not select the Pods")]
    return ()
