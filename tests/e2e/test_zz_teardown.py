"""Last of the end-to-end tests: take the platform away and see what an offline preview says then."""

from __future__ import annotations

import tools
from slipway.platform.kube import Cluster
from tests.e2e.support import Platform, machine


def test_destroy_leaves_nothing_of_the_platform_in_the_cluster(platform: Platform) -> None:
    done = platform.pulumi("destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    cluster = Cluster(tools.locate("kubectl"), platform.state / "kubeconfig")
    namespaces = {item["metadata"]["name"] for item in (cluster.get("namespaces") or {})["items"]}
    kinds = {item["metadata"]["name"] for item in (cluster.get("customresourcedefinitions") or {})["items"]}

    assert {"argocd", "ingress"} & namespaces == set()
    assert {kind for kind in kinds if kind.endswith(("argoproj.io", "gateway.networking.k8s.io"))} == set()


def test_a_destroyed_platform_and_a_stopped_sandbox_leave_the_machine_as_it_was(platform: Platform) -> None:
    down = platform.slipway("sandbox", "down")

    assert down.returncode == 0, down.stderr
    assert machine() == platform.machine


def test_a_preview_without_a_cluster_works_and_says_so(platform: Platform) -> None:
    preview = platform.pulumi("preview")

    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "previewing offline" in preview.stdout + preview.stderr
