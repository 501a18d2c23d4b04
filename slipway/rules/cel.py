"""Makes ValidatingAdmissionPolicies and their bindings out of the rules that CEL expresses.

Four policies hold all of them. A binding is about whole policies, so rules that staging and prod enforce (`serious`:
critical and high) are apart from those that are only warned of (`minor`); and rules about Pods are apart from those
about other objects, because they read the Pod through variables, which makes one expression fit every kind that makes
Pods. The objects are plain data; `components/admission.py` declares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slipway.rules.exemptions import ANNOTATION
from slipway.rules.model import Object, Rule, Severity
from slipway.rules.pods import POD_KINDS

__all__ = [
    "ENVIRONMENTS",
    "ENVIRONMENT_LABEL",
    "SERIOUS",
    "SEVERITY_LABEL",
    "STAYING",
    "about",
    "bindings",
    "matching",
    "policies",
]

ENVIRONMENTS = ("dev", "staging", "prod")
ENVIRONMENT_LABEL = "slipway.dev/environment"
"""On the namespaces of an environment's applications."""
SEVERITY_LABEL = "slipway.dev/severity"
"""On a policy: the class of its rules, `serious` or `minor`."""
SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})
_API = "admissionregistration.k8s.io/v1"
_LABELS = {"app.kubernetes.io/part-of": "slipway"}
# What each class of policy does to a violation. dev shows everything and refuses nothing.
_ACTIONS: Mapping[str, Mapping[str, list[str]]] = MappingProxyType(
    {
        "dev": {"serious": ["Warn", "Audit"], "minor": ["Warn", "Audit"]},
        "staging": {"serious": ["Deny"], "minor": ["Warn", "Audit"]},
        "prod": {"serious": ["Deny"], "minor": ["Warn", "Audit"]},
    }
)


@dataclass(frozen=True)
class _Resource:
    """What the API server calls a kind."""

    version: str
    plurals: tuple[str, ...]


_NAMESPACES = ("namespaces", "namespaces/status", "namespaces/finalize")
# GroupKind -> its version and resources. A rule with CEL about a kind that is not here is an error, never a gap.
_RESOURCES: Mapping[str, _Resource] = MappingProxyType(
    {
        "AppProject.argoproj.io": _Resource("v1alpha1", ("appprojects",)),
        "Application.argoproj.io": _Resource("v1alpha1", ("applications",)),
        "ApplicationSet.argoproj.io": _Resource("v1alpha1", ("applicationsets",)),
        "ClusterRole.rbac.authorization.k8s.io": _Resource("v1", ("clusterroles",)),
        "ClusterRoleBinding.rbac.authorization.k8s.io": _Resource("v1", ("clusterrolebindings",)),
        "ConfigMap": _Resource("v1", ("configmaps",)),
        "CronJob.batch": _Resource("v1", ("cronjobs",)),
        "DaemonSet.apps": _Resource("v1", ("daemonsets",)),
        "Deployment.apps": _Resource("v1", ("deployments",)),
        "GRPCRoute.gateway.networking.k8s.io": _Resource("v1", ("grpcroutes",)),
        "Gateway.gateway.networking.k8s.io": _Resource("v1", ("gateways",)),
        "HTTPRoute.gateway.networking.k8s.io": _Resource("v1", ("httproutes",)),
        "HorizontalPodAutoscaler.autoscaling": _Resource("v2", ("horizontalpodautoscalers",)),
        "Ingress.networking.k8s.io": _Resource("v1", ("ingresses",)),
        "Job.batch": _Resource("v1", ("jobs",)),
        "LimitRange": _Resource("v1", ("limitranges",)),
        # Labels change through all of them.
        "Namespace": _Resource("v1", _NAMESPACES),
        "NetworkPolicy.networking.k8s.io": _Resource("v1", ("networkpolicies",)),
        "PersistentVolume": _Resource("v1", ("persistentvolumes",)),
        "PersistentVolumeClaim": _Resource("v1", ("persistentvolumeclaims",)),
        # A debugging container is added to a running Pod through a door of its own; so are its resources changed.
        "Pod": _Resource("v1", ("pods", "pods/ephemeralcontainers", "pods/resize")),
        "PodDisruptionBudget.policy": _Resource("v1", ("poddisruptionbudgets",)),
        "PodMonitor.monitoring.coreos.com": _Resource("v1", ("podmonitors",)),
        "PodTemplate": _Resource("v1", ("podtemplates",)),
        "ReplicaSet.apps": _Resource("v1", ("replicasets",)),
        "ReplicationController": _Resource("v1", ("replicationcontrollers",)),
        "ResourceQuota": _Resource("v1", ("resourcequotas",)),
        "Role.rbac.authorization.k8s.io": _Resource("v1", ("roles",)),
        "RoleBinding.rbac.authorization.k8s.io": _Resource("v1", ("rolebindings",)),
        "Rollout.argoproj.io": _Resource("v1alpha1", ("rollouts",)),
        "SealedSecret.bitnami.com": _Resource("v1alpha1", ("sealedsecrets",)),
        "Secret": _Resource("v1", ("secrets",)),
        "Service": _Resource("v1", ("services",)),
        "ServiceAccount": _Resource("v1", ("serviceaccounts",)),
        "ServiceMonitor.monitoring.coreos.com": _Resource("v1", ("servicemonitors",)),
        "StatefulSet.apps": _Resource("v1", ("statefulsets",)),
    }
)

