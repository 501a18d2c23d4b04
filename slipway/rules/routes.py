"""Ways in: Ingresses, the Gateway API's routes, and where they lead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import annotations_of, dig, entries, listing, mapping, namespace_of, text

__all__ = ["GATEWAY", "HTTP_ROUTE", "INGRESS", "ingress_paths"]

INGRESS = "Ingress.networking.k8s.io"
HTTP_ROUTE = "HTTPRoute.gateway.networking.k8s.io"
GATEWAY = "Gateway.gateway.networking.k8s.io"
_ROUTES = tuple(f"{kind}.gateway.networking.k8s.io" for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute",
                                                                 "UDPRoute"))  # fmt: skip
# Where these say so, the load balancer in front terminates TLS, or the ingress does with its own certificate.
_TLS_ANNOTATIONS = ("alb.ingress.kubernetes.io/certificate-arn", "traefik.ingress.kubernetes.io/router.tls")
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def ingress_paths(spec: dict[str, Any]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each path of an Ingress: where it stands, its rule's host, the entry."""
    for index, entry in entries(spec.get("rules")):
        for at, path in entries(dig(entry, "http", "paths")):
            yield ("spec", "rules", index, "http", "paths", at), text(entry.get("host")), path


def _ingress_backends(item: Object) -> Iterator[tuple[Path, str, str, Any]]:
    """Each backend Service: path, namespace, name, port (its number or name)."""
    spec = mapping(item.get("spec"))
    places: list[tuple[Path, Any]] = [(("spec", "defaultBackend"), spec.get("defaultBackend"))]
    places += [((*path, "backend"), entry.get("backend")) for path, _, entry in ingress_paths(spec)]
    for path, backend in places:
        service = mapping(mapping(backend).get("service"))
        if service:
            port = mapping(service.get("port"))
            yield (
                (*path, "service"),
                namespace_of(item),
                text(service.get("name")),
                port.get("number") or port.get("name"),
            )


def _route_backends(item: Object) -> Iterator[tuple[Path, str, str, Any]]:
    for index, entry in entries(dig(item, "spec", "rules")):
        for at, backend in entries(entry.get("backendRefs")):
            if text(backend.get("kind")) in ("", "Service") and not backend.get("group"):
                namespace = text(backend.get("namespace")) or namespace_of(item)
                yield (
                    ("spec", "rules", index, "backendRefs", at),
                    namespace,
                    text(backend.get("name")),
                    backend.get("port"),
                )


@rule(
    id="route-backend-does-not-exist",
    title="Routes lead to a Service and a port that exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Requests that match the route get an error instead of an answer.",
    remedy="Name a Service of the same namespace and one of its `ports`.",
    sources=("kube-score:ingress-targets-service", "kube-linter:dangling-ingress"),
    kinds=(INGRESS, *_ROUTES),
    whole_set=True,
)
def route_backend_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A backend Service that is not there, or that has no such port."""
    unknown = ""
    for path, namespace, name, port in (
        _ingress_backends(item) if item.get("kind") == "Ingress" else _route_backends(item)
    ):
        service = context.objects.get("Service", namespace, name)
        if service is None:
            if namespace == namespace_of(item) and context.complete:
                yield Violation((*path, "name"), f"there is no Service '{name}'")
            else:
                unknown = f"Service '{name}' of namespace '{namespace}' may be among the objects that were not read"
            continue
        spec = mapping(service.get("spec"))
        known = [found.get(key) for _, found in entries(spec.get("ports")) for key in ("port", "name")]
        if spec.get("type") != "ExternalName" and port is not None and port not in known:
            yield Violation((*path, "port"), f"Service '{name}' has no port {port}")
    if unknown:
        raise NotAssessed(unknown)


_TLS_COVERS = (
    "!has(t.hosts) || size(t.hosts) == 0 || t.hosts.exists(h, h == r.host || "
    "(r.host.contains('.') && h == '*' + r.host.substring(r.host.indexOf('.'))))"
)


@rule(
    id="ingress-tls-missing",
    title="Ingresses serve their hosts over TLS",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Without TLS everybody on the way reads and changes requests, cookies and passwords included.",
    remedy="List the hosts in `spec.tls` with the Secret of their certificate.",
    sources=("polaris:tlsSettingsMissing",),
    kinds=(INGRESS,),
    cel=(
        "(has(object.metadata.annotations) && ["
        + ", ".join(f"'{key}'" for key in _TLS_ANNOTATIONS)
        + "].exists(k, k in object.metadata.annotations && object.metadata.annotations[k] != '' && "
        "object.metadata.annotations[k] != 'false')) || "
        "(has(object.spec) && has(object.spec.tls) && size(object.spec.tls) > 0 && "
        "(!has(object.spec.rules) || object.spec.rules.all(r, !has(r.host) || r.host == '' || "
        f"object.spec.tls.exists(t, {_TLS_COVERS}))))"
    ),
)
def ingress_tls_missing(item: Object, context: Context) -> Iterable[Violation]:
    """No TLS at all, or a host that no entry of `tls` covers. An entry without hosts covers all of them."""
    annotations = annotations_of(item)
    if any(annotations.get(key) not in (None, "", "false") for key in _TLS_ANNOTATIONS):
        return
    spec = mapping(item.get("spec"))
    if not listing(spec.get("tls")):
        yield Violation(("spec",), "no TLS is set up")
        return
    covered: set[Any] = set()
    for _, entry in entries(spec["tls"]):
        hosts = listing(entry.get("hosts"))
        if not hosts:
            return
        covered.update(host for host in hosts if isinstance(host, str))
    for index, entry in entries(spec.get("rules")):
        host = text(entry.get("host"))
        _, dot, parent = host.partition(".")
        if host and host not in covered and f"*{dot}{parent}" not in (covered if dot else ()):
            yield Violation(("spec", "rules", index, "host"), f"no entry of `tls` covers '{host}'")


@rule(
    id="ingress-class-missing",
    title="Ingresses name the class that serves them",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Which controller serves the Ingress, one, several or none, then depends on the cluster.",
    remedy="Set `spec.ingressClassName`.",
    sources=("kubernetes:ingress-class",),
    kinds=(INGRESS,),
)
def ingress_class_missing(item: Object, context: Context) -> Iterable[Violation]:
    """Neither a class nor the annotation that older controllers read."""
    if dig(item, "spec", "ingressClassName") or annotations_of(item).get(_CLASS_ANNOTATION):
        return ()
    return [Violation(("spec",), "no `ingressClassName` is set")]


@rule(
    id="ingress-snippet",
    title="Ingresses bring no configuration text of their own",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A snippet is pasted into the controller's configuration, which can read every namespace's Secrets "
    "(CVE-2021-25742).",
    remedy="Remove the snippet; most have an annotation of their own by now.",
    sources=("kubernetes:CVE-2021-25742", "kyverno:disallow-ingress-nginx-custom-snippets"),
    kinds=(INGRESS,),
    cel="!has(object.metadata.annotations) || !object.metadata.annotations.exists(k, k.endsWith('-snippet'))",
)
def ingress_snippet(item: Object, context: Context) -> Iterable[Violation]:
    """An annotation such as `nginx.ingress.kubernetes.io/configuration-snippet`."""
    for key in annotations_of(item):
        if isinstance(key, str) and key.endswith("-snippet"):
            yield Violation(("metadata", "annotations", key), f"'{key}' is pasted into the controller's configuration")
