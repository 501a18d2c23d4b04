"""SARIF 2.1.0 as its readers want it: the rules of the standard that a report can break."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slipway.checks import Outcome, Place
from slipway.reports import render
from slipway.reports.sarif import _artifact

# What the standard's schema allows in each object that we write: no other key may be there.
ALLOWED = {
    "log": {"$schema", "version", "runs"},
    "run": {"tool", "columnKind", "invocations", "results", "properties"},
    "driver": {"name", "semanticVersion", "rules"},
    "rule": {
        "id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties",
    },
    "result": {
        "ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "suppressions", "properties",
    },
    "location": {"physicalLocation", "logicalLocations"},
    "physicalLocation": {"artifactLocation", "region"},
    "artifactLocation": {"uri", "uriBaseId"},
    "logicalLocation": {"name", "fullyQualifiedName", "kind"},
    "suppression": {"kind", "status", "justification"},
    "invocation": {"executionSuccessful", "toolExecutionNotifications"},
    "notification": {"level", "message", "associatedRule"},
}  # fmt: skip
LEVELS = {"none", "note", "warning", "error"}


def run_of(outcome: Outcome) -> dict[str, Any]:
    log = json.loads(render(outcome, "sarif"))
    assert set(log) == ALLOWED["log"]
    assert log["version"] == "2.1.0"
    assert urlsplit(log["$schema"]).scheme == "https"
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def check_message(message: Any) -> None:
    assert set(message) <= {"text", "markdown"}
    assert message["text"]
    assert isinstance(message["text"], str)


def check_location(location: dict[str, Any]) -> None:
    assert set(location) <= ALLOWED["location"]
    for logical in location["logicalLocations"]:
        assert set(logical) <= ALLOWED["logicalLocation"]
        assert all(isinstance(value, str) for value in logical.values())
    if (physical := location.get("physicalLocation")) is not None:
        assert set(physical) == ALLOWED["physicalLocation"]
        assert set(physical["artifactLocation"]) <= ALLOWED["artifactLocation"]
        assert re.fullmatch(r"[A-Za-z0-9._~:/%!$&'()*+,;=@-]+", physical["artifactLocation"]["uri"])
        assert set(physical["region"]) == {"startLine"}
        assert physical["region"]["startLine"] >= 1


@pytest.fixture(params=["outcome", "clean", "hostile"])
def run(request: pytest.FixtureRequest) -> dict[str, Any]:
    return run_of(request.getfixturevalue(request.param))


def test_the_run_has_the_form_of_the_standard(run: dict[str, Any]) -> None:
    assert set(run) <= ALLOWED["run"]
    driver = run["tool"]["driver"]
    assert set(driver) <= ALLOWED["driver"]
    assert re.fullmatch(r"\d+\.\d+\.\d+|0", driver["semanticVersion"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    (invocation,) = run["invocations"]
    assert set(invocation) == ALLOWED["invocation"]
    for notification in invocation["toolExecutionNotifications"]:
        assert set(notification) <= ALLOWED["notification"]
        assert notification["level"] in LEVELS
        check_message(notification["message"])
        assert driver["rules"][notification["associatedRule"]["index"]]["id"] == notification["associatedRule"]["id"]


def test_each_rule_is_described_once(run: dict[str, Any]) -> None:
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) == ALLOWED["rule"]
        for text in ("shortDescription", "fullDescription", "help"):
            check_message(rule[text])
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert 0.0 <= float(rule["properties"]["security-severity"]) <= 10.0
        tags = rule["properties"]["tags"]
        assert len(set(tags)) == len(tags)


def test_each_result_has_a_rule_a_place_and_a_fingerprint(run: dict[str, Any]) -> None:
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert set(result) == ALLOWED["result"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS
        check_message(result["message"])
        assert len(result["locations"]) == 1
        check_location(result["locations"][0])
        assert result["partialFingerprints"]
        assert all(isinstance(value, str) for value in result["partialFingerprints"].values())


def test_once_one_result_says_whether_it_is_suppressed_all_do(run: dict[str, Any]) -> None:
    for result in run["results"]:
        for suppression in result["suppressions"]:
            assert set(suppression) == ALLOWED["suppression"]
            assert suppression["kind"] in ("inSource", "external")
            assert suppression["status"] == "accepted"


def test_severities_become_levels(outcome: Outcome) -> None:
    levels = {(result["properties"]["severity"], result["level"]) for result in run_of(outcome)["results"]}

    assert levels == {
        ("critical", "error"),
        ("high", "error"),
        ("medium", "warning"),
        ("low", "note"),
        ("advisory", "note"),
    }


def test_fingerprints_tell_findings_apart_and_do_not_know_lines(outcome: Outcome) -> None:
    results = run_of(outcome)["results"]
    prints = [result["partialFingerprints"]["slipwayFinding/v1"] for result in results]

    assert len(set(prints)) == len(prints)
    moved = outcome.sets[0].report.findings
    for number, finding in enumerate(moved):
        moved[number] = replace(finding, source=Place(finding.file, 99))
    again = run_of(outcome)["results"]
    assert again[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 99
    assert [result["partialFingerprints"]["slipwayFinding/v1"] for result in again] == prints


def test_a_file_has_its_uri_and_what_kustomize_made_its_kustomization(outcome: Outcome) -> None:
    assert _artifact("apps/a b/ü.yaml") == {"uri": "apps/a%20b/%C3%BC.yaml", "uriBaseId": "%SRCROOT%"}
    assert _artifact("/srv/x.yaml") == {"uri": "file:///srv/x.yaml"}
    assert _artifact("a/../b.yaml") == {"uri": "b.yaml", "uriBaseId": "%SRCROOT%"}
    assert _artifact("a/../../b.yaml") == {"uri": (Path.cwd().parent / "b.yaml").as_uri()}
    uris = {
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in run_of(outcome)["results"]
        for location in result["locations"]
    }
    assert uris == {"apps/shop/k8s/web.yaml", "apps/shop/k8s/extra/bad.yaml"}


def test_an_exemption_is_a_suppression_with_its_reason(outcome: Outcome) -> None:
    (suppressed,) = [result for result in run_of(outcome)["results"] if result["suppressions"]]

    assert suppressed["ruleId"] == "host-network"
    assert suppressed["suppressions"][0]["justification"] == "the agent needs it, until 2026-12-31"
