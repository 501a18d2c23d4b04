"""Which hosts and paths routes claim, where they attach, and how Gateways serve them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.routes import GATEWAY, HTTP_ROUTE, INGRESS, ingress_paths
from slipway.rules.shape import annotations_of, dig, entries, listing, mapping, name_of, namespace_of, text

__all__: list[str] = []

_CANARY = "nginx.ingress.kubernetes.io/canary"
_WITH_TLS = ("HTTPS", "TLS")
Claim = tuple[str, ...]


def _wildcard(host: str) -> bool:
    return not host or host.startswith("*")


@rule(
    id="route-host-wildcard",
    title="Routes name the hosts that they serve",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A route for any host also answers for names that belong to somebody else.",
    remedy="Write the full host names.",
    sources=("kyverno:disallow-empty-ingress-host", "kyverno:restrict-ingress-wildcard"),
    kinds=(INGRESS, HTTP_ROUTE),
    cel=(
        "object.kind == 'Ingress' ? (!has(object.spec.defaultBackend) && (!has(object.spec.rules) || "
        "object.spec.rules.all(r, has(r.host) && r.host != '' && !r.host.startsWith('*')))) : "
        "(!has(object.spec.rules) || !object.spec.rules.exists(r, has(r.backendRefs) && size(r.backendRefs) > 0) || "
        "(has(object.spec.hostnames) && size(object.spec.hostnames) > 0 && "
        "object.spec.hostnames.all(h, !h.startsWith('*'))))"
    ),
)
def route_host_wildcard(item: Object, context: Context) -> Iterable[Violation]:
    """No host, `*`, or a default backend. A route that only redirects leads nowhere and may have any host."""
    spec = mapping(item.get("spec"))
    if item.get("kind") == "Ingress":
        if spec.get("defaultBackend") is not None:
            yield Violation(("spec", "defaultBackend"), "it answers for every host that no rule names")
        for index, entry in entries(spec.get("rules")):
            if _wildcard(text(entry.get("host"))):
                yield Violation(("spec", "rules", index), f"the rule is for any host ('{text(entry.get('host'))}')")
        return
    if not any(listing(entry.get("backendRefs")) for _, entry in entries(spec.get("rules"))):
        return
    hosts = listing(spec.get("hostnames"))
    if not hosts:
        yield Violation(("spec",), "the route has no `hostnames`, so it takes all of its Gateway's")
    for index, host in enumerate(hosts):
        if _wildcard(text(host)):
            yield Violation(("spec", "hostnames", index), f"'{host}' stands for any host")


def _ingress_claims(item: Object) -> Iterator[tuple[Path, Claim]]:
    if annotations_of(item).get(_CANARY) == "true":
        return
    spec = mapping(item.get("spec"))
    for where, host, entry in ingress_paths(spec):
        path = text(entry.get("path")) or "/"
        kind = text(entry.get("pathType"))
        if kind == "Prefix":
            path = path.rstrip("/") or "/"
        yield where, (host, path, kind, text(spec.get("ingressClassName")))


def _route_claims(item: Object) -> Iterator[tuple[Path, Claim]]:
    spec = mapping(item.get("spec"))
    parents = sorted(json.dumps([text(parent.get("namespace")) or namespace_of(item), parent.get("name"),
                                 parent.get("sectionName")], default=str) for _, parent in
                     entries(spec.get("parentRefs")))  # fmt: skip
    for index, entry in entries(spec.get("rules")):
        matches = list(entries(entry.get("matches"))) or [(0, {})]
        for at, match in matches:
            where: Path = ("spec", "rules", index, "matches", at) if entry.get("matches") else ("spec", "rules", index)
            kind = text(dig(match, "path", "type")) or "PathPrefix"
            path = text(dig(match, "path", "value")) or "/"
            rest = json.dumps(
                {key: value for key, value in match.items() if key != "path"}, sort_keys=True, default=str
            )
            for host in listing(spec.get("hostnames")) or [""]:
                for parent in parents:
                    yield where, (text(host), path, kind, rest, parent)


class _Claims:
    """Who claims each host and path first, of all routes that were read."""

    def __init__(self, objects: ObjectSet) -> None:
        self.doubles: dict[int, list[tuple[Path, str]]] = {}
        for kind, claims in ((INGRESS, _ingress_claims), (HTTP_ROUTE, _route_claims)):
            first: dict[Claim, tuple[Object, Path]] = {}
            for item in objects.of(kind):
                places: dict[Path, str] = {}
                for where, claim in claims(item):
                    owner, place = first.setdefault(claim, (item, where))
                    if owner is not item or place != where:
                        places.setdefault(where, _message(claim, owner, item))
                if places:
                    self.doubles[id(item)] = list(places.items())


def _message(claim: Claim, owner: Object, item: Object) -> str:
    what = f"'{claim[0] or '*'}{claim[1]}' leads elsewhere already"
    if owner is item:
        return f"{what}, by a rule before"
    elsewhere = f" of namespace '{namespace_of(owner)}'" if namespace_of(owner) != namespace_of(item) else ""
    return f"{what}, by {text(owner.get('kind'))} '{name_of(owner)}'{elsewhere}"


_CLAIMS: WeakKeyDictionary[ObjectSet, _Claims] = WeakKeyDictionary()


@rule(
    id="route-conflict",
    title="A host and path belong to one route",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Of two routes for the same requests the older one wins, or either: one application loses its traffic.",
    remedy="Give one of them another host or path.",
    sources=("kyverno:unique-ingress-host-and-path",),
    kinds=(INGRESS, HTTP_ROUTE),
    whole_set=True,
)
def route_conflict(item: Object, context: Context) -> Iterable[Violation]:
    """The same host and path as a route that was read before. Found on the later of the two."""
    claims = _CLAIMS.get(context.objects)
    if claims is None:
        claims = _CLAIMS[context.objects] = _Claims(context.objects)
    return [Violation(where, message) for where, message in claims.doubles.get(id(item), ())]


@rule(
    id="route-gateway-does-not-exist",
    title="Routes attach to a Gateway",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A route that no listener carries serves nothing.",
    remedy="Name the Gateway in `parentRefs`, and a `sectionName` that is one of its listeners.",
    sources=("kubernetes:gateway-api-route-attachment",),
    kinds=(HTTP_ROUTE,),
    whole_set=True,
)
def route_gateway_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """No parent, a Gateway of the own namespace that is not there, or a listener that a known Gateway lacks."""
    parents = list(entries(dig(item, "spec", "parentRefs")))
    if not parents:
        yield Violation(("spec",), "the route names no Gateway in `parentRefs`")
    for index, parent in parents:
        if text(parent.get("kind")) not in ("", "Gateway"):
            continue
        name, namespace = text(parent.get("name")), text(parent.get("namespace")) or namespace_of(item)
        gateway = context.objects.get(GATEWAY, namespace, name)
        where: Path = ("spec", "parentRefs", index)
        if gateway is None:
            # Gateways belong to the platform; what another namespace holds is known only where it was read.
            if namespace == namespace_of(item):
                if not context.complete:
                    raise NotAssessed(f"Gateway '{name}' may be among the objects that were not read")
                yield Violation((*where, "name"), f"there is no Gateway '{name}' in the route's namespace")
            continue
        section = parent.get("sectionName")
        listeners = [listener.get("name") for _, listener in entries(dig(gateway, "spec", "listeners"))]
        if section and section not in listeners:
            yield Violation((*where, "sectionName"), f"Gateway '{name}' has no listener '{section}'")


@rule(
    id="gateway-tls-missing",
    title="Gateways serve TLS with a certificate",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Without TLS everybody on the way reads and changes requests, cookies and passwords included.",
    remedy="Add a listener of protocol HTTPS with `tls.certificateRefs`; keep HTTP for redirects only.",
    sources=("kubernetes:gateway-api-tls", "polaris:tlsSettingsMissing"),
    kinds=(GATEWAY,),
    cel=(
        "!has(object.spec.listeners) || ("
        "(object.spec.listeners.exists(l, l.protocol in ['HTTPS', 'TLS']) || "
        "!object.spec.listeners.exists(l, l.protocol == 'HTTP')) && "
        "object.spec.listeners.all(l, l.protocol != 'HTTPS' || (has(l.tls) && has(l.tls.certificateRefs) && "
        "size(l.tls.certificateRefs) > 0)))"
    ),
    severity_in={"dev": Severity.LOW},
)
def gateway_tls_missing(item: Object, context: Context) -> Iterable[Violation]:
    """A Gateway that speaks only plain HTTP, or an HTTPS listener without a certificate."""
    listeners = list(entries(dig(item, "spec", "listeners")))
    encrypted = any(listener.get("protocol") in _WITH_TLS for _, listener in listeners)
    for index, listener in listeners:
        where: Path = ("spec", "listeners", index)
        name = text(listener.get("name"))
        if listener.get("protocol") == "HTTP" and not encrypted:
            yield Violation((*where, "protocol"), f"listener '{name}' speaks plain HTTP, and none speaks HTTPS")
        elif listener.get("protocol") == "HTTPS" and not listing(dig(listener, "tls", "certificateRefs")):
            yield Violation(where, f"listener '{name}' has no certificate")
