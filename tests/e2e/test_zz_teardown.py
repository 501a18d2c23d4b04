"""Last of the end-to-end tests: take the platform away and see what an offline preview says then."""

from __future__ import annotations

import subprocess

import tools
from slipway.platform.kube import Cluster
from tests.e2e.support import PROJECT, Platform


def pulumi(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    path = ":".join([*map(str, tools.bin_dirs()), platform.environment["PATH"]])
    environment = platform.environment | {"PATH": path, "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"}
    argv = [str(tools.locate("pulumi")), *words, "--stack", "dev", "--non-interactive"]
    return subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_destroy_leaves_nothing_of_the_platform_in_the_cluster(platform: Platform) -> None:
    done = pulumi(platform, "destroy", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    cluster = Cluster(tools.locate("kubectl"), platform.state / "kubeconfig")
    namespaces = {item["metadata"]["name"] for item in (cluster.get("namespaces") or {})["items"]}
    kinds = {item["metadata"]["name"] for item in (cluster.get("customresourcedefinitions") or {})["items"]}

    assert {"argocd", "ingress"} & namespaces == set()
    assert {kind for kind in kinds if kind.endswith(("argoproj.io", "gateway.networking.k8s.io"))} == set()


def test_a_preview_without_a_cluster_works_and_says_so(platform: Platform) -> None:
    down = platform.slipway("sandbox", "down")
    assert down.returncode == 0, down.stderr
    preview = pulumi(platform, "preview")

    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "previewing offline" in preview.stdout + preview.stderr
