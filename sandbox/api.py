"""HTTPS to the node's own servers with one of the sandbox's identities: probes, and the few objects of `manifests`."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sandbox import settings
from sandbox.settings import Layout
from slipway.errors import SlipwayError

__all__ = ["apply", "etcd_healthy", "get", "node", "ready"]

_PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "EndpointSlice": "endpointslices",
    "Service": "services",
}


@lru_cache(maxsize=16)
def _context(pki: str, authority: str, identity: str, _made: float) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=f"{pki}/{authority}.crt")
    context.load_cert_chain(f"{pki}/{identity}.crt", f"{pki}/{identity}.key")
    return context


def request(
    files: Layout,
    url: str,
    identity: str,
    *,
    authority: str = "ca",
    method: str = "GET",
    body: Any = None,
    content_type: str = "application/json",
    timeout: float = 5,
) -> tuple[int, str]:
    """One request with the identity's certificate; the status and the body."""
    parts = urlsplit(url)
    context = _context(str(files.pki), authority, identity, (files.pki / f"{identity}.crt").stat().st_mtime)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port or 443, context=context, timeout=timeout)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        payload = None if body is None else json.dumps(body)
        connection.request(method, target, body=payload, headers={"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def etcd_healthy(files: Layout) -> bool:
    """Whether etcd says that it is healthy."""
    try:
        status, text = request(
            files, "https://127.0.0.1:2379/health", "apiserver-etcd-client", authority="etcd-ca", timeout=2
        )
        return status == 200 and json.loads(text).get("health") == "true"
    except (OSError, http.client.HTTPException, ValueError):
        return False


def ready(files: Layout) -> bool:
    """Whether the API server says that it is ready."""
    try:
        return request(files, f"{settings.API_SERVER}/readyz", "monitor", timeout=3)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def get(files: Layout, path: str) -> dict[str, Any] | None:
    """One object of the cluster; None when there is none or no answer."""
    try:
        status, text = request(files, settings.API_SERVER + path, "bootstrap")
        return dict(json.loads(text)) if status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None


def node(files: Layout, since: float = 0) -> tuple[bool, str]:
    """Whether the node is Ready, and what it says about it.

    What a kubelet reported before `since` does not count: right after a restart the store still holds a Ready that
    was true once.
    """
    found = get(files, f"/api/v1/nodes/{settings.NODE_NAME}")
    if found is None:
        return False, "not registered with the API server"
    for condition in found["status"].get("conditions", []):
        if condition["type"] == "Ready":
            heard = dt.datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp()
            if heard < int(since):
                return False, "has not reported since its kubelet started"
            return condition["status"] == "True", condition.get("message", "")
    return False, "has not reported yet"


def apply(files: Layout, manifest: dict[str, Any]) -> None:
    """Server-side apply of one object: created when missing, unchanged when equal."""
    metadata = manifest["metadata"]
    group = manifest["apiVersion"]
    prefix = f"/apis/{group}" if "/" in group else f"/api/{group}"
    if "namespace" in metadata:
        prefix += f"/namespaces/{metadata['namespace']}"
    path = f"{prefix}/{_PLURALS[manifest['kind']]}/{metadata['name']}?fieldManager=slipway-sandbox&force=true"
    status, text = request(
        files,
        settings.API_SERVER + path,
        "bootstrap",
        method="PATCH",
        body=manifest,
        content_type="application/apply-patch+yaml",
        timeout=15,
    )
    if status not in {200, 201}:
        raise SlipwayError(
            f"the API server refused it ({status}): {text[:300]}",
            code="BOOTSTRAP_FAILED",
            where=f"{manifest['kind']} {metadata['name']}",
            remedy="`slipway sandbox logs kube-apiserver` says more",
        )
