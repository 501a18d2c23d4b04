"""What the NetworkPolicies of a namespace come to for each of its Pods: policies add up.

A Pod that a policy selects is isolated in that policy's directions, and may then do what any of its policies allows
(kubernetes.io/docs/concepts/services-networking/network-policies).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from slipway.rules.container_ports import DEFAULT_PROTOCOL
from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import Object
from slipway.rules.pods import PodView
from slipway.rules.selection import pods_selected
from slipway.rules.selectors import EVERYTHING, InvalidSelector, Selector, parse
from slipway.rules.shape import dig, entries, listing, mapping, name_of, namespace_of, text

__all__ = ["DNS_PORT", "NETWORK_POLICY", "Isolation", "directions", "isolation", "policy_selector"]

NETWORK_POLICY = "NetworkPolicy.networking.k8s.io"
DNS_PORT = 53
_INGRESS, _EGRESS, _TALKS, _DNS_UDP, _DNS_TCP = 1, 2, 4, 8, 16
_DNS = {"UDP": _DNS_UDP, "TCP": _DNS_TCP}
_DNS_LABELS = {"kubernetes.io/metadata.name": "kube-system"}
# No address block narrower than this holds a whole network of Pods or Services.
_WIDE = 16


def policy_selector(spec: dict[str, Any]) -> Selector:
    """The Pods that a NetworkPolicy is about: all of the namespace where it says nothing."""
    written = spec.get("podSelector")
    return EVERYTHING if written is None else parse(written)


def directions(spec: dict[str, Any]) -> tuple[str, ...]:
    """`Ingress` and `Egress`, as far as a NetworkPolicy isolates; what the API server fills in included."""
    named = tuple(kind for kind in listing(spec.get("policyTypes")) if isinstance(kind, str))
    return named or (("Ingress", "Egress") if listing(spec.get("egress")) else ("Ingress",))


class Isolation:
    """The NetworkPolicies of one namespace, added up."""

    def __init__(self, policies: Iterable[Object], context: Context, namespace: str) -> None:
        self.idle: set[int] = set()
        """The `id` of each policy that selects no Pod."""
        self.without_dns: dict[int, tuple[str, list[str]]] = {}
        """The `id` of a policy -> a Pod that it lets out and that no policy lets ask for names, by which protocols."""
        self._wide = 0
        self._own: dict[int, int] = {}
        talking: list[tuple[Object, list[PodView]]] = []
        for policy in policies:
            spec = mapping(policy.get("spec"))
            try:
                selector = policy_selector(spec)
            except InvalidSelector:
                continue
            pods = pods_selected(context, namespace, selector)
            mask = _mask(spec, namespace)
            if mask & _TALKS:
                talking.append((policy, pods))
            if selector.everything:
                self._wide |= mask
                continue
            if not pods:
                self.idle.add(id(policy))
            for pod in pods:
                self._own[id(pod.object)] = self._own.get(id(pod.object), 0) | mask
        self._find_without_dns(talking)

    def _find_without_dns(self, talking: list[tuple[Object, list[PodView]]]) -> None:
        """Blame one policy for each Pod: the first that lets it out."""
        blamed: set[int] = set()
        for policy, pods in talking:
            for pod in pods:
                mask = self._mask(pod.object)
                missing = [protocol for protocol, bit in _DNS.items() if not mask & bit]
                if missing and id(pod.object) not in blamed:
                    blamed.add(id(pod.object))
                    self.without_dns.setdefault(id(policy), (name_of(pod.object), missing))

    def _mask(self, item: Object) -> int:
        return self._wide | self._own.get(id(item), 0)

    def ingress(self, item: Object) -> bool:
        """Whether some policy isolates the Pods of the object from what comes in."""
        return bool(self._mask(item) & _INGRESS)

    def egress(self, item: Object) -> bool:
        """Whether some policy isolates the Pods of the object from what goes out."""
        return bool(self._mask(item) & _EGRESS)

    @property
    def denies_by_default(self) -> bool:
        """Whether Pods that nobody has written a policy for are isolated both ways."""
        return self._wide & _INGRESS != 0 and self._wide & _EGRESS != 0


def _mask(spec: dict[str, Any], namespace: str) -> int:
    isolates = directions(spec)
    mask = _INGRESS if "Ingress" in isolates else 0
    if "Egress" not in isolates:
        return mask
    mask |= _EGRESS
    for _, allowed in entries(spec.get("egress")):
        mask |= _TALKS
        for protocol in _dns_allowed(allowed, namespace):
            mask |= _DNS[protocol]
    return mask


def _dns_allowed(allowed: dict[str, Any], namespace: str) -> Iterator[str]:
    """The protocols over which an egress rule lets a Pod ask for names.

    A rule that names port 53 means DNS, whoever its peers are. A rule for all ports counts when a peer can be the
    cluster's DNS.
    """
    ports = listing(allowed.get("ports"))
    if ports:
        for port in ports:
            protocol = text(mapping(port).get("protocol")) or DEFAULT_PROTOCOL
            if protocol in _DNS and _is_dns(mapping(port)):
                yield protocol
        return
    peers = listing(allowed.get("to"))
    if not peers or any(_may_be_dns(mapping(peer), namespace) for peer in peers):
        yield from _DNS


def _is_dns(port: dict[str, Any]) -> bool:
    number, end = port.get("port"), port.get("endPort")
    if number is None:
        return True
    if isinstance(number, str):
        # CoreDNS calls its ports `dns` and `dns-tcp`.
        return number.startswith(("dns", "domain"))
    if not isinstance(number, int):
        return False
    return number <= DNS_PORT <= end if isinstance(end, int) else number == DNS_PORT


def _may_be_dns(peer: dict[str, Any], namespace: str) -> bool:
    cidr = text(dig(peer, "ipBlock", "cidr"))
    if cidr:
        try:
            return ipaddress.ip_network(cidr, strict=False).prefixlen <= _WIDE
        except ValueError:
            return False
    if peer.get("namespaceSelector") is None:
        return namespace == _DNS_LABELS["kubernetes.io/metadata.name"]
    try:
        selector = parse(peer["namespaceSelector"])
    except InvalidSelector:
        return False
    # What else kube-system's labels are is not known here.
    known = selector.equal.keys() | {requirement.key for requirement in selector.requirements}
    return selector.without(known - _DNS_LABELS.keys()).matches(_DNS_LABELS)


_KNOWN: WeakKeyDictionary[ObjectSet, dict[str, Isolation]] = WeakKeyDictionary()


def isolation(context: Context, namespace: str) -> Isolation:
    """What the NetworkPolicies of a namespace come to."""
    known = _KNOWN.get(context.objects)
    if known is None:
        policies: dict[str, list[Object]] = {}
        for policy in context.objects.of(NETWORK_POLICY):
            policies.setdefault(namespace_of(policy), []).append(policy)
        known = _KNOWN[context.objects] = {name: Isolation(own, context, name) for name, own in policies.items()}
    if namespace not in known:
        known[namespace] = Isolation((), context, namespace)
    return known[namespace]
