"""Admission policies out of rules: what is generated, and for whom. What they do is tested on a real API server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from slipway.rules import RULES, Object, Rule, Severity
from slipway.rules.cel import ENVIRONMENT_LABEL, ENVIRONMENTS, bindings, policies
from slipway.rules.pods import POD_KINDS
from tests.unit.policy.conftest import finds, rule

PODS = tuple(sorted(POD_KINDS))


def made(*rules: Rule) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in policies(rules)}


def expression(policy: Object) -> str:
    (validation,) = policy["spec"]["validations"]
    return str(validation["expression"])


def test_serious_and_minor_rules_are_in_policies_of_their_own() -> None:
    found = made(
        rule("bad", finds, *PODS, cel="true"),
        rule("untidy", finds, *PODS, cel="true", severity=Severity.LOW),
        rule("exposed", finds, "Service", cel="true"),
        rule("silent", finds, "Service"),
    )
    assert list(found) == ["slipway-objects-serious", "slipway-pods-minor", "slipway-pods-serious"]


def test_a_message_begins_with_the_rule_and_is_one_line() -> None:
    (policy,) = made(rule("bad", finds, "Service", cel="true", remedy="Mend\n  it.", reason="It breaks.")).values()
    assert policy["spec"]["validations"][0]["message"] == "[bad] Mend it. It breaks."


def test_a_rule_is_asked_about_its_own_kinds_only() -> None:
    found = made(rule("bad", finds, "Service", cel="object.a"), rule("all", finds, *PODS, cel="variables.spec.a"))
    assert "!(object.kind in ['Service']) || (variables.object.a)" in expression(found["slipway-objects-serious"])
    assert "object.kind" not in expression(found["slipway-pods-serious"])


def test_an_expression_reads_the_object_without_its_type() -> None:
    (policy,) = made(
        rule("bad", finds, "Service", cel="has(object.spec) && oldObject == null && object['a'].object.b == 'object.c'")
    ).values()
    assert expression(policy).endswith(
        "(has(variables.object.spec) && oldObject == null && variables.object['a'].object.b == 'object.c')"
    )


def test_every_rule_can_be_exempted() -> None:
    (policy,) = made(rule("bad", finds, "Service", cel="true")).values()
    assert expression(policy).startswith("'exempt.slipway.dev/bad' in variables.exempt || ")


def test_a_rule_that_one_environment_does_not_have_is_not_asked_there() -> None:
    (policy,) = made(rule("bad", finds, *PODS, cel="true", environments=("prod",))).values()
    assert "variables.environment in ['dev', 'staging'] || " in expression(policy)


def test_a_rule_that_is_serious_in_one_environment_only_is_in_both_policies() -> None:
    found = made(rule("bad", finds, *PODS, cel="true", severity=Severity.LOW, severity_in={"prod": Severity.HIGH}))
    # dev refuses nothing, so it takes prod's classes.
    assert "variables.environment in ['', 'staging'] || " in expression(found["slipway-pods-serious"])
    assert "variables.environment in ['dev', 'prod'] || " in expression(found["slipway-pods-minor"])


def test_a_debugging_container_is_seen_too() -> None:
    (policy,) = made(rule("bad", finds, *PODS, cel="true")).values()
    resources = [name for entry in policy["spec"]["matchConstraints"]["resourceRules"] for name in entry["resources"]]
    assert {"pods", "pods/ephemeralcontainers", "pods/resize"} <= set(resources)


def test_a_namespace_is_seen_through_every_door_that_changes_its_labels() -> None:
    found = policies([rule("bad", finds, "Namespace", cel="true")])
    (binding,) = bindings(found, "prod")
    doors = ["namespaces", "namespaces/status", "namespaces/finalize"]
    (entry,) = found[0]["spec"]["matchConstraints"]["resourceRules"]
    assert entry["resources"] == doors
    assert doors in [entry["resources"] for entry in binding["spec"]["matchResources"]["resourceRules"]]


def test_a_policy_that_cannot_be_evaluated_refuses() -> None:
    (policy,) = made(rule("bad", finds, "Service", cel="true")).values()
    assert policy["spec"]["failurePolicy"] == "Fail"


def test_a_kind_without_a_known_resource_is_an_error_and_no_gap() -> None:
    with pytest.raises(ValueError, match="rule bad: no resource is known for Teapot"):
        policies([rule("bad", finds, "Teapot", "Service", cel="true")])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_binding_is_about_the_environments_namespaces_and_no_cluster_scoped_object(environment: str) -> None:
    (policy,) = policies([rule("bad", finds, "Service", cel="true")])
    (binding,) = bindings([policy], environment)
    where: dict[str, Any] = binding["spec"]["matchResources"]
    assert where["namespaceSelector"] == {"matchLabels": {ENVIRONMENT_LABEL: environment}}
    cluster_scoped = [entry["resources"] for entry in where["resourceRules"] if entry["scope"] != "Namespaced"]
    assert {name.partition("/")[0] for names in cluster_scoped for name in names} == {"namespaces"}
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]


@pytest.mark.parametrize(
    ("environment", "severity", "actions"),
    [
        ("dev", Severity.CRITICAL, ["Warn", "Audit"]),
        ("dev", Severity.LOW, ["Warn", "Audit"]),
        ("staging", Severity.HIGH, ["Deny"]),
        ("prod", Severity.CRITICAL, ["Deny"]),
        ("prod", Severity.MEDIUM, ["Warn", "Audit"]),
    ],
)
def test_only_a_serious_fault_is_refused_and_not_in_dev(
    environment: str, severity: Severity, actions: list[str]
) -> None:
    (binding,) = bindings(policies([rule("bad", finds, "Service", cel="true", severity=severity)]), environment)
    assert binding["spec"]["validationActions"] == actions


def test_the_library_makes_four_policies() -> None:
    found = policies(RULES.values())
    names = [item["metadata"]["name"] for item in found]
    assert names == ["slipway-objects-minor", "slipway-objects-serious", "slipway-pods-minor", "slipway-pods-serious"]
    told = " ".join(validation["message"] for item in found for validation in item["spec"]["validations"])
    assert set(re.findall(r"\[([a-z0-9-]+)\]", told)) >= {rule.id for rule in RULES.values() if rule.cel}
