"""Argo CD as the API server shows it: an Application's state, the login, and where webhooks go."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass

from slipway.errors import CheckFailed, SlipwayError
from slipway.platform.kube import Cluster

__all__ = ["Application", "application", "initial_password", "server_address", "wait_for_application", "webhook_urls"]

NAMESPACE = "argocd"
POLL_S = 1.0


@dataclass(frozen=True)
class Application:
    """What Argo CD says of an Application; an empty word is what it does not say yet."""

    name: str
    sync: str
    health: str
    revision: str
    message: str

    def at(self, revision: str) -> bool:
        """Synced, Healthy, and at exactly this commit."""
        return (self.sync, self.health, self.revision) == ("Synced", "Healthy", revision)


def application(cluster: Cluster, name: str) -> Application | None:
    """The Application's present state, or none when there is no such Application."""
    found = cluster.get("applications.argoproj.io", name, namespace=NAMESPACE)
    if found is None:
        return None
    status = found.get("status", {})
    conditions = "; ".join(condition.get("message", "") for condition in status.get("conditions", []))
    return Application(
        name=name,
        sync=status.get("sync", {}).get("status", ""),
        health=status.get("health", {}).get("status", ""),
        revision=status.get("sync", {}).get("revision", ""),
        message=conditions or status.get("operationState", {}).get("message", ""),
    )


def wait_for_application(
    cluster: Cluster, name: str, revision: str, *, timeout: float, say: Callable[[str], None]
) -> Application:
    """Wait until the Application is Synced and Healthy at `revision`; raise `CheckFailed` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    shown = ""
    while True:
        seen = application(cluster, name)
        if seen and seen.at(revision):
            return seen
        state = f"{seen.sync or '-'}, {seen.health or '-'}, at {seen.revision[:12] or '-'}" if seen else "not there yet"
        if state != shown:
            say(shown := state)
        if time.monotonic() > deadline:
            detail = f" ({seen.message})" if seen and seen.message else ""
            wanted = f"Synced and Healthy at {revision[:12]}"
            raise CheckFailed(
                f"Application {name} is {state} after {timeout:.0f} s, not {wanted}{detail}",
                code="NOT_SYNCED",
                remedy=f"`kubectl -n {NAMESPACE} describe application {name}` shows why",
            )
        time.sleep(POLL_S)


def initial_password(cluster: Cluster) -> str:
    """The password that Argo CD made for `admin` at its first start."""
    secret = cluster.get("secret", "argocd-initial-admin-secret", namespace=NAMESPACE)
    if secret is None:
        raise SlipwayError(
            "Argo CD's initial admin password is not there: it has not started yet, or the password was changed",
            code="NO_PASSWORD",
            remedy="wait for the Pods in the namespace argocd, or use the password that you set",
        )
    return base64.b64decode(secret["data"]["password"]).decode()


def server_address(cluster: Cluster) -> str:
    """`host:port` of Argo CD's API, reachable from the sandbox's machine."""
    return _service_address(cluster, "argocd-server", "http")


def webhook_urls(cluster: Cluster) -> list[str]:
    """Where a Git push is announced: the API server (Applications) and the ApplicationSet controller (new folders)."""
    server = _service_address(cluster, "argocd-server", "http")
    generator = _service_address(cluster, "argocd-applicationset-controller", "webhook")
    return [f"http://{server}/api/webhook", f"http://{generator}/api/webhook"]


def _service_address(cluster: Cluster, name: str, port: str) -> str:
    service = cluster.get("service", name, namespace=NAMESPACE)
    if service is None:
        raise SlipwayError(
            f"the Service {name} is not in the namespace {NAMESPACE}",
            code="NO_ARGOCD",
            remedy="`slipway up dev` installs Argo CD",
        )
    ports = {entry.get("name"): entry["port"] for entry in service["spec"]["ports"]}
    if port not in ports:
        raise SlipwayError(f"the Service {name} has no port {port}, only {', '.join(map(str, ports))}", code="NO_PORT")
    return f"{service['spec']['clusterIP']}:{ports[port]}"
