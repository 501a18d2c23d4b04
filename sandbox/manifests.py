"""The objects without which the sandbox's own components could not do their work.

Not here: anything that an application or the platform uses. Pulumi owns the platform, Argo CD the applications.
"""

from __future__ import annotations

from typing import Any

from sandbox import settings
from sandbox.certificates import ADMINS

__all__ = ["bootstrap_manifests"]

LABELS = {"app.kubernetes.io/managed-by": "slipway-sandbox"}


def bootstrap_manifests() -> list[dict[str, Any]]:
    """Roles of the administrators, the API server and CoreDNS; the DNS service, whose server is a host process."""
    return [
        _binding("slipway:admins", "cluster-admin", "Group", ADMINS),
        _binding("slipway:kubelet-api", "system:kubelet-api-admin", "User", "slipway:apiserver-kubelet-client"),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "slipway:coredns", "labels": LABELS},
            "rules": [
                {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        },
        _binding("slipway:coredns", "slipway:coredns", "User", "slipway:coredns"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "kube-dns",
                "namespace": "kube-system",
                "labels": {**LABELS, "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"},
            },
            "spec": {
                "clusterIP": settings.DNS_IP,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
                ],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kube-dns-host",
                "namespace": "kube-system",
                "labels": {
                    "kubernetes.io/service-name": "kube-dns",
                    # Tells the control plane's own controllers that the slice is not theirs to empty.
                    "endpointslice.kubernetes.io/managed-by": "slipway-sandbox",
                },
            },
            "addressType": "IPv4",
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            ],
            "endpoints": [{"addresses": [settings.NODE_IP], "conditions": {"ready": True}}],
        },
    ]


def _binding(name: str, role: str, kind: str, subject: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": LABELS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": kind, "name": subject, "apiGroup": "rbac.authorization.k8s.io"}],
    }