_MADE_BY_PEOPLE = {
    # The cluster's own controllers make Pods from templates that were admitted, exemptions included, and must be able
    # to make them again when a node dies. No application can act under these names.
    "name": "not-made-by-the-clusters-controllers",
    "expression": "request.userInfo.username != 'system:kube-controller-manager' && "
    "!request.userInfo.username.startsWith('system:serviceaccount:kube-system:')",
}
# A Namespace's spec is its finalizers.
_LEFT_OPEN = "(k in (object.kind == 'Namespace' ? ['metadata', 'spec', 'status'] : ['metadata', 'status']))"
STAYING: Mapping[str, str] = MappingProxyType(
    {
        "name": "staying-or-changed",
        # A removed field is a change too.
        "expression": "!has(object.metadata.deletionTimestamp) || oldObject == null || "
        "object.metadata.?labels != oldObject.metadata.?labels || "
        f"dyn(object).exists(k, !{_LEFT_OPEN} && dyn(oldObject)[?k] != dyn(object)[?k]) || "
        f"dyn(oldObject).exists(k, !{_LEFT_OPEN} && !(k in dyn(object)))",
    }
)
"""A match condition: what is being deleted loses its finalizers unasked, or it would stay for ever.

Its labels and its content are still asked about: a finalizer keeps it working for as long as its author likes.
"""
# The form of `exemptions.Exemption`. CEL has no clock: the last day is asked for and not compared, so that
# it must at least be in this century.
_EXEMPTION = r"^\\s*\\S.*\\s+until=20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\s*$"
_EXEMPT = {
    "name": "exempt",
    "expression": "has(object.metadata.annotations) ? object.metadata.annotations.filter(k, "
    f"k.startsWith('{ANNOTATION}') && object.metadata.annotations[k].matches('{_EXEMPTION}')) : []",
}
_ENVIRONMENT = {
    "name": "environment",
    # A Namespace is judged by its own label; another cluster-scoped object is in no environment.
    "expression": "(object.kind == 'Namespace' ? variables.object : dyn(namespaceObject))"
    f".?metadata.?labels[?'{ENVIRONMENT_LABEL}'].orValue('')",
}
# The type checker would look for the fields of each rule's kind in every kind of the policy, and warn.
_ANY = {"name": "object", "expression": "dyn(object)"}
_OBJECT = re.compile(r"(?<![\w.'])object(?=[.\[])")
# Later ones read earlier ones.
_POD = (
    {
        "name": "pod",
        "expression": "object.kind == 'Pod' ? variables.object : "
        "object.kind == 'PodTemplate' ? (has(variables.object.template) ? variables.object.template : dyn({})) : "
        "object.kind == 'CronJob' ? variables.object.spec.jobTemplate.spec.template : "
        "has(variables.object.spec.template) ? variables.object.spec.template : dyn({})",
    },
    {"name": "spec", "expression": "has(variables.pod.spec) ? variables.pod.spec : dyn({})"},
    {"name": "template", "expression": "has(variables.pod.metadata) ? variables.pod.metadata : dyn({})"},
    {"name": "main", "expression": "has(variables.spec.containers) ? variables.spec.containers : dyn([])"},
    {
        "name": "containers",
        "expression": "variables.main"
        " + (has(variables.spec.initContainers) ? variables.spec.initContainers : dyn([]))"
        " + (has(variables.spec.ephemeralContainers) ? variables.spec.ephemeralContainers : dyn([]))",
    },
)


