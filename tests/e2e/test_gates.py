"""The gates on a platform that is up: what runs is what was checked, and the API server holds the boundaries."""

from __future__ import annotations

import json
import subprocess

import pytest

import tools
from tests.e2e.support import Platform

NAMESPACE = "app1-dev"
VALUE = "correct-horse-battery-staple"
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "another", "namespace": NAMESPACE},
    "spec": {
        "parentRefs": [{"name": "slipway", "namespace": "ingress"}],
        "rules": [{"backendRefs": [{"name": "app1", "port": 8080}]}],
    },
}


def kubectl(platform: Platform, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    argv = [str(tools.locate("kubectl")), "--kubeconfig", str(platform.state / "kubeconfig"), *words]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=False)


def test_the_namespace_that_runs_meets_the_targets_of_the_score(platform: Platform) -> None:
    done = platform.slipway("score", "--live", NAMESPACE, "--env", "dev", "--json")
    report = json.loads(done.stdout)
    least = report["least"]

    assert done.returncode == 0, done.stdout
    assert report["counts"]["objects"] >= 8
    assert report["counts"]["not_assessed"] == 0
    assert least["overall"] >= 92
    assert least["security"] >= 95
    assert least["production"] >= 95
    assert least["resources"] >= 90
    assert least["schema"] == 100


def test_a_live_secret_is_checked_without_its_value(platform: Platform) -> None:
    made = kubectl(
        platform, "-n", NAMESPACE, "create", "secret", "generic", "spare", f"--from-literal=password={VALUE}"
    )
    assert made.returncode == 0, made.stderr
    try:
        done = platform.slipway("validate", "--live", NAMESPACE, "--json", "--fail-on", "none")
    finally:
        kubectl(platform, "-n", NAMESPACE, "delete", "secret", "spare")

    assert done.returncode == 0, done.stderr
    assert VALUE not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("host", "admitted"), [("app1.dev.localhost", True), ("argocd.dev.localhost", False), ("app2.dev.localhost", False)]
)
def test_an_application_is_routed_under_its_own_host_only(platform: Platform, host: str, admitted: bool) -> None:
    route = ROUTE | {"spec": ROUTE["spec"] | {"hostnames": [host]}}  # type: ignore[operator]
    tried = kubectl(platform, "apply", "--dry-run=server", "-f", "-", given=json.dumps(route))

    assert (tried.returncode == 0) == admitted, tried.stderr
    assert admitted or "[route-host]" in tried.stderr


@pytest.mark.parametrize(
    "label",
    ["pod-security.kubernetes.io/enforce=privileged", "slipway.dev/environment=prod", "slipway.dev/environment-"],
)
def test_a_namespace_cannot_leave_its_environments_rules(platform: Platform, label: str) -> None:
    tried = kubectl(platform, "label", "namespace", NAMESPACE, label, "--overwrite", "--dry-run=server")

    assert tried.returncode != 0
    assert "[namespace-" in tried.stderr


def test_dev_is_warned_of_what_prod_would_be_refused(platform: Platform) -> None:
    workload = platform.kubectl("-n", NAMESPACE, "get", "deployment", "app1")
    container = workload["spec"]["template"]["spec"]["containers"][0]
    workload["metadata"] = {"name": "unbounded", "namespace": NAMESPACE}
    del container["resources"]
    tried = kubectl(platform, "apply", "--dry-run=server", "-f", "-", given=json.dumps(workload))

    assert tried.returncode == 0, tried.stderr
    assert "[memory-limit-missing]" in tried.stderr


def test_a_preview_with_policies_passes_on_every_stack(platform: Platform) -> None:
    for stack in ("dev", "staging", "prod"):
        preview = platform.slipway("preview", stack, "--policies")
        assert preview.returncode == 0, preview.stdout + preview.stderr
        assert "slipway@" in preview.stdout + preview.stderr
