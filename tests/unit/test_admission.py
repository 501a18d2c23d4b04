"""What each stack declares of admission: policies once, bindings and boundaries for its own environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from components.admission import AdmissionArgs, boundaries
from components.applications import ALLOWED_KINDS
from slipway.rules.cel import ENVIRONMENT_LABEL

Run = Callable[..., Any]

POLICY = "ValidatingAdmissionPolicy"
BINDING = "ValidatingAdmissionPolicyBinding"


def args(**changes: Any) -> AdmissionArgs:
    given: dict[str, Any] = {"environment": "prod", "install": True, "domain": "example.org", "hosts": {}}
    return AdmissionArgs(**given | changes)


def boundary(name: str, kind: str = POLICY, **changes: Any) -> dict[str, Any]:
    (found,) = (
        item for item in boundaries(args(**changes)) if (item["kind"], item["metadata"]["name"]) == (kind, name)
    )
    return dict(found["spec"])


def test_the_stack_that_installs_declares_the_librarys_policies(run: Run) -> None:
    names = {item.name for item in run("dev").of(POLICY)}
    assert {name for name in names if not name.endswith("-dev")} == {
        "slipway-objects-minor",
        "slipway-objects-serious",
        "slipway-pods-minor",
        "slipway-pods-serious",
    }


def test_a_stack_that_attaches_binds_policies_that_it_does_not_own(run: Run) -> None:
    graph = run("prod")
    assert all(item.name.endswith("-prod") for item in graph.of(POLICY))
    bound = {item.inputs["spec"]["policyName"] for item in graph.of(BINDING)}
    assert "slipway-pods-serious" in bound


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_every_binding_of_a_stack_is_about_its_own_environment(run: Run, stack: str) -> None:
    for item in run(stack).of(BINDING):
        assert item.name.endswith(f"-{stack}")
        where = item.inputs["spec"].get("matchResources")
        # That of Namespaces looks at the label itself, before and after the change.
        if not item.name.startswith("slipway-namespaces-"):
            assert where["namespaceSelector"]["matchLabels"] == {ENVIRONMENT_LABEL: stack}


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_binding_comes_after_its_policy(run: Run, stack: str) -> None:
    graph = run(stack)
    policies = {item.name: graph.urn(item) for item in graph.of(POLICY)}
    for item in graph.of(BINDING):
        name = item.inputs["spec"]["policyName"]
        if name in policies:
            assert policies[name] in graph.before(item), item.name


def test_the_label_that_binds_is_the_one_that_argo_cd_puts_on_namespaces(run: Run) -> None:
    graph = run("prod")
    (root,) = graph.of("ApplicationSet")
    labels = root.inputs["spec"]["template"]["spec"]["syncPolicy"]["managedNamespaceMetadata"]["labels"]
    assert labels[ENVIRONMENT_LABEL] == "prod"
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted", "the boundary asks for it"


def test_an_owner_is_asked_of_every_kind_that_an_application_consists_of() -> None:
    rules = boundary("slipway-owners-prod")["matchConstraints"]["resourceRules"]
    assert {entry["apiGroups"][0] for entry in rules} == {group for group, _ in ALLOWED_KINDS}
    assert len(rules) == len(ALLOWED_KINDS)


def test_an_application_is_called_like_its_namespace_as_owners_are_told_apart(run: Run) -> None:
    (root,) = run("prod").of("ApplicationSet")
    template = root.inputs["spec"]["template"]
    assert template["metadata"]["name"] == template["spec"]["destination"]["namespace"]


def test_argo_cd_notes_owners_as_an_annotation(run: Run) -> None:
    # Its default since 3.0, as long as nothing is said.
    (settings,) = (
        item.inputs["data"] for item in run("dev").objects() if item.inputs["metadata"]["name"] == "argocd-cm"
    )
    assert settings.get("application.resourceTrackingMethod", "annotation") == "annotation"


def test_host_names_are_not_checked_where_there_is_no_domain() -> None:
    assert not [item for item in boundaries(args(domain=None)) if "hosts" in item["metadata"]["name"]]


def test_boundaries_refuse_in_every_environment() -> None:
    for environment in ("dev", "staging", "prod"):
        for item in boundaries(args(environment=environment)):
            if item["kind"] == BINDING:
                assert item["spec"]["validationActions"] == ["Deny"]


def test_listed_host_names_belong_to_one_application() -> None:
    spec = boundary("slipway-hosts-prod", hosts={"shop": ["shop.example.com", "www.example.com"], "blog": ["b.org"]})
    listed = next(item["expression"] for item in spec["variables"] if item["name"] == "listed")
    assert listed == (
        "{'blog': ['b.org'], 'shop': ['shop.example.com', 'www.example.com']}[?variables.app].orValue([])"
    )


def test_the_platforms_own_host_name_is_kept_from_an_application_that_is_called_like_it(run: Run) -> None:
    hosts = run("dev").one(POLICY, "slipway-hosts-dev")
    assert "argocd.dev.localhost" in hosts.inputs["spec"]["validations"][0]["expression"]


def test_hosts_come_from_the_stacks_configuration(run: Run) -> None:
    grant = {"hosts": [{"app": "shop", "host": "shop.example.com"}]}
    hosts = run("staging", {"slipway:admission": grant}).one(POLICY, "slipway-hosts-staging")
    assert "shop.example.com" in str(hosts.inputs["spec"]["variables"])
