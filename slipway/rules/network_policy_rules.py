"""The single rules of NetworkPolicies: open ones, idle ones, and names that nobody has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.container_ports import DEFAULT_PROTOCOL, has_named_port
from slipway.rules.context import Context
from slipway.rules.isolation import NETWORK_POLICY, policy_selector
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import rule
from slipway.rules.selection import pods_selected
from slipway.rules.selectors import InvalidSelector, Selector, parse
from slipway.rules.shape import entries, listing, mapping, namespace_of, text

__all__: list[str] = []

_DIRECTIONS = (("ingress", "from", "Ingress"), ("egress", "to", "Egress"))
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def _allowed(item: Object) -> Iterator[tuple[str, str, Path, dict[str, Any]]]:
    """Each allowed kind of traffic: the direction, what its peers are called, the path, the rule."""
    spec = mapping(item.get("spec"))
    for direction, peers, _ in _DIRECTIONS:
        for index, allowed in entries(spec.get(direction)):
            yield direction, peers, ("spec", direction, index), allowed


def _empty(selector: Any) -> bool:
    return not mapping(selector).get("matchLabels") and not mapping(selector).get("matchExpressions")


def _anybody(peer: dict[str, Any]) -> bool:
    block = mapping(peer.get("ipBlock"))
    if block:
        return block.get("cidr") in _EVERYWHERE and not block.get("except")
    return isinstance(peer.get("namespaceSelector"), dict) and all(
        _empty(peer.get(key)) for key in ("namespaceSelector", "podSelector")
    )


def _empty_cel(selector: str) -> str:
    parts = (f"(!has({selector}.{key}) || size({selector}.{key}) == 0)" for key in ("matchLabels", "matchExpressions"))
    return " && ".join(parts)


_ANYBODY_CEL = (
    "has(p.ipBlock) ? (p.ipBlock.cidr in ['0.0.0.0/0', '::/0'] && (!has(p.ipBlock.except) || "
    "size(p.ipBlock.except) == 0)) : (has(p.namespaceSelector) && "
    f"{_empty_cel('p.namespaceSelector')} && (!has(p.podSelector) || ({_empty_cel('p.podSelector')})))"
)


def _open_cel(direction: str, peers: str) -> str:
    return (
        f"(!has(object.spec.{direction}) || object.spec.{direction}.all(r, (has(r.ports) && size(r.ports) > 0) || "
        f"(has(r.{peers}) && size(r.{peers}) > 0 && r.{peers}.all(p, !({_ANYBODY_CEL})))))"
    )


@rule(
    id="network-policy-allows-all",
    title="NetworkPolicies name whom or what they allow",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A rule for everybody and every port takes back what the policy, and every other one, denies.",
    remedy="Name the peers, the ports, or both.",
    sources=("NSA:network-separation", "kubernetes:allow-all"),
    kinds=(NETWORK_POLICY,),
    cel=" && ".join(("has(object.spec)", *(_open_cel(direction, peers) for direction, peers, _ in _DIRECTIONS))),
)
def network_policy_allows_all(item: Object, context: Context) -> Iterable[Violation]:
    """A rule without ports whose peers are everybody: none named, all addresses, or all namespaces."""
    for direction, peers, path, allowed in _allowed(item):
        if listing(allowed.get("ports")):
            continue
        named = listing(allowed.get(peers))
        if not named:
            yield Violation(path, f"{direction} is allowed for everybody on every port")
        for at, peer in entries(named):
            if _anybody(peer):
                yield Violation((*path, peers, at), f"{direction} is allowed for everybody on every port")


@rule(
    id="network-policy-rules-ignored",
    title="NetworkPolicies isolate in the directions that they have rules for",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Rules of a direction that `policyTypes` does not name are ignored: nothing is restricted there.",
    remedy="Add the direction to `policyTypes`.",
    sources=("kubernetes:network-policies",),
    kinds=(NETWORK_POLICY,),
    cel="!has(object.spec) || !has(object.spec.policyTypes) || size(object.spec.policyTypes) == 0 || "
    "((!has(object.spec.ingress) || size(object.spec.ingress) == 0 || 'Ingress' in object.spec.policyTypes) && "
    "(!has(object.spec.egress) || size(object.spec.egress) == 0 || 'Egress' in object.spec.policyTypes))",
)
def network_policy_rules_ignored(item: Object, context: Context) -> Iterable[Violation]:
    """Rules of a direction that the policy does not isolate."""
    spec = mapping(item.get("spec"))
    types = listing(spec.get("policyTypes"))
    for direction, _, kind in _DIRECTIONS if types else ():
        if listing(spec.get(direction)) and kind not in types:
            yield Violation(("spec", direction), f"`policyTypes` lacks {kind}, so these rules are ignored")


def _parsed(selector: Any) -> Selector | None:
    try:
        return parse(selector)
    except InvalidSelector:
        return None


@rule(
    id="network-policy-peer-selects-no-pod",
    title="The peers of NetworkPolicies exist",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A peer that no Pod is allows nothing: the connection that was meant is refused.",
    remedy="Write the labels of the peer's Pod template; add a `namespaceSelector` for a peer elsewhere.",
    sources=("kube-linter:dangling-networkpolicypeer-podselector",),
    kinds=(NETWORK_POLICY,),
    whole_set=True,
)
def network_policy_peer_selects_no_pod(item: Object, context: Context) -> Iterable[Violation]:
    """A peer in the policy's own namespace that no Pod is. What other namespaces hold is not known here."""
    for _, peers, path, allowed in _allowed(item):
        for at, peer in entries(allowed.get(peers)):
            if peer.get("namespaceSelector") is not None or peer.get("podSelector") is None:
                continue
            selector = _parsed(peer["podSelector"])
            if selector is None or selector.everything or pods_selected(context, namespace_of(item), selector):
                continue
            if not context.complete:
                raise NotAssessed("not all Pods of the namespace were read")
            where = (*path, peers, at, "podSelector")
            yield Violation(where, f"no Pod of the namespace has the labels {selector}")


