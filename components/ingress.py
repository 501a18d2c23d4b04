"""Owns the way in: the Gateway API's kinds, Traefik as their implementation, one GatewayClass and one Gateway.

Routes belong to applications and live in their namespaces. Certificates are not here yet: the one listener speaks
HTTP. Traefik's dashboard, its update check and its usage statistics are off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.errors import ProgramError
from components.manifests import Manifest, ManifestArgs, Object, is_crd
from components.namespaces import INGRESS, INGRESS_LABEL

__all__ = ["Ingress", "IngressArgs", "needed_kinds", "role_rules"]

NAME = "traefik"
GATEWAY = "slipway"
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "slipway"}
# The Gateway's listener must have the number of one of Traefik's entry points.
WEB_PORT = 8000
PING_PORT = 8080
USER = 65532

# Traefik 3.7 watches exactly these (pkg/provider/kubernetes/gateway/client.go); a missing one stops it, and every
# further one costs the API server memory and each preview time.
KINDS = ("backendtlspolicies", "gatewayclasses", "gateways", "grpcroutes", "httproutes", "referencegrants", "tlsroutes")
_API = "gateway.networking.k8s.io"


@dataclass(frozen=True)
class IngressArgs:
    """The ingress controller and its service."""

    # The Gateway API's release manifest, as `sources.load` gives it.
    gateway_api: Sequence[Object]
    image: str
    service: str  # NodePort or LoadBalancer
    node_port: int | None
    replicas: int
    # Shown as the Gateway's address; none: the load balancer's own.
    address: str | None
    wait: bool


class Ingress(pulumi.ComponentResource):
    """Traefik, ready to serve HTTPRoutes."""

    gateway: pulumi.Output[str]
    ready: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:ingress:Ingress", name, None, opts)
        self.kinds = Manifest(
            "gateway-api", ManifestArgs(objects=needed_kinds(args.gateway_api)), pulumi.ResourceOptions(parent=self)
        )
        kinds = list(self.kinds.resources.values())
        account = self._account()
        self._service(args)
        deployment = self._deployment(args, [*kinds, *account])
        gateway_class = self._class(kinds)
        gateway = self._gateway([gateway_class])
        self.ready = [*kinds, deployment, gateway]
        self.gateway = pulumi.Output.from_input(f"{INGRESS}/{GATEWAY}")
        self.register_outputs({"gateway": self.gateway})

    def _account(self) -> list[pulumi.Resource]:
        child = pulumi.ResourceOptions(parent=self)
        account = kubernetes.core.v1.ServiceAccount(
            NAME, metadata={"name": NAME, "namespace": INGRESS, "labels": LABELS}, opts=child
        )
        name = f"slipway-{NAME}"
        role = kubernetes.rbac.v1.ClusterRole(
            name, metadata={"name": name, "labels": LABELS}, rules=role_rules(), opts=child
        )
        binding = kubernetes.rbac.v1.ClusterRoleBinding(
            name,
            metadata={"name": name, "labels": LABELS},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": INGRESS}],
            opts=child,
        )
        return [account, role, binding]

    def _service(self, args: IngressArgs) -> None:
        port: dict[str, Any] = {"name": "web", "port": 80, "target_port": "web", "protocol": "TCP"}
        if args.service == "NodePort" and args.node_port is not None:
            port["node_port"] = args.node_port
        kubernetes.core.v1.Service(
            NAME,
            metadata={
                "name": NAME,
                "namespace": INGRESS,
                "labels": LABELS,
                # Pods may come after the service; the Deployment is what is waited for.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={"type": args.service, "selector": LABELS, "ports": [port]},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _deployment(self, args: IngressArgs, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return kubernetes.apps.v1.Deployment(
            NAME,
            metadata={
                "name": NAME,
                "namespace": INGRESS,
                "labels": LABELS,
                "annotations": {} if args.wait else {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "replicas": args.replicas,
                "selector": {"match_labels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": _pod(args)},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _class(self, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return kubernetes.apiextensions.CustomResource(
            NAME,
            api_version=f"{_API}/v1",
            kind="GatewayClass",
            metadata={"name": NAME},
            spec={"controllerName": "traefik.io/gateway-controller"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _gateway(self, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        listener = {
            "name": "http",
            "port": WEB_PORT,
            "protocol": "HTTP",
            "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": INGRESS_LABEL}}},
        }
        return kubernetes.apiextensions.CustomResource(
            GATEWAY,
            api_version=f"{_API}/v1",
            kind="Gateway",
            metadata={"name": GATEWAY, "namespace": INGRESS},
            spec={"gatewayClassName": NAME, "listeners": [listener]},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def needed_kinds(manifest: Sequence[Object]) -> list[Object]:
    """The definitions that Traefik watches, out of the Gateway API's standard channel."""
    wanted = {f"{kind}.{_API}" for kind in KINDS}
    found = [item for item in manifest if is_crd(item) and item["metadata"]["name"] in wanted]
    if missing := wanted - {item["metadata"]["name"] for item in found}:
        raise ProgramError(f"the Gateway API's manifest lacks {', '.join(sorted(missing))}")
    return found


def role_rules() -> list[dict[str, list[str]]]:
    """What Traefik's Gateway provider reads and writes, and nothing more (after its reference RBAC)."""
    watch = ["list", "watch"]
    return [
        {"api_groups": [""], "resources": ["namespaces"], "verbs": watch},
        # Secrets: a listener may name a certificate in any namespace, so Traefik's informer reads all of them.
        {"api_groups": [""], "resources": ["configmaps", "secrets", "services"], "verbs": ["get", *watch]},
        {"api_groups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": watch},
        {"api_groups": [_API], "resources": list(KINDS), "verbs": ["get", *watch]},
        {"api_groups": [_API], "resources": [f"{kind}/status" for kind in KINDS], "verbs": ["update"]},
    ]


def _pod(args: IngressArgs) -> dict[str, Any]:
    provider = "--providers.kubernetesgateway"
    address = (
        [f"{provider}.statusaddress.hostname={args.address}"]
        if args.address
        else [
            f"{provider}.statusaddress.service.namespace={INGRESS}",
            f"{provider}.statusaddress.service.name={NAME}",
        ]
    )
    probe = {"http_get": {"path": "/ping", "port": "ping"}}
    return {
        "service_account_name": NAME,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER,
            "run_as_group": USER,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": NAME,
                "image": args.image,
                "image_pull_policy": "IfNotPresent",
                "args": [
                    f"{provider}=true",
                    *address,
                    f"--entrypoints.web.address=:{WEB_PORT}",
                    f"--entrypoints.traefik.address=:{PING_PORT}",
                    "--ping=true",
                    "--ping.entrypoint=traefik",
                    "--api=false",
                    "--global.checknewversion=false",
                    "--global.sendanonymoususage=false",
                    "--log.level=INFO",
                ],
                "ports": [
                    {"name": "web", "container_port": WEB_PORT, "protocol": "TCP"},
                    {"name": "ping", "container_port": PING_PORT, "protocol": "TCP"},
                ],
                "readiness_probe": {**probe, "period_seconds": 2, "failure_threshold": 3},
                "liveness_probe": {**probe, "period_seconds": 10, "failure_threshold": 3},
                "resources": {
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                    "limits": {"cpu": "1", "memory": "256Mi"},
                },
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
