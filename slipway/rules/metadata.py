"""Labels, annotations and namespaces of objects; and what a Pod's DNS settings leave open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context, group_kind
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import POD_KINDS, PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.selectors import key_fault, value_fault
from slipway.rules.shape import annotations_of, dig, labels_of, listing, mapping, namespace_of, text

__all__: list[str] = []

_NAME_LABEL = "app.kubernetes.io/name"
_INSTANCE_LABEL = "app.kubernetes.io/instance"
_LABELLED_BY_TEMPLATE = ("Job", "ReplicationController")
_LABELS: Path = ("metadata", "labels")
_ANNOTATIONS: Path = ("metadata", "annotations")
# TotalAnnotationSizeLimitB of apimachinery.
_ANNOTATIONS_MAX = 256 * 1024


def _label_faults(labels: Any, path: Path) -> Iterator[Violation]:
    for key, value in mapping(labels).items():
        if isinstance(key, str) and (fault := key_fault(key)):
            yield Violation((*path, key), f"'{key}' is no label key: {fault}")
        elif isinstance(value, str) and (fault := value_fault(value)):
            yield Violation((*path, key), f"'{value}' is no label value: {fault}")


@rule(
    id="label-invalid",
    title="Labels are well formed",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object.",
    remedy="Use up to 63 letters, digits, '-', '_' and '.'; put free text into an annotation.",
    sources=("kube-score:label-values", "kubernetes:ValidateLabels"),
    kinds=("*",),
)
def label_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """A key or a value that no label may have. Templates of Pods: `template-label-invalid`."""
    labels = labels_of(item)
    return _label_faults(labels, _LABELS) if labels else ()


@pod_rule(
    id="template-label-invalid",
    title="Labels of Pod templates are well formed",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object, or every Pod that is made from it.",
    remedy="Use up to 63 letters, digits, '-', '_' and '.'; put free text into an annotation.",
    sources=("kube-score:label-values", "kubernetes:ValidateLabels"),
    kinds=POD_KINDS - {"Pod"},
)
def template_label_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """A key or a value in the template that no label may have."""
    labels = pod.template_metadata.get("labels")
    return _label_faults(labels, (*pod.template_path, "labels")) if labels else ()


@rule(
    id="annotation-invalid",
    title="Annotations are well formed",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object.",
    remedy="Form the key as a label's, with a domain before '/'; keep all of them under 256 KiB.",
    sources=("kubernetes:ValidateAnnotations",),
    kinds=("*",),
)
def annotation_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """A key that no annotation may have, or more text than the API server takes."""
    size = 0
    annotations = annotations_of(item)
    for key, value in annotations.items():
        if not isinstance(key, str):
            continue
        if fault := key_fault(key.lower()):
            yield Violation((*_ANNOTATIONS, key), f"'{key}' is no annotation key: {fault}")
        size += len(key) + (len(value) if isinstance(value, str) else 0)
    # A character is up to four bytes.
    if size * 4 > _ANNOTATIONS_MAX and _bytes(annotations) > _ANNOTATIONS_MAX:
        yield Violation(_ANNOTATIONS, f"the annotations are longer than {_ANNOTATIONS_MAX} bytes")


def _bytes(annotations: dict[str, Any]) -> int:
    return sum(len(str(part).encode()) for pair in annotations.items() for part in pair)


def _labels(pod: PodView) -> dict[str, Any]:
    """The workload's labels. A Job or ReplicationController without any gets its template's from the API server."""
    labels = labels_of(pod.object)
    return labels or (mapping(pod.template_metadata.get("labels")) if pod.kind in _LABELLED_BY_TEMPLATE else labels)


@pod_rule(
    id="recommended-label-missing",
    title="Workloads and their Pods carry the label of their application",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Selectors, policies, dashboards and people find an application's parts by app.kubernetes.io/name.",
    remedy="Set app.kubernetes.io/name on the workload and in its template.",
    sources=("kubernetes:recommended-labels", "kubescape:C-0076", "kubescape:C-0077", "kyverno:require-labels"),
    cel=(
        f"has(object.metadata.labels) && '{_NAME_LABEL}' in object.metadata.labels && "
        f"object.metadata.labels['{_NAME_LABEL}'] != '' && has(variables.template.labels) && "
        f"'{_NAME_LABEL}' in variables.template.labels && variables.template.labels['{_NAME_LABEL}'] != ''"
    ),
)
def recommended_label_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """The label is missing on the object, in its template, or on both."""
    if not _labels(pod).get(_NAME_LABEL):
        return [Violation(("metadata",), f"the label {_NAME_LABEL} is missing")]
    if not mapping(pod.template_metadata.get("labels")).get(_NAME_LABEL):
        return [Violation(pod.template_path, f"the Pods lack the label {_NAME_LABEL}")]
    return ()


@pod_rule(
    id="instance-label-mismatch",
    title="The instance label fits the object's name",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="Tools that group by app.kubernetes.io/instance put the object into another application.",
    remedy="Name the object as the instance, or with the instance and '-' before.",
    sources=("polaris:metadataAndInstanceMismatched",),
    cel=(
        f"!has(object.metadata.labels) || !('{_INSTANCE_LABEL}' in object.metadata.labels) || "
        f"object.metadata.labels['{_INSTANCE_LABEL}'] == '' || "
        f"object.metadata.name == object.metadata.labels['{_INSTANCE_LABEL}'] || "
        f"object.metadata.name.startsWith(object.metadata.labels['{_INSTANCE_LABEL}'] + '-')"
    ),
)
def instance_label_mismatch(pod: PodView, context: Context) -> Iterable[Violation]:
    """A label that neither is the name nor starts it, as Helm's names do. Without the label there is nothing to fit."""
    instance = text(_labels(pod).get(_INSTANCE_LABEL))
    name = text(dig(pod.object, "metadata", "name"))
    if not instance or name == instance or name.startswith(f"{instance}-"):
        return ()
    return [Violation((*_LABELS, _INSTANCE_LABEL), f"'{name}' is labelled as a part of '{instance}'")]


