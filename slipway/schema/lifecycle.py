"""APIs that Kubernetes removed, and those that it will.

Source: the Deprecated API Migration Guide of Kubernetes up to 1.25; from 1.26 on, what upstream's own schemas of two
versions in a row differ by (`tests/unit/schema/test_lifecycle.py` compares them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

__all__ = ["REMOVALS", "Removal", "deprecated", "removed"]

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Removal:
    """An API, the version that first did without it (None: not known yet), and what to use (empty: nothing)."""

    api_version: str
    kind: str
    version: Version | None
    use: str

    def __str__(self) -> str:
        what = f"{self.api_version} {self.kind}"
        use = f"use {self.use}" if self.use else "nothing replaces it"
        if self.version is None:
            return f"{what} is deprecated: {use}"
        return f"{what} is not served since Kubernetes {self.version[0]}.{self.version[1]}: {use}"


_POD_SECURITY = "the Pod Security Standards' labels on the Namespace"

# version, apiVersion, what to use, kinds
_TABLE: tuple[tuple[int, str, str, str], ...] = (
    (16, "extensions/v1beta1", "apps/v1", "DaemonSet Deployment ReplicaSet"),
    (16, "extensions/v1beta1", "networking.k8s.io/v1", "NetworkPolicy"),
    (16, "extensions/v1beta1", _POD_SECURITY, "PodSecurityPolicy"),
    (16, "apps/v1beta1", "apps/v1", "ControllerRevision Deployment StatefulSet"),
    (16, "apps/v1beta2", "apps/v1", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"),
    (
        22,
        "admissionregistration.k8s.io/v1beta1",
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    ),
    (22, "apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    (22, "apiregistration.k8s.io/v1beta1", "apiregistration.k8s.io/v1", "APIService"),
    (22, "authentication.k8s.io/v1beta1", "authentication.k8s.io/v1", "TokenReview"),
    (
        22,
        "authorization.k8s.io/v1beta1",
        "authorization.k8s.io/v1",
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    ),
    (22, "certificates.k8s.io/v1beta1", "certificates.k8s.io/v1", "CertificateSigningRequest"),
    (22, "coordination.k8s.io/v1beta1", "coordination.k8s.io/v1", "Lease"),
    (22, "extensions/v1beta1", "networking.k8s.io/v1", "Ingress"),
    (22, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "Ingress IngressClass"),
    (
        22,
        "rbac.authorization.k8s.io/v1beta1",
        "rbac.authorization.k8s.io/v1",
        "ClusterRole ClusterRoleBinding Role RoleBinding",
    ),
    (22, "scheduling.k8s.io/v1beta1", "scheduling.k8s.io/v1", "PriorityClass"),
    (22, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "CSIDriver CSINode StorageClass VolumeAttachment"),
    (25, "autoscaling/v2beta1", "autoscaling/v2", "HorizontalPodAutoscaler"),
    (25, "batch/v1beta1", "batch/v1", "CronJob"),
    (25, "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", "EndpointSlice"),
    (25, "events.k8s.io/v1beta1", "events.k8s.io/v1", "Event"),
    (25, "node.k8s.io/v1beta1", "node.k8s.io/v1", "RuntimeClass"),
    (25, "policy/v1beta1", "policy/v1", "PodDisruptionBudget"),
    (25, "policy/v1beta1", _POD_SECURITY, "PodSecurityPolicy"),
    (26, "autoscaling/v2beta2", "autoscaling/v2", "HorizontalPodAutoscaler"),
    (
        26,
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "flowcontrol.apiserver.k8s.io/v1",
        "FlowSchema PriorityLevelConfiguration",
    ),
    (27, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "CSIStorageCapacity"),
    (
        27,
        "resource.k8s.io/v1alpha1",
        "resource.k8s.io/v1",
        "PodScheduling ResourceClaim ResourceClaimTemplate ResourceClass",
    ),
    (
        29,
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "flowcontrol.apiserver.k8s.io/v1",
        "FlowSchema PriorityLevelConfiguration",
    ),
    (29, "networking.k8s.io/v1alpha1", "", "ClusterCIDR"),
    (31, "networking.k8s.io/v1alpha1", "networking.k8s.io/v1", "IPAddress ServiceCIDR"),
    (
        31,
        "resource.k8s.io/v1alpha2",
        "resource.k8s.io/v1",
        "PodSchedulingContext ResourceClaim ResourceClaimParameters ResourceClaimTemplate ResourceClass "
        "ResourceClassParameters ResourceSlice",
    ),
    (
        32,
        "admissionregistration.k8s.io/v1alpha1",
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
    ),
    (32, "authentication.k8s.io/v1alpha1", "authentication.k8s.io/v1", "SelfSubjectReview"),
    (32, "coordination.k8s.io/v1alpha1", "coordination.k8s.io/v1beta1", "LeaseCandidate"),
    (
        32,
        "flowcontrol.apiserver.k8s.io/v1beta3",
        "flowcontrol.apiserver.k8s.io/v1",
        "FlowSchema PriorityLevelConfiguration",
    ),
    (32, "resource.k8s.io/v1alpha3", "", "PodSchedulingContext"),
    (33, "authentication.k8s.io/v1beta1", "authentication.k8s.io/v1", "SelfSubjectReview"),
    (
        34,
        "admissionregistration.k8s.io/v1beta1",
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
    ),
    (
        34,
        "resource.k8s.io/v1alpha3",
        "resource.k8s.io/v1",
        "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
    ),
    (35, "certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1beta1", "PodCertificateRequest"),
    (35, "storage.k8s.io/v1alpha1", "storage.k8s.io/v1", "VolumeAttributesClass"),
    (35, "storagemigration.k8s.io/v1alpha1", "storagemigration.k8s.io/v1beta1", "StorageVersionMigration"),
    (36, "scheduling.k8s.io/v1alpha1", "scheduling.k8s.io/v1alpha2", "Workload"),
    (37, "certificates.k8s.io/v1alpha1", "certificates.k8s.io/v1", "ClusterTrustBundle"),
    (37, "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "IPAddress ServiceCIDR"),
    (37, "scheduling.k8s.io/v1alpha2", "scheduling.k8s.io/v1beta1", "PodGroup Workload"),
    (37, "storage.k8s.io/v1beta1", "storage.k8s.io/v1", "VolumeAttributesClass"),
)

REMOVALS: Mapping[tuple[str, str], Removal] = MappingProxyType(
    {
        (api_version, kind): Removal(api_version, kind, (1, minor), f"{use} {kind}" if "/" in use else use)
        for minor, api_version, use, kinds in _TABLE
        for kind in kinds.split()
    }
)
"""(apiVersion, kind) -> its removal."""

_DEPRECATED: Mapping[tuple[str, str], tuple[Version, str]] = MappingProxyType(
    {
        ("v1", "ComponentStatus"): ((1, 19), ""),
        ("v1", "Endpoints"): ((1, 33), "discovery.k8s.io/v1 EndpointSlice"),
        ("resource.k8s.io/v1beta1", "DeviceClass"): ((1, 34), "resource.k8s.io/v1 DeviceClass"),
        ("resource.k8s.io/v1beta1", "ResourceClaim"): ((1, 34), "resource.k8s.io/v1 ResourceClaim"),
        ("resource.k8s.io/v1beta1", "ResourceClaimTemplate"): ((1, 34), "resource.k8s.io/v1 ResourceClaimTemplate"),
        ("resource.k8s.io/v1beta1", "ResourceSlice"): ((1, 34), "resource.k8s.io/v1 ResourceSlice"),
    }
)


def removed(item: Mapping[str, Any], version: Version) -> Removal | None:
    """The removal of this object's API, when Kubernetes `version` does without it."""
    found = _find(item)
    return found if found and found.version and found.version <= version else None


def deprecated(item: Mapping[str, Any], version: Version) -> Removal | None:
    """The coming removal of this object's API, when `version` still serves it and there is something better."""
    found = _find(item)
    if found and found.version:
        # Deprecation comes three versions before removal, by upstream's policy for betas.
        since = (found.version[0], found.version[1] - 3)
        return found if since <= version < found.version else None
    key = _key(item)
    if key in _DEPRECATED and version >= _DEPRECATED[key][0]:
        return Removal(*key, None, _DEPRECATED[key][1])
    return None


def _find(item: Mapping[str, Any]) -> Removal | None:
    return REMOVALS.get(_key(item))


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    api_version, kind = item.get("apiVersion"), item.get("kind")
    return (api_version, kind) if isinstance(api_version, str) and isinstance(kind, str) else ("", "")
