"""When a workload stands, and what is said of those that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import CheckFailed
from slipway.platform.kube import Cluster
from slipway.platform.workloads import not_ready, wait_for_workloads


def workload(name: str, *, ready: int, updated: int = 1, total: int = 1, observed: int = 2) -> dict[str, Any]:
    counts = {"readyReplicas": ready, "updatedReplicas": updated, "replicas": total, "observedGeneration": observed}
    return {"metadata": {"name": name, "generation": 2}, "spec": {"replicas": 1}, "status": counts}


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        ({"ready": 1}, True),
        ({"ready": 0}, False),
        ({"ready": 1, "updated": 0}, False),
        ({"ready": 2, "total": 2}, False),
        ({"ready": 1, "observed": 1}, False),
    ],
    ids=["ready", "no Pod is", "old Pod only", "old Pod still there", "change not seen yet"],
)
def test_a_workload_stands_when_all_its_pods_are_ready_and_new(state: dict[str, int], stands: bool) -> None:
    assert not_ready([workload("argocd-server", **state)]) == ([] if stands else ["argocd-server"])


def test_a_wait_that_ends_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [workload("argocd-server", ready=0), workload("argocd-redis", ready=1)]
    monkeypatch.setattr(Cluster, "get", lambda *_, **__: {"items": items})

    with pytest.raises(CheckFailed, match="not Ready after 0 s: argocd-server") as failure:
        wait_for_workloads(Cluster(Path("kubectl"), Path("kubeconfig")), timeout=0, say=lambda _: None)
    assert "argocd-redis" not in failure.value.what