def policies(rules: Iterable[Rule], *, prefix: str = "slipway") -> list[Object]:
    """The policies of all environments, for the rules that have an expression. Each is asked only where it applies.

    Raises `ValueError` for a rule about a kind whose resource is not known here.
    """
    kinds: dict[str, set[str]] = {}
    found: dict[str, list[Object]] = {}
    for rule in rules:
        if not rule.cel:
            continue
        if unknown := rule.kinds - set(_RESOURCES):
            raise ValueError(f"rule {rule.id}: no resource is known for {', '.join(sorted(unknown))}")
        subject = "pods" if rule.kinds <= POD_KINDS else "objects"
        for severity, elsewhere in _classes(rule):
            kinds.setdefault(f"{subject}-{severity}", set()).update(rule.kinds)
            found.setdefault(f"{subject}-{severity}", []).append(_validation(rule, elsewhere))
    return [_policy(f"{prefix}-{name}", kinds[name], found[name]) for name in sorted(found)]


def bindings(made: Iterable[Object], environment: str) -> list[Object]:
    """What binds the policies `made` to the namespaces of an environment's applications, and to nothing else."""
    return [
        {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": f"{policy['metadata']['name']}-{environment}", "labels": _LABELS},
            "spec": {
                "policyName": policy["metadata"]["name"],
                "validationActions": _ACTIONS[environment][policy["metadata"]["labels"][SEVERITY_LABEL]],
                # Cluster-scoped objects have no namespace to select and would all match, but for Namespaces, which
                # are selected by their own labels.
                "matchResources": matching(
                    [_everything("*", ["*/*"], "Namespaced"), _everything("", list(_NAMESPACES), "Cluster")],
                    {"matchLabels": {ENVIRONMENT_LABEL: environment}},
                ),
            },
        }
        for policy in made
    ]


def matching(rules: list[Object], namespaces: Object | None = None) -> Object:
    """What a policy or binding is about, with its defaults written down.

    It is one value to server-side apply. Were it to differ from what the API server stores, a second owner (an update
    after one that was killed) would meet a conflict.
    """
    what = {"resourceRules": rules} if rules else {}
    return {"matchPolicy": "Equivalent", "namespaceSelector": namespaces or {}, "objectSelector": {}, **what}


def about(kinds: Iterable[str]) -> Object:
    """What a policy about these GroupKinds matches. Raises `KeyError` for one whose resource is not known here."""
    return matching(
        [
            {
                "apiGroups": [kind.partition(".")[2]],
                "apiVersions": [_RESOURCES[kind].version],
                "operations": ["CREATE", "UPDATE"],
                "resources": list(_RESOURCES[kind].plurals),
                "scope": "*",
            }
            for kind in sorted(kinds)
        ]
    )


def _classes(rule: Rule) -> list[tuple[str, list[str]]]:
    """The classes that the rule is in, each with the environments for which it is not. `""` is any other namespace."""
    # dev treats both alike, so it may take those of prod: fewer policies hold a rule twice.
    places = ["", *ENVIRONMENTS]
    found = {place: "serious" if rule.severity_for("prod" if place == "dev" else place) in SERIOUS else "minor"
             for place in places if rule.applies_in(place)}  # fmt: skip
    return [(severity, [place for place in places if found.get(place) != severity])
            for severity in sorted(set(found.values()))]  # fmt: skip


def _validation(rule: Rule, elsewhere: list[str]) -> Object:
    parts = [f"'{ANNOTATION}{rule.id}' in variables.exempt"]
    if elsewhere:
        parts.append(f"variables.environment in {_list(elsewhere)}")
    if rule.kinds != POD_KINDS:
        parts.append(f"!(object.kind in {_list(sorted(kind.split('.')[0] for kind in rule.kinds))})")
    return {
        "expression": " || ".join([*parts, f"({_OBJECT.sub('variables.object', rule.cel)})"]),
        "message": f"[{rule.id}] {' '.join(f'{rule.remedy} {rule.reason}'.split())}",
    }


def _policy(name: str, kinds: Iterable[str], validations: list[Object]) -> Object:
    _, subject, severity = name.rsplit("-", 2)
    return {
        "apiVersion": _API,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": {**_LABELS, SEVERITY_LABEL: severity}},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": about(kinds),
            "matchConditions": [_MADE_BY_PEOPLE, dict(STAYING)],
            "variables": [_ANY, _EXEMPT, _ENVIRONMENT, *(_POD if subject == "pods" else ())],
            "validations": validations,
        },
    }


def _everything(group: str, resources: list[str], scope: str) -> Object:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
        "scope": scope,
    }


def _list(words: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"
