"""What runs of app1 in each environment, as kustomize renders it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from slipway.paths import project_dir
from slipway.run import run
from tools import locate

APP = project_dir() / "apps" / "app1"
ENVIRONMENTS = ("dev", "staging", "prod")
Object = dict[str, Any]


@cache
def rendered(environment: str) -> tuple[Object, ...]:
    output = run([locate("kustomize"), "build", APP / "k8s" / "overlays" / environment], timeout=60).stdout
    return tuple(yaml.safe_load_all(output))


def one(environment: str, kind: str, name: str = "") -> Object:
    (found,) = [
        item for item in rendered(environment) if item["kind"] == kind and name in ("", item["metadata"]["name"])
    ]
    return found


def pod(environment: str) -> Object:
    return dict(one(environment, "Deployment")["spec"]["template"]["spec"])


def container(environment: str) -> Object:
    (only,) = pod(environment)["containers"]
    return dict(only)


def mebibytes(quantity: str) -> int:
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))


pytestmark = pytest.mark.parametrize("environment", ENVIRONMENTS)


def test_every_object_is_in_the_environments_namespace(environment: str) -> None:
    assert {item["metadata"]["namespace"] for item in rendered(environment)} == {f"app1-{environment}"}


def test_the_environment_is_told_to_the_application(environment: str) -> None:
    config = one(environment, "ConfigMap")

    assert config["data"]["ENVIRONMENT"] == environment
    assert container(environment)["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]


def test_it_answers_on_its_environments_host_through_the_shared_gateway(environment: str) -> None:
    route = one(environment, "HTTPRoute")["spec"]

    assert route["hostnames"] == [f"app1.{environment}.localhost"]
    assert route["parentRefs"] == [{"name": "slipway", "namespace": "ingress"}]
    served = {rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["port"] for rule in route["rules"]}
    # Metrics are for the cluster's monitoring; only dev shows them to everybody.
    assert served == ({"/metrics": 9090, "/": 8080} if environment == "dev" else {"/": 8080})


def test_both_ports_are_served_and_named(environment: str) -> None:
    service = one(environment, "Service")["spec"]["ports"]

    assert {(port["name"], port["containerPort"]) for port in container(environment)["ports"]} == {
        ("http", 8080),
        ("metrics", 9090),
    }
    assert {(port["name"], port["port"], port["targetPort"]) for port in service} == {
        ("http", 8080, "http"),
        ("metrics", 9090, "metrics"),
    }


def test_the_pod_meets_the_restricted_pod_security_standard(environment: str) -> None:
    security = container(environment)["securityContext"]

    assert pod(environment)["securityContext"]["runAsNonRoot"] is True
    assert pod(environment)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["readOnlyRootFilesystem"] is True
    assert pod(environment)["automountServiceAccountToken"] is False
    assert all(set(volume) <= {"name", "emptyDir"} for volume in pod(environment)["volumes"])


def test_probes_and_resources_are_set(environment: str) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(environment)[probe]["httpGet"] == {"path": "/health", "port": "http"}
    resources = container(environment)["resources"]
    assert mebibytes(resources["requests"]["memory"]) >= 45
    assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory", "ephemeral-storage"}


def test_an_update_never_takes_a_pod_away_before_its_successor_is_ready(environment: str) -> None:
    assert one(environment, "Deployment")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_a_drain_is_never_blocked_and_never_takes_more_than_one_pod(environment: str) -> None:
    budget = one(environment, "PodDisruptionBudget")["spec"]

    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


def test_selectors_find_the_pods_and_do_not_change_with_the_environment(environment: str) -> None:
    labels = one(environment, "Deployment")["spec"]["template"]["metadata"]["labels"]
    chosen = {"app.kubernetes.io/name": "app1"}

    assert chosen.items() <= labels.items()
    assert one(environment, "Deployment")["spec"]["selector"]["matchLabels"] == chosen
    assert one(environment, "Service")["spec"]["selector"] == chosen
    assert one(environment, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == chosen
    assert one(environment, "NetworkPolicy", "app1")["spec"]["podSelector"]["matchLabels"] == chosen


def test_traffic_is_denied_by_default_and_allowed_from_the_ingress_to_http_only(environment: str) -> None:
    deny = one(environment, "NetworkPolicy", "default-deny")["spec"]
    allow = one(environment, "NetworkPolicy", "app1")["spec"]

    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    sources = {
        rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]: rule["ports"][0]["port"]
        for rule in allow["ingress"]
    }
    assert sources == {"ingress": "http", "monitoring": "metrics"}
    assert {port["port"] for rule in allow["egress"] for port in rule["ports"]} == {53}


def test_an_overlay_holds_differences_only(environment: str) -> None:
    folder = APP / "k8s" / "overlays" / environment
    overlay = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))

    assert [path.name for path in folder.iterdir()] == ["kustomization.yaml"]
    assert set(overlay) <= {
        "apiVersion",
        "kind",
        "namespace",
        "resources",
        "labels",
        "configMapGenerator",
        "replicas",
        "images",
        "patches",
    }
    assert overlay["resources"] == ["../../base"]
