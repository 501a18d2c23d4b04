"""Owns Argo CD itself: upstream's release manifest, with the few settings below, in the namespace `argocd`.

It deliberately owns neither the project nor any Application (see `applications.py`), nor the admin password and the
server's signing key: Argo CD makes those at its first start, in the same Secret `argocd-secret`. Server-side apply
lets the two share it: Pulumi owns the webhook's key there and no other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

from components.manifests import Manifest, ManifestArgs, Object, drop, key, namespaced, patch
from components.namespaces import ARGOCD, INGRESS

__all__ = ["ArgoCD", "ArgoCDArgs", "customised"]

DEX = "argocd-dex-server"

# The ApplicationSet controller makes its webhook receiver once, at its start, and goes on without one when
# argocd-server has not yet made its key. Naming the key keeps the container from starting before it is there.
_SERVER_KEY = {
    "name": "SLIPWAY_STARTS_AFTER_ARGOCD_SERVER",
    "valueFrom": {"secretKeyRef": {"name": "argocd-secret", "key": "server.secretkey"}},
}


@dataclass(frozen=True)
class ArgoCDArgs:
    """What differs from upstream."""

    # The release manifest's objects, as `sources.load` gives them.
    objects: Sequence[Object]
    # Single sign-on. Without it the local admin account is the only login.
    dex: bool
    reconciliation_seconds: int
    exec_timeout_seconds: int
    # Signs GitHub's push webhooks; without it Argo CD would accept anybody's.
    webhook_secret: SecretStr | None
    # Where the API is served through the gateway, over plain HTTP inside the cluster; none: not through the gateway.
    host: str | None
    # Whether Pulumi waits for the workloads to be ready.
    wait: bool
    # Definitions of kinds and the gateway, when `host` is set.
    gateway: Sequence[pulumi.Resource] = ()


class ArgoCD(pulumi.ComponentResource):
    """Argo CD's objects, and the route to its API."""

    namespace: pulumi.Output[str]
    host: pulumi.Output[str | None]

    def __init__(self, name: str, args: ArgoCDArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:argocd:ArgoCD", name, None, opts)
        self.manifest = Manifest(
            name,
            ManifestArgs(objects=customised(args), wait=args.wait),
            pulumi.ResourceOptions(parent=self),
        )
        if args.host is not None:
            self._route(args.host, args.gateway)
        self.namespace = pulumi.Output.from_input(ARGOCD)
        self.host = pulumi.Output.from_input(args.host)
        self.register_outputs({"namespace": self.namespace, "host": self.host})

    def _route(self, host: str, gateway: Sequence[pulumi.Resource]) -> None:
        kubernetes.apiextensions.CustomResource(
            "argocd-server",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata={"name": "argocd-server", "namespace": ARGOCD},
            spec={
                "hostnames": [host],
                "parentRefs": [{"name": "slipway", "namespace": INGRESS}],
                "rules": [{"backendRefs": [{"name": "argocd-server", "port": 80}]}],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(gateway)),
        )


def customised(args: ArgoCDArgs) -> list[Object]:
    """Upstream's objects with this installation's settings; each change is one entry here."""
    objects = list(args.objects)
    if not args.dex:
        objects = drop(objects, lambda item: key(item)[1].startswith(DEX))
    parameters = _parameters(args)
    # These settings are read at start only; the pods must follow when they change.
    checksum = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]
    changes = {
        ("ConfigMap", "argocd-cm"): _data(_settings(args)),
        ("ConfigMap", "argocd-cmd-params-cm"): _data(parameters),
        ("Secret", "argocd-secret"): _webhook_key(args.webhook_secret),
    }
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet"):
            changes[key(item)] = _annotated("slipway.dev/parameters", checksum)
    for name, variable in (
        ("argocd-repo-server", {"name": "ARGOCD_EXEC_TIMEOUT", "value": f"{args.exec_timeout_seconds}s"}),
        ("argocd-applicationset-controller", _SERVER_KEY),
    ):
        workload = ("Deployment", name)
        changes[workload] = _both(changes[workload], _environment(variable))
    return namespaced(patch(objects, changes), ARGOCD)


def _settings(args: ArgoCDArgs) -> dict[str, str]:
    # Argo CD adds up to the jitter to the time between two looks at Git: a push without a webhook is seen within
    # both together, so that 120 s hold at the default of 60 s.
    return {
        # An admission policy reads the owner there (see `admission.py`).
        "application.resourceTrackingMethod": "annotation",
        "timeout.reconciliation": f"{args.reconciliation_seconds}s",
        "timeout.reconciliation.jitter": f"{max(1, args.reconciliation_seconds // 2)}s",
    }


def _parameters(args: ArgoCDArgs) -> dict[str, str]:
    # Callers wait somewhat longer than the repo-server's own limit, so that its error and not theirs is shown.
    patience = str(args.exec_timeout_seconds + 30)
    parameters = {
        f"{caller}.repo.server.timeout.seconds": patience
        for caller in ("controller", "server", "applicationsetcontroller")
    }
    # Applications are applied server-side; comparing the same way knows the fields that the API server fills in.
    parameters["controller.diff.server.side"] = "true"
    if args.host is not None:
        # TLS ends at the gateway, where there is one; the server would answer HTTP with a redirect for ever.
        parameters["server.insecure"] = "true"
    return parameters


def _data(entries: dict[str, str]) -> Any:
    def change(item: Object) -> None:
        item["data"] = {**(item.get("data") or {}), **entries}

    return change


def _webhook_key(secret: SecretStr | None) -> Any:
    def change(item: Object) -> None:
        if secret is not None:
            encoded = base64.b64encode(secret.get_secret_value().encode()).decode()
            item["data"] = {"webhook.github.secret": encoded}

    return change


def _annotated(name: str, value: str) -> Any:
    def change(item: Object) -> None:
        item["spec"]["template"]["metadata"].setdefault("annotations", {})[name] = value

    return change


def _environment(variable: dict[str, Any]) -> Any:
    def change(item: Object) -> None:
        container = item["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [*container.get("env", []), variable]

    return change


def _both(first: Any, second: Any) -> Any:
    def change(item: Object) -> None:
        first(item)
        second(item)

    return change
