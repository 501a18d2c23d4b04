"""Owns the namespaces of the platform services, each under the strictest Pod Security standard that fits.

Namespaces of applications are not here: Argo CD makes them, labelled by `applications.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

__all__ = ["ARGOCD", "INGRESS", "INGRESS_LABEL", "Namespaces", "NamespacesArgs", "pod_security"]

ARGOCD = "argocd"
INGRESS = "ingress"
# Routes may attach to the gateway from namespaces with this label.
INGRESS_LABEL = {"slipway.dev/ingress": "true"}


def pod_security(level: str) -> dict[str, str]:
    """The labels that enforce a Pod Security level, and warn at the strictest one."""
    return {
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/warn": "restricted",
    }


@dataclass(frozen=True)
class NamespacesArgs:
    """Which namespaces to make."""

    # Name -> labels besides those of Pod Security and ownership.
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {ARGOCD: INGRESS_LABEL, INGRESS: {}})
    level: str = "restricted"


class Namespaces(pulumi.ComponentResource):
    """One Namespace for each platform service."""

    names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:namespaces:Namespaces", name, None, opts)
        self.by_name: dict[str, kubernetes.core.v1.Namespace] = {}
        for namespace, labels in args.labels.items():
            self.by_name[namespace] = kubernetes.core.v1.Namespace(
                namespace,
                metadata={
                    "name": namespace,
                    "labels": {"app.kubernetes.io/part-of": "slipway", **pod_security(args.level), **labels},
                },
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.names = pulumi.Output.from_input(sorted(self.by_name))
        self.register_outputs({"names": self.names})
