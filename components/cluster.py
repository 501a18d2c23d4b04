"""Owns the Kubernetes provider of the stack: the one way to the cluster that every component uses.

It does not make clusters: the sandbox is made by `slipway sandbox up`, an existing cluster by its owner. Where no
cluster answers, a preview works offline and says so; anything that would change a cluster is refused.

Offline, the provider is given a kubeconfig that leads nowhere. Its render mode would do too, but asks whatever
cluster $KUBECONFIG or ~/.kube/config leads to, and writes secrets into files.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from components.access import Access
from components.errors import ProgramError

__all__ = ["Cluster", "ClusterArgs", "answers", "require"]

PROBE_SECONDS = 2.0
# Nothing listens on port 1. A kubeconfig must be given, or the provider would look for one by itself.
NOWHERE = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "nowhere",
        "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
        "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "nobody", "user": {}}],
    }
)


def answers(server: str, timeout: float = PROBE_SECONDS) -> bool:
    """Whether a Kubernetes API server, or anything that speaks HTTP, answers at `server` within `timeout`.

    Nothing is sent but the question, so the server's certificate is left for the provider to check: its own error
    about a wrong certificate is better than "no cluster".
    """
    parts = urlsplit(server)
    host = parts.hostname or ""
    try:
        with socket.create_connection((host, parts.port or (443 if parts.scheme == "https" else 80)), timeout):
            pass
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/readyz")
            connection.getresponse().read(1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False
    return True


def require(access: Access, *, preview: bool, probe: Callable[[str], bool] = answers) -> bool:
    """True when the cluster answers. Otherwise a preview goes on offline with a warning, and an update is refused."""
    if not access.missing and probe(access.server):
        return True
    reason = access.missing or f"no cluster answers at {access.server}"
    if preview:
        pulumi.log.warn(f"{reason}: previewing offline, compared with the stack's state and checked by no API server")
        return False
    if access.kind == "sandbox":
        raise ProgramError(f"{reason}, so nothing can be deployed", remedy="slipway sandbox up")
    raise ProgramError(
        f"{reason}, so nothing can be deployed",
        where=access.kubeconfig or "",
        remedy="start the cluster, or correct `slipway:cluster.kubeconfig` and its context",
    )


@dataclass(frozen=True)
class ClusterArgs:
    """Which cluster, and whether it is there."""

    access: Access
    # What `require` said: false talks to no cluster.
    online: bool


class Cluster(pulumi.ComponentResource):
    """The provider, with settings that hold for every object."""

    provider: kubernetes.Provider
    mode: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:cluster:Cluster", name, None, opts)
        access = args.access
        self.provider = kubernetes.Provider(
            name,
            # Explicit, because a kubeconfig with another address or certificate would otherwise replace the
            # provider and every object under it (pulumi-kubernetes#1148, #4019).
            cluster_identifier=access.identity,
            kubeconfig=access.kubeconfig if args.online else NOWHERE,
            context=access.context if args.online else None,
            # Without these two, changing a ConfigMap or Secret deletes it and makes another (pulumi-kubernetes#1567).
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            kube_client_settings=kubernetes.KubeClientSettingsArgs(qps=100.0, burst=200),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.mode = pulumi.Output.from_input("online" if args.online else "offline")
        self.register_outputs({"mode": self.mode})