@rule(
    id="namespace-default",
    title="Objects have a namespace of their own",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Objects without one land wherever the deployer stands, and `default` has no owner, quota or policy.",
    remedy="Set `namespace` in the kustomization.",
    sources=("kube-linter:use-namespace", "kubescape:C-0061", "kyverno:disallow-default-namespace", "CIS:5.7.4"),
    kinds=(*POD_KINDS, "Service"),
    cel="object.metadata.namespace != 'default'",
)
def namespace_default(item: Object, context: Context) -> Iterable[Violation]:
    """No namespace, or `default`."""
    namespace = namespace_of(item)
    if not namespace:
        return [Violation(("metadata",), "no namespace is set")]
    return [Violation(("metadata", "namespace"), "the namespace is 'default'")] if namespace == "default" else ()


@rule(
    id="object-declared-twice",
    title="An object is declared once",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The one that is applied last wins, whichever that is; kustomize and Argo CD refuse or warn of the pair.",
    remedy="Remove one of the two, or give it another name. What is for different clusters is checked apart.",
    sources=("slipway:object-declared-twice", "argo-cd:repeated-resource-warning"),
    kinds=("*",),
    whole_set=True,
)
def object_declared_twice(item: Object, context: Context) -> Iterable[Violation]:
    """Every declaration of a kind, namespace and name but the first that was read. Namespaces have their own rule."""
    name, kind = text(dig(item, "metadata", "name")), group_kind(item)
    if not name or kind == "Namespace":
        return ()
    first = context.objects.get(kind, namespace_of(item), name)
    if first is None or first is item:
        return ()
    return [Violation(("metadata", "name"), f"{kind.partition('.')[0]} '{name}' is declared before")]


@pod_rule(
    id="dns-ndots-missing",
    title="Pods that set DNS options set ndots",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="With the default of 5, each name outside the cluster costs a query for every search domain first.",
    remedy='Add the option ndots, "2" unless names with two dots are looked up inside the cluster.',
    sources=("kube-linter:dnsconfig-options",),
    cel=(
        "!has(variables.spec.dnsConfig) || (has(variables.spec.dnsConfig.options) && "
        "variables.spec.dnsConfig.options.exists(o, has(o.name) && o.name == 'ndots'))"
    ),
)
def dns_ndots_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `dnsConfig` without ndots. A Pod that leaves DNS to the cluster has made no choice to look at."""
    config = pod.spec.get("dnsConfig")
    if not isinstance(config, dict):
        return ()
    if any(mapping(option).get("name") == "ndots" for option in listing(config.get("options"))):
        return ()
    return [Violation((*pod.path, "dnsConfig"), "`dnsConfig` leaves ndots at 5")]
