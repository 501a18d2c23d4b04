"""Built-in APIs that Kubernetes has removed, will remove, or does not serve unless told to.

Source: the Deprecated API Migration Guide (kubernetes.io/docs/reference/using-api/deprecation-guide) up to
Kubernetes 1.32, and the lifecycle that k8s.io/api v0.36 states for each kind
(`zz_generated.prerelease-lifecycle.go`) from there on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import text

__all__ = ["LIFECYCLES", "Lifecycle", "lifecycle"]


class Lifecycle(NamedTuple):
    """From which minor version of Kubernetes 1 an API is deprecated and no longer served, and what replaces it."""

    deprecated: int
    removed: int
    replacement: str
    """An apiVersion; empty when there is none."""


_TABLE = """
# apiVersion kinds deprecated removed replacement (`-`: none, `~`: of the same group)
extensions/v1beta1 DaemonSet,Deployment,ReplicaSet 8 16 apps/v1
extensions/v1beta1 NetworkPolicy 9 16 networking.k8s.io/v1
extensions/v1beta1 PodSecurityPolicy 10 16 -
extensions/v1beta1 Ingress 14 22 networking.k8s.io/v1
apps/v1beta1 ControllerRevision,Deployment,ReplicaSet,StatefulSet 8 16 apps/v1
apps/v1beta2 ControllerRevision,DaemonSet,Deployment,ReplicaSet,StatefulSet 9 16 apps/v1
admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration,ValidatingWebhookConfiguration 16 22 ~v1
apiextensions.k8s.io/v1beta1 CustomResourceDefinition 16 22 ~v1
apiregistration.k8s.io/v1beta1 APIService 19 22 ~v1
authentication.k8s.io/v1beta1 TokenReview 19 22 ~v1
authorization.k8s.io/v1beta1 LocalSubjectAccessReview,SelfSubjectAccessReview 19 22 ~v1
authorization.k8s.io/v1beta1 SelfSubjectRulesReview,SubjectAccessReview 19 22 ~v1
certificates.k8s.io/v1beta1 CertificateSigningRequest 19 22 ~v1
coordination.k8s.io/v1beta1 Lease 19 22 ~v1
networking.k8s.io/v1beta1 Ingress,IngressClass 19 22 ~v1
rbac.authorization.k8s.io/v1alpha1 ClusterRole,ClusterRoleBinding,Role,RoleBinding 17 22 ~v1
rbac.authorization.k8s.io/v1beta1 ClusterRole,ClusterRoleBinding,Role,RoleBinding 17 22 ~v1
scheduling.k8s.io/v1alpha1 PriorityClass 14 17 ~v1
scheduling.k8s.io/v1beta1 PriorityClass 14 22 ~v1
storage.k8s.io/v1beta1 CSIDriver,StorageClass,VolumeAttachment 19 22 ~v1
storage.k8s.io/v1beta1 CSINode 17 22 ~v1
storage.k8s.io/v1alpha1 CSIStorageCapacity 21 24 ~v1
storage.k8s.io/v1alpha1 VolumeAttachment 21 24 ~v1
autoscaling/v2beta1 HorizontalPodAutoscaler 22 25 autoscaling/v2
batch/v1beta1 CronJob 21 25 batch/v1
discovery.k8s.io/v1beta1 EndpointSlice 21 25 ~v1
events.k8s.io/v1beta1 Event 22 25 ~v1
node.k8s.io/v1beta1 RuntimeClass 22 25 ~v1
policy/v1beta1 PodDisruptionBudget 21 25 policy/v1
policy/v1beta1 PodSecurityPolicy 21 25 -
autoscaling/v2beta2 HorizontalPodAutoscaler 23 26 autoscaling/v2
flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema,PriorityLevelConfiguration 23 26 ~v1
storage.k8s.io/v1beta1 CSIStorageCapacity 24 27 ~v1
flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema,PriorityLevelConfiguration 26 29 ~v1
flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema,PriorityLevelConfiguration 29 32 ~v1
admissionregistration.k8s.io/v1alpha1 ValidatingAdmissionPolicy,ValidatingAdmissionPolicyBinding 29 32 ~v1
authentication.k8s.io/v1alpha1 SelfSubjectReview 29 32 ~v1
authentication.k8s.io/v1beta1 SelfSubjectReview 30 33 ~v1
admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy,ValidatingAdmissionPolicyBinding 31 34 ~v1
storage.k8s.io/v1alpha1 VolumeAttributesClass 32 35 ~v1
networking.k8s.io/v1beta1 IPAddress,ServiceCIDR 34 37 ~v1
storage.k8s.io/v1beta1 VolumeAttributesClass 34 37 ~v1
certificates.k8s.io/v1alpha1 ClusterTrustBundle 34 37 certificates.k8s.io/v1beta1
admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicy,MutatingAdmissionPolicyBinding 35 38 ~v1
coordination.k8s.io/v1alpha2 LeaseCandidate 35 38 coordination.k8s.io/v1beta1
resource.k8s.io/v1beta1 DeviceClass,ResourceClaim,ResourceClaimTemplate,ResourceSlice 35 38 ~v1
resource.k8s.io/v1alpha3 DeviceTaintRule 36 39 resource.k8s.io/v1beta2
resource.k8s.io/v1beta2 DeviceClass,ResourceClaim,ResourceClaimTemplate,ResourceSlice 36 39 ~v1
coordination.k8s.io/v1beta1 LeaseCandidate 36 39 -
admissionregistration.k8s.io/v1beta1 MutatingAdmissionPolicy,MutatingAdmissionPolicyBinding 37 40 ~v1
certificates.k8s.io/v1beta1 ClusterTrustBundle 37 40 -
"""


def _lifecycles() -> dict[tuple[str, str], Lifecycle]:
    found = {}
    for row in _TABLE.strip().splitlines():
        if row.startswith("#"):
            continue
        version, kinds, deprecated, removed, replacement = row.split()
        if replacement == "-":
            replacement = ""
        elif replacement.startswith("~"):
            replacement = f"{version.rpartition('/')[0]}/{replacement[1:]}"
        for kind in kinds.split(","):
            found[version, kind] = Lifecycle(int(deprecated), int(removed), replacement)
    return found


LIFECYCLES = _lifecycles()
"""(apiVersion, kind) -> its end."""
_PODS_AND_SUCH = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
# Groups of k8s.io that are add-ons with versions of their own.
_ADD_ONS = (
    "gateway.networking.k8s.io",
    "kustomize.config.k8s.io",
    "metrics.k8s.io",
    "snapshot.storage.k8s.io",
    "x-k8s.io",
)
_BUILT_IN_GROUPS = frozenset({version.rpartition("/")[0] for version, _ in LIFECYCLES}) | _PODS_AND_SUCH


def lifecycle(item: Object) -> Lifecycle | None:
    """The end of the API that the object is written in, when there is one in sight."""
    version, kind = item.get("apiVersion"), item.get("kind")
    return LIFECYCLES.get((version, kind)) if isinstance(version, str) and isinstance(kind, str) else None


def _instead(end: Lifecycle) -> str:
    return f"{end.replacement} replaces it" if end.replacement else "nothing replaces it"


def _since(minor: int) -> str:
    return f"Kubernetes 1.{minor}"


@rule(
    id="api-removed",
    title="Objects are written in an API that the cluster serves",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server does not know the API any more and refuses the object.",
    remedy="Rewrite the object in the API that replaces it; `kubectl convert` does most of it.",
    sources=("kube-linter:no-extensions-v1beta", "kubernetes:deprecation-guide", "kyverno:check-deprecated-apis"),
    kinds=("*",),
)
def api_removed(item: Object, context: Context) -> Iterable[Violation]:
    """An API that the target version no longer serves."""
    end = lifecycle(item)
    if end is None or context.version < (1, end.removed):
        return ()
    message = f"{text(item.get('apiVersion'))} {text(item.get('kind'))} is gone since {_since(end.removed)}"
    return [Violation(("apiVersion",), f"{message}; {_instead(end)}")]


@rule(
    id="api-deprecated",
    title="Objects are written in an API that will stay",
    severity=Severity.LOW,
    category=Category.SCHEMA,
    reason="A later version of Kubernetes refuses the object.",
    remedy="Rewrite the object in the API that replaces it; `kubectl convert` does most of it.",
    sources=("kube-score:stable-version", "kubernetes:deprecation-guide", "kyverno:check-deprecated-apis"),
    kinds=("*",),
)
def api_deprecated(item: Object, context: Context) -> Iterable[Violation]:
    """An API that the target version still serves and a later one does not."""
    end = lifecycle(item)
    if end is None or not (1, end.deprecated) <= context.version < (1, end.removed):
        return ()
    message = f"{text(item.get('apiVersion'))} {text(item.get('kind'))} goes with {_since(end.removed)}"
    return [Violation(("apiVersion",), f"{message}; {_instead(end)}")]


@rule(
    id="api-unstable",
    title="Objects are written in a stable API",
    severity=Severity.LOW,
    category=Category.SCHEMA,
    reason="Alpha and beta versions of built-in APIs are served only where somebody turned them on, and change.",
    remedy="Use the v1 of the API, or wait for it.",
    sources=("kube-score:stable-version", "kubernetes:api-versioning"),
    kinds=("*",),
)
def api_unstable(item: Object, context: Context) -> Iterable[Violation]:
    """An alpha or beta version of a built-in API, before its deprecation. Custom resources have rules of their own."""
    version = item.get("apiVersion")
    if not isinstance(version, str) or not ("alpha" in version or "beta" in version):
        return ()
    group = version.rpartition("/")[0]
    if group not in _BUILT_IN_GROUPS and (not group.endswith(".k8s.io") or group.endswith(_ADD_ONS)):
        return ()
    end = lifecycle(item)
    if end is not None and context.version >= (1, end.deprecated):
        return ()
    return [Violation(("apiVersion",), f"{version} is no stable API")]
