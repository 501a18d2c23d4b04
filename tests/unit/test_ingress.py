"""Traefik gets the kinds and rights that its Gateway provider uses, and a pod that the strictest standard admits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.errors import ProgramError
from components.ingress import KINDS, needed_kinds, role_rules
from components.manifests import Object

Run = Callable[..., Any]


def test_only_the_kinds_that_traefik_watches_are_installed(gateway_api_objects: list[Object]) -> None:
    names = [item["metadata"]["name"].split(".")[0] for item in needed_kinds(gateway_api_objects)]
    assert sorted(names) == sorted(KINDS)


def test_a_release_that_lacks_a_kind_is_refused(gateway_api_objects: list[Object]) -> None:
    rest = [item for item in gateway_api_objects if not item["metadata"]["name"].startswith("httproutes")]
    with pytest.raises(ProgramError, match="httproutes"):
        needed_kinds(rest)


def test_the_role_writes_nothing_but_status() -> None:
    for rule in role_rules():
        writes = set(rule["verbs"]) - {"get", "list", "watch"}
        assert not writes or all(resource.endswith("/status") for resource in rule["resources"])
        assert "*" not in [*rule["verbs"], *rule["resources"], *rule["api_groups"]]


def test_the_pod_is_restricted_limited_and_probed(run: Run) -> None:
    pod = run().one("Deployment", "traefik").inputs["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/ping"
    assert container["livenessProbe"]["httpGet"]["path"] == "/ping"


def test_the_listener_has_the_number_of_traefiks_entry_point(run: Run) -> None:
    graph = run()
    (listener,) = graph.one("Gateway", "slipway").inputs["spec"]["listeners"]
    (container,) = graph.one("Deployment", "traefik").inputs["spec"]["template"]["spec"]["containers"]
    assert f"--entrypoints.web.address=:{int(listener['port'])}" in container["args"]


def test_traefik_tells_nobody_and_shows_no_dashboard(run: Run) -> None:
    (container,) = run().one("Deployment", "traefik").inputs["spec"]["template"]["spec"]["containers"]
    assert {"--global.checknewversion=false", "--global.sendanonymoususage=false", "--api=false"} <= set(
        container["args"]
    )


def test_routes_attach_only_from_labelled_namespaces(run: Run) -> None:
    graph = run()
    (listener,) = graph.one("Gateway", "slipway").inputs["spec"]["listeners"]
    assert listener["allowedRoutes"]["namespaces"]["selector"] == {"matchLabels": {"slipway.dev/ingress": "true"}}
    labels = graph.one("Namespace", "argocd").inputs["metadata"]["labels"]
    assert labels["slipway.dev/ingress"] == "true"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_sandbox_is_reached_by_a_fixed_port_and_other_clusters_by_a_load_balancer(run: Run) -> None:
    service = run().one("Service", "traefik").inputs["spec"]
    assert service["type"] == "NodePort"
    assert [port["nodePort"] for port in service["ports"]] == [30080]
    other = run(values={"slipway:ingress": {"service": "LoadBalancer"}}).one("Service", "traefik").inputs["spec"]
    assert other["type"] == "LoadBalancer"
    assert "nodePort" not in other["ports"][0]
