"""What exists, or will: objects that were read, and those that a controller or the platform makes from them.

A Secret is there when it was read itself; when a SealedSecret, an ExternalSecret, a Certificate or the like makes it;
when a kustomize generator that has not been rendered makes it; or when the platform promises it by an annotation on
the Namespace (or in an Application's `managedNamespaceMetadata`, for namespaces that Argo CD makes):

    slipway.dev/provides: Secret/registry-pull, ConfigMap/ca-bundle
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import NotAssessed, Object
from slipway.rules.shape import annotations_of, dig, entries, mapping, name_of, namespace_of, text

__all__ = ["ANYWHERE", "PROVIDES", "Contents", "find", "must_be_known"]

PROVIDES = "slipway.dev/provides"
ANYWHERE = "*"
"""The namespace of what is made in every namespace."""

_Key = tuple[str, str, str]
_ISSUERS = ("cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme")
_TLS_KEYS = frozenset({"tls.crt", "tls.key", "ca.crt"})


@dataclass(frozen=True, slots=True)
class Contents:
    """What is known of a Secret's or ConfigMap's keys; None when its maker decides."""

    keys: frozenset[str] | None = None


@dataclass(slots=True)
class _Index:
    made: dict[_Key, Contents] = field(default_factory=dict)


_UNKNOWN = Contents()
# An index lasts as long as its set of objects: one run of the engine.
_INDEXES: WeakKeyDictionary[ObjectSet, _Index] = WeakKeyDictionary()


def find(objects: ObjectSet, kind: str, namespace: str, name: str) -> Contents | None:
    """The contents of the object, or None where nothing is or makes it."""
    item = objects.get(kind, namespace, name)
    if item is not None:
        # One without any key is filled by somebody else (a controller, a person); a redacted one says nothing.
        return Contents(_keys(item, "data", "stringData", "binaryData") or None)
    index = _INDEXES.get(objects)
    if index is None:
        index = _INDEXES[objects] = _Index()
        for key, contents in _all(objects):
            index.made.setdefault(key, contents)
    return index.made.get((kind, namespace, name)) or index.made.get((kind, ANYWHERE, name))


def must_be_known(context: Context, what: str) -> None:
    """Raise `NotAssessed` when `what` was not found only because not all was read."""
    if not context.complete:
        raise NotAssessed(f"{what} was not found, but not all objects were read")


def _keys(item: Object, *fields: str) -> frozenset[str]:
    return frozenset(key for field_name in fields for key in mapping(item.get(field_name)))


def _all(objects: ObjectSet) -> Iterator[tuple[_Key, Contents]]:
    for kind, makes in _MAKERS.items():
        for item in objects.of(kind):
            for made, name, contents in makes(item, objects):
                everywhere = kind in _CLUSTER_SCOPED
                yield (made, ANYWHERE if everywhere else namespace_of(item), name), contents
    yield ("ConfigMap", ANYWHERE, "kube-root-ca.crt"), Contents(frozenset({"ca.crt"}))
    yield from _generated(objects)
    yield from _promised(objects)


_Made = Iterable[tuple[str, str, Contents]]


def _sealed_secret(item: Object, objects: ObjectSet) -> _Made:
    keys = {*mapping(dig(item, "spec", "encryptedData")), *mapping(dig(item, "spec", "template", "data"))}
    yield "Secret", name_of(item), Contents(frozenset(keys))


def _external_secret(item: Object, objects: ObjectSet) -> _Made:
    spec = mapping(item.get("spec"))
    target = mapping(spec.get("target"))
    # `Merge` needs a Secret that is there, and `None` makes none.
    if target.get("creationPolicy") in ("Merge", "None"):
        return
    keys = frozenset(text(entry.get("secretKey")) for _, entry in entries(spec.get("data")))
    decided_elsewhere = bool(spec.get("dataFrom")) or "template" in target
    yield "Secret", text(target.get("name")) or name_of(item), _UNKNOWN if decided_elsewhere else Contents(keys)


def _cluster_external_secret(item: Object, objects: ObjectSet) -> _Made:
    spec = mapping(item.get("spec"))
    name = text(dig(spec, "externalSecretSpec", "target", "name")) or text(spec.get("externalSecretName"))
    yield "Secret", name or name_of(item), _UNKNOWN


def _certificate(item: Object, objects: ObjectSet) -> _Made:
    spec = mapping(item.get("spec"))
    more = "keystores" in spec or "additionalOutputFormats" in spec
    yield "Secret", text(spec.get("secretName")), _UNKNOWN if more else Contents(_TLS_KEYS)


def _certified_ingress(item: Object, objects: ObjectSet) -> _Made:
    if not annotations_of(item).keys().isdisjoint(_ISSUERS):
        for _, tls in entries(dig(item, "spec", "tls")):
            yield "Secret", text(tls.get("secretName")), Contents(_TLS_KEYS)


def _certified_gateway(item: Object, objects: ObjectSet) -> _Made:
    if not annotations_of(item).keys().isdisjoint(_ISSUERS):
        for _, listener in entries(dig(item, "spec", "listeners")):
            for _, reference in entries(dig(listener, "tls", "certificateRefs")):
                yield "Secret", text(reference.get("name")), Contents(_TLS_KEYS)


def _secret_provider_class(item: Object, objects: ObjectSet) -> _Made:
    for _, entry in entries(dig(item, "spec", "secretObjects")):
        keys = frozenset(text(data.get("key")) for _, data in entries(entry.get("data")))
        yield "Secret", text(entry.get("secretName")), Contents(keys)


def _vault_secret(item: Object, objects: ObjectSet) -> _Made:
    if dig(item, "spec", "destination", "create") is True:
        yield "Secret", text(dig(item, "spec", "destination", "name")), _UNKNOWN


def _sops_secret(item: Object, objects: ObjectSet) -> _Made:
    for _, template in entries(dig(item, "spec", "secretTemplates")):
        yield "Secret", text(template.get("name")), Contents(_keys(template, "data", "stringData"))


def _one_password_item(item: Object, objects: ObjectSet) -> _Made:
    yield "Secret", name_of(item), _UNKNOWN


def _cloud_native_pg(item: Object, objects: ObjectSet) -> _Made:
    for suffix in ("app", "ca", "replication", "server", "superuser"):
        yield "Secret", f"{name_of(item)}-{suffix}", _UNKNOWN


def _trust_bundle(item: Object, objects: ObjectSet) -> _Made:
    yield "ConfigMap", name_of(item), _UNKNOWN
    if dig(item, "spec", "target", "secret") is not None:
        yield "Secret", name_of(item), _UNKNOWN


def _stateful_set(item: Object, objects: ObjectSet) -> _Made:
    replicas = dig(item, "spec", "replicas")
    count = replicas if isinstance(replicas, int) and 0 <= replicas <= 100 else 1
    for _, template in entries(dig(item, "spec", "volumeClaimTemplates")):
        for number in range(count):
            yield "PersistentVolumeClaim", f"{name_of(template)}-{name_of(item)}-{number}", _UNKNOWN


# The kinds that make others, and what each makes.
_MAKERS = {
    "Bundle.trust.cert-manager.io": _trust_bundle,
    "Certificate.cert-manager.io": _certificate,
    "Cluster.postgresql.cnpg.io": _cloud_native_pg,
    "ClusterExternalSecret.external-secrets.io": _cluster_external_secret,
    "ExternalSecret.external-secrets.io": _external_secret,
    "Gateway.gateway.networking.k8s.io": _certified_gateway,
    "Ingress.networking.k8s.io": _certified_ingress,
    "OnePasswordItem.onepassword.com": _one_password_item,
    "SealedSecret.bitnami.com": _sealed_secret,
    "SecretProviderClass.secrets-store.csi.x-k8s.io": _secret_provider_class,
    "SopsSecret.isindir.github.com": _sops_secret,
    "StatefulSet.apps": _stateful_set,
    "VaultDynamicSecret.secrets.hashicorp.com": _vault_secret,
    "VaultPKISecret.secrets.hashicorp.com": _vault_secret,
    "VaultStaticSecret.secrets.hashicorp.com": _vault_secret,
}
_APPLICATION_SPECS = {
    "Application.argoproj.io": ("spec",),
    "ApplicationSet.argoproj.io": ("spec", "template", "spec"),
}
_CLUSTER_SCOPED = frozenset({"Bundle.trust.cert-manager.io", "ClusterExternalSecret.external-secrets.io"})


def _generated(objects: ObjectSet) -> Iterator[tuple[_Key, Contents]]:
    """What kustomize's generators will make, unless it was rendered: then the name ends in a hash and was read."""
    for item in objects.of("Kustomization.kustomize.config.k8s.io"):
        for kind, generator in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
            for _, entry in entries(item.get(generator)):
                name = text(entry.get("name"))
                if not any(name_of(other).startswith(f"{name}-") for other in objects.of(kind)):
                    namespace = text(entry.get("namespace")) or text(item.get("namespace"))
                    yield (kind, namespace, name), _UNKNOWN
                    # The objects of a folder that was not rendered have no namespace yet.
                    yield (kind, "", name), _UNKNOWN


def _promised(objects: ObjectSet) -> Iterator[tuple[_Key, Contents]]:
    for item in objects.of("Namespace"):
        yield from _listed(name_of(item), annotations_of(item).get(PROVIDES))
    for kind, where in _APPLICATION_SPECS.items():
        for item in objects.of(kind):
            spec = dig(item, *where)
            promised = dig(spec, "syncPolicy", "managedNamespaceMetadata", "annotations", PROVIDES)
            namespace = text(dig(spec, "destination", "namespace"))
            yield from _listed(ANYWHERE if "{{" in namespace else namespace, promised)


def _listed(namespace: str, value: object) -> Iterator[tuple[_Key, Contents]]:
    for part in text(value).split(","):
        kind, slash, name = part.strip().partition("/")
        if slash:
            yield (kind, namespace, name), _UNKNOWN
