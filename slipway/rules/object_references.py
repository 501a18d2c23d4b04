"""References of other objects: what an autoscaler scales, who issues a certificate, which classes the cluster has.

Cluster-scoped classes (PriorityClass, StorageClass, ClusterIssuer) are rarely read with an application. They are
looked up only where some of their kind were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules import provided
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.shape import annotations_of, dig, entries, mapping, namespace_of, text

__all__: list[str] = []

_CERT_MANAGER = "cert-manager.io"
_PRIORITY_CLASSES = ("system-cluster-critical", "system-node-critical")


@rule(
    id="autoscaler-target-does-not-exist",
    title="What an autoscaler scales exists",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="An autoscaler without a target scales nothing, and says so only in its own status.",
    remedy="Correct apiVersion, kind and name of the target; it is in the autoscaler's namespace.",
    sources=("kube-score:horizontalpodautoscaler-has-target", "kube-linter:dangling-horizontalpodautoscaler"),
    kinds=("HorizontalPodAutoscaler.autoscaling", "ScaledObject.keda.sh", "VerticalPodAutoscaler.autoscaling.k8s.io"),
    whole_set=True,
)
def autoscaler_target_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """The target of a HorizontalPodAutoscaler, a VerticalPodAutoscaler or a KEDA ScaledObject."""
    field = "targetRef" if item.get("kind") == "VerticalPodAutoscaler" else "scaleTargetRef"
    target = mapping(dig(item, "spec", field))
    keda = item.get("kind") == "ScaledObject"
    kind = text(target.get("kind")) or ("Deployment" if keda else "")
    name = text(target.get("name"))
    if not kind or not name:
        return
    group = (text(target.get("apiVersion")) or ("apps/v1" if keda else "")).rpartition("/")[0]
    if context.objects.get(f"{kind}.{group}" if group else kind, namespace_of(item), name) is None:
        provided.must_be_known(context, f"{kind} '{name}'")
        version = text(target.get("apiVersion")) or "v1"
        where = "the autoscaler's namespace, in what was read"
        yield Violation(("spec", field), f"{kind} '{name}' of {version} does not exist in {where}")


@pod_rule(
    id="priority-class-does-not-exist",
    title="Priority classes that a Pod names exist",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="The API server refuses a Pod whose PriorityClass does not exist.",
    remedy="Correct `priorityClassName`, or have the platform make the class.",
    sources=("slipway:references", "kube-linter:priority-class-name"),
    whole_set=True,
)
def priority_class_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """Looked up only when PriorityClasses were read. Kubernetes' own two always exist."""
    name = text(pod.spec.get("priorityClassName"))
    if name and name not in _PRIORITY_CLASSES and _unknown_class(context, "PriorityClass.scheduling.k8s.io", name):
        yield Violation((*pod.path, "priorityClassName"), f"PriorityClass '{name}' does not exist in what was read")


@rule(
    id="storage-class-does-not-exist",
    title="Storage classes that a claim names exist",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="A claim of a StorageClass that does not exist is never bound, and its Pod never starts.",
    remedy="Correct `storageClassName`, or have the platform make the class.",
    sources=("slipway:references",),
    kinds=("PersistentVolumeClaim", "StatefulSet.apps"),
    whole_set=True,
)
def storage_class_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """Looked up only when StorageClasses were read. The empty class means a volume without one."""
    for path, spec in _claims(item):
        name = text(spec.get("storageClassName"))
        if name and _unknown_class(context, "StorageClass.storage.k8s.io", name):
            yield Violation((*path, "storageClassName"), f"StorageClass '{name}' does not exist in what was read")


def _claims(item: Object) -> Iterator[tuple[Path, dict[str, Any]]]:
    if item.get("kind") == "PersistentVolumeClaim":
        yield ("spec",), mapping(item.get("spec"))
    for index, template in entries(dig(item, "spec", "volumeClaimTemplates")):
        yield ("spec", "volumeClaimTemplates", index, "spec"), mapping(template.get("spec"))


def _unknown_class(context: Context, kind: str, name: str) -> bool:
    objects = context.objects
    return any(True for _ in objects.of(kind)) and objects.get(kind, "", name) is None


@rule(
    id="issuer-does-not-exist",
    title="The issuer of a certificate exists",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="cert-manager waits for the issuer; the Secret with the certificate never appears.",
    remedy="Correct the issuer's name and kind (Issuer of the same namespace, or ClusterIssuer), or add it.",
    sources=("slipway:references",),
    kinds=("Certificate.cert-manager.io", "Gateway.gateway.networking.k8s.io", "Ingress.networking.k8s.io"),
    whole_set=True,
)
def issuer_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """The issuer of a Certificate, or of an Ingress or Gateway annotated for cert-manager."""
    for path, kind, name in _issuers(item):
        if kind == "ClusterIssuer":
            if not _unknown_class(context, f"ClusterIssuer.{_CERT_MANAGER}", name):
                continue
        elif context.objects.get(f"Issuer.{_CERT_MANAGER}", namespace_of(item), name) is not None:
            continue
        else:
            provided.must_be_known(context, f"Issuer '{name}'")
        yield Violation(path, f"{kind} '{name}' does not exist in what was read")


