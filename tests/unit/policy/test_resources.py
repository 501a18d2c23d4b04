"""Which Pulumi resources are Kubernetes objects, and what the rules are given of them."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.policy import SECRET, objects_of
from slipway.rules import group_kind
from tests.unit.policy.conftest import UNKNOWN, deployment, resource, secret

SECRET_KIND = "kubernetes:core/v1:Secret"


def test_a_typed_object_is_given_as_the_object_and_as_the_resource() -> None:
    item, plain = objects_of(resource(deployment({"containers": []}), protect=True))
    assert group_kind(item) == "Deployment.apps"
    assert item["metadata"]["namespace"] == "shop"
    assert group_kind(plain) == "pulumi:kubernetes:apps/v1:Deployment"
    assert plain["options"] == {"protect": True}
    assert plain["props"]["spec"] == item["spec"]


def test_a_custom_resource_is_an_object() -> None:
    properties = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "shop"}}
    item, _ = objects_of(resource(properties, "kubernetes:argoproj.io/v1alpha1:AppProject"))
    assert group_kind(item) == "AppProject.argoproj.io"


@pytest.mark.parametrize(
    ("token", "properties"),
    [
        ("kubernetes:helm.sh/v3:Release", {"chart": "argo-cd", "version": "9.0.0"}),
        ("kubernetes:apps/v1:DeploymentPatch", deployment({"containers": []})),
        ("kubernetes:yaml/v2:ConfigGroup", {"yaml": "kind: Pod"}),
        ("github:index/repository:Repository", {"name": "shop", "kind": "Repository", "apiVersion": "v1"}),
        ("slipway:argocd:ArgoCD", {}),
        ("kubernetes:apps/v1:Deployment", deployment({}) | {"kind": UNKNOWN}),
        ("kubernetes:apps/v1:Deployment", deployment({}) | {"apiVersion": UNKNOWN}),
    ],
    ids=["release", "patch", "group", "another-provider", "component", "unknown-kind", "unknown-version"],
)
def test_everything_else_is_given_as_the_resource_alone(token: str, properties: dict[str, Any]) -> None:
    (only,) = objects_of(resource(properties, token))
    assert group_kind(only) == f"pulumi:{token}"


def test_the_providers_own_notes_are_no_part_of_the_object() -> None:
    item, _ = objects_of(resource(deployment({}) | {"__fieldManager": "pulumi"}))
    assert "__fieldManager" not in item


def test_a_secrets_encrypted_values_are_no_plain_text() -> None:
    properties = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "web"},
        "stringData": {"kept": secret("hunter2"), "plain": "hunter3", "later": UNKNOWN},
    }
    item, plain = objects_of(resource(properties, SECRET_KIND))
    values = dict(item["stringData"].items())
    assert values["kept"] == "<secret>"
    assert values["plain"] == "hunter3"
    assert set(values) == {"kept", "plain", "later"}
    assert plain["props"]["stringData"]["kept"] == SECRET


def test_a_secret_value_elsewhere_is_shown_as_a_secret() -> None:
    container = {"name": "web", "env": [{"name": "PASSWORD", "value": secret("hunter2")}]}
    item, _ = objects_of(resource(deployment({"containers": [container]})))
    assert item["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] == SECRET
