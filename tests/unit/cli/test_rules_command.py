"""`slipway rules`: list, show, test."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from slipway.cli import main
from slipway.rules import RULES
from slipway.rules.registry import REGISTERED

RULE = "memory-limit-missing"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["rules", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_every_rule_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, shown, _ = said(capsys, "list")

    assert status == 0
    assert {rule_id for rule_id in RULES if rule_id in shown} == set(RULES)
    assert shown.rstrip().endswith(f"{len(RULES)} rules")


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (["--category", "resources"], "category", "resources"),
        (["--severity", "critical"], "severity", "critical"),
    ],
)
def test_the_list_can_be_narrowed(words: list[str], key: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    rules = json.loads(said(capsys, "list", "--json", *words)[1])

    assert 0 < len(rules) < len(RULES)
    assert {rule[key] for rule in rules} == {value}


@pytest.mark.parametrize("kind", ["Deployment", "deployment", "Deployment.apps"])
def test_rules_about_a_kind_are_found_by_any_of_its_names(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    rules = json.loads(said(capsys, "list", "--json", "--kind", kind)[1])

    assert RULE in {rule["id"] for rule in rules}
    assert all("Deployment.apps" in rule["kinds"] for rule in rules)


def test_rules_of_a_gate_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    admission = json.loads(said(capsys, "list", "--json", "--gate", "admission")[1])
    files = json.loads(said(capsys, "list", "--json", "--gate", "files")[1])

    assert all(rule["cel"] for rule in admission)
    assert not any(all(kind.startswith("pulumi:") for kind in rule["kinds"]) for rule in files if rule["kinds"])


def test_a_choice_without_a_rule_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = said(capsys, "list", "--kind", "Unicorn")

    assert status == 1
    assert "NO_RULE" in error


def test_a_rule_is_explained_with_examples_as_a_diff(capsys: pytest.CaptureFixture[str]) -> None:
    status, shown, _ = said(capsys, "show", RULE)

    assert status == 0
    for part in (RULES[RULE].title, RULES[RULE].reason, RULES[RULE].remedy, *RULES[RULE].sources, RULES[RULE].cel):
        assert part in shown
    assert "This fails: " in shown
    assert "  -            memory: 64Mi" in shown
    assert "found at Deployment/web spec.template.spec.containers[0].resources" in shown
    assert f"exempt.slipway.dev/{RULE}" in shown


def test_a_rule_is_explained_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "show", RULE, "--json")[1])

    assert document["id"] == RULE
    assert document["failing"]["findings"]
    assert any(line.startswith("-") for line in document["failing"]["diff"])


@pytest.mark.parametrize("rule_id", [*RULES, "manifest-unreadable", "manifest-duplicate-key"])
def test_every_rule_can_be_shown(rule_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "show", rule_id)[0] == 0


@pytest.mark.parametrize("words", [["show", "memory-limit-mising"], ["test", "memory-limit-mising"]])
def test_an_unknown_rule_names_the_one_that_may_be_meant(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = said(capsys, *words)

    assert status == 2
    assert "did you mean memory-limit-missing" in error


def test_a_rules_own_examples_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    status, shown, _ = said(capsys, "test", RULE, "schema-invalid")

    assert status == 0
    assert "2 of 2 rules pass" in shown


def test_a_rule_that_misses_its_example_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(REGISTERED, RULE, replace(RULES[RULE], check=lambda pod, context: ()))
    status, shown, error = said(capsys, "test", RULE)

    assert status == 1
    assert "0 of 1 rules pass" in shown
    assert f"{RULE} found []" in error


def test_a_failure_is_json_when_json_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(REGISTERED, RULE, replace(RULES[RULE], check=lambda pod, context: ()))
    status, shown, _ = said(capsys, "test", RULE, "--json")

    assert status == 1
    assert list(json.loads(shown)["failed"]) == [RULE]
