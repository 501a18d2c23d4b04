"""Every rule against its fixtures, and against the loss of its own code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from slipway.rules import RULES, Engine, Rule, format_path
from slipway.rules.cases import FIXTURES, Case, cases, failures, good_application
from slipway.rules.registry import REGISTERED

EVERY_CASE = [case for rule_id in RULES for case in cases(rule_id)]


def _name(case: Case) -> str:
    return f"{case.rule}-{'pass' if case.passes else 'fail'}-{case.why.replace(' ', '-')}"


@pytest.fixture
def schemas() -> object:
    from slipway.schema import Schemas

    return Schemas()


@pytest.mark.parametrize("environment", ["", "dev", "staging", "prod"])
def test_the_good_application_passes_every_rule(environment: str) -> None:
    rules = [rule for rule in RULES.values() if not rule.id.startswith("schema-")]
    report = Engine(rules, environment=environment, strict=True).run(good_application())
    assert [f"{f.rule}: {f.object} {format_path(f.path)}: {f.message}" for f in report.findings] == []


@pytest.mark.parametrize("case", [case for case in EVERY_CASE if not case.rule.startswith("schema-")], ids=_name)
def test_a_rule_says_what_its_fixture_expects(case: Case) -> None:
    assert failures(case) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_each_rule_has_a_failing_and_a_passing_fixture(rule: Rule) -> None:
    verdicts = {case.passes for case in cases(rule.id)}
    assert verdicts == {True, False}


def test_each_fixture_belongs_to_a_rule() -> None:
    assert {file.stem for file in FIXTURES.glob("[!_]*.yaml")} <= set(RULES)


@pytest.fixture
def without_code(request: pytest.FixtureRequest) -> Iterator[Rule]:
    rule: Rule = request.param
    REGISTERED[rule.id] = replace(rule, check=lambda subject, context: ())
    yield rule
    REGISTERED[rule.id] = rule


@pytest.mark.parametrize(
    "without_code",
    [rule for rule in RULES.values() if not rule.id.startswith("schema-")],
    ids=lambda rule: rule.id,
    indirect=True,
)
def test_a_rule_without_its_code_fails_its_fixtures(without_code: Rule) -> None:
    lost = [case for case in cases(without_code.id) if not case.passes and not failures(case)]
    assert lost == [], "these failing cases do not notice that the rule's code is gone"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_explains_itself(rule: Rule) -> None:
    assert rule.title
    assert rule.reason.endswith(".")
    assert rule.remedy.endswith(".")
    assert all(":" in source for source in rule.sources)