def _issuers(item: Object) -> Iterator[tuple[Path, str, str]]:
    if item.get("kind") != "Certificate":
        for kind, annotation in (("Issuer", "issuer"), ("ClusterIssuer", "cluster-issuer")):
            key = f"{_CERT_MANAGER}/{annotation}"
            # An issuer of another group is another controller's.
            annotations = annotations_of(item)
            if (name := text(annotations.get(key))) and f"{_CERT_MANAGER}/issuer-group" not in annotations:
                yield ("metadata", "annotations", key), kind, name
        return
    reference = mapping(dig(item, "spec", "issuerRef"))
    kind, name = text(reference.get("kind")) or "Issuer", text(reference.get("name"))
    if name and text(reference.get("group")) in ("", _CERT_MANAGER) and kind in ("Issuer", "ClusterIssuer"):
        yield ("spec", "issuerRef", "name"), kind, name


@rule(
    id="issuer-secret-does-not-exist",
    title="The Secrets that an issuer works with exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="An issuer without its key or account is never ready and issues nothing.",
    remedy="Correct the name, or make the Secret; for one of the platform: `slipway.dev/provides: Secret/<name>`.",
    sources=("slipway:references",),
    kinds=(f"Issuer.{_CERT_MANAGER}",),
    whole_set=True,
)
def issuer_secret_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A certificate authority's Secret, and those of its solvers. The ACME account's key is made by cert-manager."""
    for path, name in _issuer_secrets(item.get("spec"), ("spec",)):
        if provided.find(context.objects, "Secret", namespace_of(item), name) is None:
            provided.must_be_known(context, f"Secret '{name}'")
            yield Violation(path, f"Secret '{name}' does not exist in the issuer's namespace, in what was read")


def _issuer_secrets(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        for index, entry in entries(value):
            yield from _issuer_secrets(entry, (*path, index))
    for key, entry in mapping(value).items():
        if key == "privateKeySecretRef":
            continue
        if key.endswith("SecretRef") and (name := text(dig(entry, "name"))):
            yield (*path, key, "name"), name
        elif key == "secretName" and text(entry):
            yield (*path, key), entry
        else:
            yield from _issuer_secrets(entry, (*path, key))


@rule(
    id="tls-secret-does-not-exist",
    title="The certificates that a Gateway serves exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A listener without its certificate answers no TLS connection.",
    remedy="Correct the name, or add the Certificate; for one of the platform: `slipway.dev/provides: Secret/<name>`.",
    sources=("slipway:references",),
    kinds=("Gateway.gateway.networking.k8s.io", "Ingress.networking.k8s.io"),
    whole_set=True,
)
def tls_secret_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A certificate Secret that was not read and that no Certificate or annotation makes."""
    for path, namespace, name in _certificates(item):
        if provided.find(context.objects, "Secret", namespace, name) is None:
            provided.must_be_known(context, f"Secret '{name}'")
            yield Violation(path, f"Secret '{name}' does not exist in namespace '{namespace}', in what was read")


def _certificates(item: Object) -> Iterator[tuple[Path, str, str]]:
    for index, tls in entries(dig(item, "spec", "tls")):
        if name := text(tls.get("secretName")):
            yield ("spec", "tls", index, "secretName"), namespace_of(item), name
    for index, listener in entries(dig(item, "spec", "listeners")):
        for number, reference in entries(dig(listener, "tls", "certificateRefs")):
            if text(reference.get("kind")) in ("", "Secret") and (name := text(reference.get("name"))):
                path = ("spec", "listeners", index, "tls", "certificateRefs", number, "name")
                yield path, text(reference.get("namespace")) or namespace_of(item), name


@rule(
    id="rollout-reference-does-not-exist",
    title="What a Rollout works with exists",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A Rollout whose Deployment or AnalysisTemplate is missing stops at the first step.",
    remedy="Correct the name, or add the object to the same namespace.",
    sources=("slipway:references",),
    kinds=("Rollout.argoproj.io",),
    whole_set=True,
)
def rollout_reference_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """The workload and the analysis templates of an Argo Rollouts Rollout."""
    for path, kind, namespace, name in _rollout_references(item):
        if kind.startswith("Cluster"):
            missing = _unknown_class(context, kind, name)
        else:
            missing = context.objects.get(kind, namespace, name) is None
        if missing:
            provided.must_be_known(context, f"{kind} '{name}'")
            yield Violation(path, f"{kind.partition('.')[0]} '{name}' does not exist in what was read")


def _rollout_references(item: Object) -> Iterator[tuple[Path, str, str, str]]:
    spec = mapping(item.get("spec"))
    workload = mapping(spec.get("workloadRef"))
    if (name := text(workload.get("name"))) and (kind := text(workload.get("kind"))):
        group = text(workload.get("apiVersion")).rpartition("/")[0]
        yield ("spec", "workloadRef", "name"), f"{kind}.{group}" if group else kind, namespace_of(item), name
    for path, analysis in _analyses(mapping(spec.get("strategy"))):
        for index, template in entries(analysis.get("templates")):
            shared = template.get("clusterScope") is True
            kind = "ClusterAnalysisTemplate.argoproj.io" if shared else "AnalysisTemplate.argoproj.io"
            if name := text(template.get("templateName")):
                place = "" if shared else namespace_of(item)
                yield (*path, "templates", index, "templateName"), kind, place, name


def _analyses(strategy: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    canary, blue_green = mapping(strategy.get("canary")), mapping(strategy.get("blueGreen"))
    yield ("spec", "strategy", "canary", "analysis"), mapping(canary.get("analysis"))
    for index, step in entries(canary.get("steps")):
        yield ("spec", "strategy", "canary", "steps", index, "analysis"), mapping(step.get("analysis"))
    for field in ("prePromotionAnalysis", "postPromotionAnalysis"):
        yield ("spec", "strategy", "blueGreen", field), mapping(blue_green.get(field))