@rule(
    id="network-policy-port-missing",
    title="The ports that NetworkPolicies name exist",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A port name that no container has allows nothing: the connection that was meant is refused.",
    remedy="Name one of the container's `ports`, with its protocol, or write the number.",
    sources=("slipway:network-policy-port",),
    kinds=(NETWORK_POLICY,),
    whole_set=True,
)
def network_policy_port_missing(item: Object, context: Context) -> Iterable[Violation]:
    """A named port that no Pod on the receiving side has, where all Pods of that side are known."""
    for direction, peers, path, allowed in _allowed(item):
        named = [(at, port) for at, port in entries(allowed.get("ports")) if isinstance(port.get("port"), str)]
        if not named:
            continue
        receivers = _receivers(item, direction, listing(allowed.get(peers)), context)
        for at, port in named if receivers else ():
            protocol = text(port.get("protocol")) or DEFAULT_PROTOCOL
            if not has_named_port(receivers, port["port"], protocol):
                where = (*path, "ports", at, "port")
                yield Violation(where, f"no Pod on the receiving side has a {protocol} port named '{port['port']}'")


def _receivers(item: Object, direction: str, peers: list[Any], context: Context) -> list[PodView]:
    namespace = namespace_of(item)
    if direction == "ingress":
        try:
            return pods_selected(context, namespace, policy_selector(mapping(item.get("spec"))))
        except InvalidSelector:
            return []
    receivers = []
    for peer in peers:
        if mapping(peer).get("namespaceSelector") is not None or mapping(peer).get("podSelector") is None:
            return []
        selector = _parsed(mapping(peer)["podSelector"])
        receivers += pods_selected(context, namespace, selector) if selector is not None else []
    return receivers
