"""The whole program under mocks: what each stack declares, who owns it, and through which provider."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import components

# Type tokens are part of every URN: changing one replaces what stands below it. A new component joins this table.
TOKENS = {
    "Admission": "slipway:admission:Admission",
    "Applications": "slipway:applications:Applications",
    "ArgoCD": "slipway:argocd:ArgoCD",
    "Cluster": "slipway:cluster:Cluster",
    "GitHub": "slipway:repository:GitHub",
    "Ingress": "slipway:ingress:Ingress",
    "Manifest": "slipway:manifests:Manifest",
    "Namespaces": "slipway:namespaces:Namespaces",
    "Registry": "slipway:registry:Registry",
    "Repository": "slipway:repository:Repository",
}
ROOT = Path(__file__).parents[2]
SECRET = "4dabf18193072939515e22adb298388d"
GITHUB = {"owner": "acme", "gitops": {"name": "gitops"}}
PASSWORD = {"username": "puller", "password": "not-a-secret"}

Run = Callable[..., Any]


def component_classes() -> dict[str, type]:
    modules = [
        importlib.import_module(f"components.{module.name}") for module in pkgutil.iter_modules(components.__path__)
    ]
    return {
        name: item
        for module in modules
        for name, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, pulumi.ComponentResource) and item.__module__ == module.__name__
    }


def test_every_component_class_is_in_the_table() -> None:
    assert set(component_classes()) == set(TOKENS)


def test_every_component_is_declared_with_its_token(run: Run) -> None:
    everything = run(values={"slipway:github": GITHUB}).resources.values()
    declared = {item.type for item in everything if item.type.startswith("slipway:")}
    assert declared == set(TOKENS.values())


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_components_arguments_are_frozen(name: str) -> None:
    arguments = getattr(components, f"{name}Args")
    assert arguments.__dataclass_params__.frozen


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_resource_has_a_component_for_its_parent(run: Run, stack: str) -> None:
    graph = run(stack)
    for urn, item in graph.resources.items():
        if item.type.startswith("slipway:") and "pulumi:pulumi:Stack" in item.parent:
            continue
        assert graph.resources[item.parent].type in TOKENS.values(), urn


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_object_goes_through_the_clusters_provider(run: Run, stack: str) -> None:
    graph = run(stack)
    (provider,) = graph.of("kubernetes")
    assert graph.objects()
    for item in graph.objects():
        assert item.provider.startswith(f"{graph.urn(provider)}::"), item.name


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_object_says_its_name_and_namespace(run: Run, stack: str) -> None:
    unplaced = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "GatewayClass", "Namespace"}
    unplaced |= {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
    for item in run(stack).objects():
        metadata = item.inputs["metadata"]
        assert metadata["name"], item.name
        assert ("namespace" in metadata) == (item.type.split(":")[-1] not in unplaced), item.name


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_component_registers_its_outputs(run: Run, stack: str) -> None:
    graph = run(stack)
    for urn, item in graph.resources.items():
        if item.type.startswith("slipway:"):
            assert graph.outputs[urn], f"{item.name} never finishes"


def test_a_stack_that_attaches_declares_its_delivery_and_its_boundaries_and_nothing_else(run: Run) -> None:
    kinds = sorted((item.type.split(":")[-1], item.name) for item in run("staging").objects())
    assert kinds == [
        ("AppProject", "slipway-staging"),
        ("ApplicationSet", "root-staging"),
        ("Secret", "gitops-staging"),
        ("ValidatingAdmissionPolicy", "slipway-hosts-staging"),
        ("ValidatingAdmissionPolicy", "slipway-namespaces-staging"),
        ("ValidatingAdmissionPolicy", "slipway-owners-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-hosts-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-namespaces-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-objects-minor-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-objects-serious-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-owners-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-pods-minor-staging"),
        ("ValidatingAdmissionPolicyBinding", "slipway-pods-serious-staging"),
    ]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_each_environment_has_exactly_one_root_and_it_finds_applications_by_itself(run: Run, stack: str) -> None:
    (root,) = run(stack).of("ApplicationSet")
    assert root.inputs["metadata"] == {"name": f"root-{stack}", "namespace": "argocd"}
    (generator,) = root.inputs["spec"]["generators"]
    assert generator["git"]["directories"] == [{"path": f"apps/*/k8s/overlays/{stack}"}]


def test_two_environments_on_one_cluster_own_no_object_together(run: Run) -> None:
    def identities(stack: str) -> set[tuple[str, str]]:
        return {
            (item.type, json.dumps([item.inputs["metadata"].get("namespace"), item.inputs["metadata"]["name"]]))
            for item in run(stack).objects()
        }

    dev, staging, prod = identities("dev"), identities("staging"), identities("prod")
    assert dev.isdisjoint(staging | prod)
    assert staging.isdisjoint(prod)


def test_only_dev_syncs_by_itself(run: Run) -> None:
    for stack in ("dev", "staging", "prod"):
        (root,) = run(stack).of("ApplicationSet")
        policy = root.inputs["spec"]["template"]["spec"]["syncPolicy"]
        if stack == "dev":
            assert policy["automated"] == {"prune": True, "selfHeal": True}
        else:
            assert "automated" not in policy


def test_no_application_is_delivered_before_its_policies_act(run: Run) -> None:
    for stack in ("dev", "staging", "prod"):
        graph = run(stack)
        before = graph.before(graph.one("ApplicationSet", f"root-{stack}"))
        for binding in graph.of("ValidatingAdmissionPolicyBinding"):
            assert graph.urn(binding) in before, binding.name


def test_admission_can_be_left_to_others(run: Run) -> None:
    graph = run("dev", {"slipway:admission": {"enabled": False}})
    assert not graph.of("ValidatingAdmissionPolicyBinding")


def test_workloads_wait_for_their_settings_and_roots_for_argo_cd(run: Run) -> None:
    graph = run()
    server = graph.one("Deployment", "argocd/argocd-server")
    settings = graph.urn(graph.one("ConfigMap", "argocd/argocd-cmd-params-cm"))
    assert settings in graph.before(server)
    root = graph.one("ApplicationSet", "root-dev")
    assert graph.urn(server) in graph.before(root), "destroying would remove Argo CD before its Applications"
    assert graph.urn(graph.one("CustomResourceDefinition", "applicationsets.argoproj.io")) in graph.before(root)


def test_routes_wait_for_the_gateways_kinds(run: Run) -> None:
    graph = run()
    kind = graph.urn(graph.one("CustomResourceDefinition", "httproutes.gateway.networking.k8s.io"))
    assert kind in graph.before(graph.one("HTTPRoute", "argocd-server"))
    assert kind in graph.before(graph.one("Deployment", "traefik"))


def test_the_provider_is_not_replaced_when_a_kubeconfig_changes(run: Run) -> None:
    (provider,) = run().of("kubernetes")
    assert provider.inputs["clusterIdentifier"] == "slipway-sandbox"


def test_without_a_cluster_the_provider_is_led_nowhere(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/somebody/.kube/config")
    (provider,) = run().of("kubernetes")
    assert "https://127.0.0.1:1" in provider.inputs["kubeconfig"], "a preview would ask whatever cluster is around"


def test_passwords_are_secrets_to_the_engine(run: Run) -> None:
    graph = run(values={"slipway:registry": PASSWORD})
    for name in ("gitops-dev", "registry-pull"):
        assert SECRET in json.dumps(graph.one("Secret", name).inputs), name
    assert SECRET in json.dumps(graph.one("Secret", "argocd/argocd-secret").inputs)


def test_no_role_of_ours_says_everything(run: Run) -> None:
    for role in run().of("ClusterRole"):
        if role.name.startswith("slipway"):
            assert "*" not in json.dumps(role.inputs["rules"])


def test_a_mistake_in_the_configuration_ends_the_program_with_its_text_alone(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"Pulumi\.dev\.yaml: `slipway:platform` is 'instal'"):
        run(values={"slipway:platform": "instal"})


def test_an_update_without_a_cluster_is_refused(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match="slipway sandbox up"):
        run(preview=False)


def test_a_missing_mirror_ends_the_program_with_its_remedy(run: Run, tmp_path: Path) -> None:
    with pytest.raises(pulumi.RunError, match=r"the mirror has no gateway-api v1\.6\.1"):
        run(values={"slipway:sources": {"mode": "mirror", "location": str(tmp_path / "nowhere")}})


def test_the_program_stays_a_table_of_contents() -> None:
    source = (ROOT / "__main__.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 60
    assert not re.search(r"kubernetes|metadata|spec", source)
