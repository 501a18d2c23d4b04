"""Whether the platform's own workloads stand: Argo CD's and the ingress's Deployments and StatefulSets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from slipway.errors import CheckFailed
from slipway.platform.kube import Cluster

__all__ = ["PLATFORM_NAMESPACES", "not_ready", "wait_for_workloads"]

PLATFORM_NAMESPACES = ("argocd", "ingress")
POLL_S = 0.5


def wait_for_workloads(cluster: Cluster, *, timeout: float, say: Callable[[str], None]) -> int:
    """Wait until every workload of the platform has all its Pods Ready; return how many workloads there are.

    Raises `CheckFailed` after `timeout` seconds, naming those that are not.
    """
    deadline = time.monotonic() + timeout
    shown: list[str] = []
    while True:
        found = _workloads(cluster)
        waiting = not_ready(found)
        if found and not waiting:
            return len(found)
        if waiting != shown:
            say(f"waiting for {', '.join(waiting)}")
            shown = waiting
        if time.monotonic() > deadline:
            raise CheckFailed(
                f"not Ready after {timeout:.0f} s: {', '.join(waiting) or 'no workload at all'}",
                code="NOT_READY",
                remedy="`kubectl -n argocd get pods` and `kubectl -n argocd describe pod …` show why",
            )
        time.sleep(POLL_S)


def not_ready(workloads: list[dict[str, Any]]) -> list[str]:
    """The names of the workloads of which a Pod is missing, not Ready, or still of an earlier version."""
    return [workload["metadata"]["name"] for workload in workloads if not _stands(workload)]


def _stands(workload: dict[str, Any]) -> bool:
    wanted = workload["spec"].get("replicas", 1)
    status = workload.get("status", {})
    counts = (status.get("readyReplicas", 0), status.get("updatedReplicas", 0), status.get("replicas", 0))
    return counts == (wanted, wanted, wanted) and status.get("observedGeneration") == workload["metadata"]["generation"]


def _workloads(cluster: Cluster) -> list[dict[str, Any]]:
    lists = (cluster.get("deployments,statefulsets", namespace=namespace) for namespace in PLATFORM_NAMESPACES)
    return [workload for found in lists if found for workload in found["items"]]
