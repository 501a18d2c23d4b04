"""`policies/enforcement.yaml`: what stops an update, and what a mistake in it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.policy import Level, read_enforcement
from slipway.rules import RULES, Severity
from tests.unit.policy.conftest import finds, rule

ROOT = Path(__file__).parents[3]
RULE = rule("no-limits", finds)
ADVISED = rule("no-labels", finds, severity=Severity.LOW, severity_in={"prod": Severity.CRITICAL})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    return tmp_path / "policies" / "enforcement.yaml"


def test_one_level_holds_for_every_severity(file: Path) -> None:
    file.write_text("environments: {dev: advisory, prod: mandatory}")
    found = read_enforcement(file, [RULE.id])
    assert found.level(RULE, "dev") is Level.ADVISORY
    assert found.level(RULE, "prod") is Level.MANDATORY


def test_a_severity_that_is_left_out_is_advisory(file: Path) -> None:
    file.write_text("environments: {prod: {critical: mandatory}}")
    found = read_enforcement(file, [RULE.id])
    assert found.level(RULE, "prod") is Level.ADVISORY


def test_the_severity_is_that_of_the_environment(file: Path) -> None:
    file.write_text("environments: {dev: {critical: mandatory}, prod: {critical: mandatory}}")
    found = read_enforcement(file, [ADVISED.id])
    assert found.level(ADVISED, "dev") is Level.ADVISORY
    assert found.level(ADVISED, "prod") is Level.MANDATORY


def test_a_rule_may_differ_everywhere_or_somewhere(file: Path) -> None:
    file.write_text(
        "environments: {dev: advisory, prod: mandatory}\nrules: {no-limits: disabled, no-labels: {prod: advisory}}"
    )
    found = read_enforcement(file, [RULE.id, ADVISED.id])
    assert found.level(RULE, "dev") is found.level(RULE, "prod") is Level.DISABLED
    assert found.level(ADVISED, "prod") is Level.ADVISORY
    assert found.level(ADVISED, "dev") is Level.ADVISORY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("environments: {prod: mandatry}", "`environments.prod` is 'mandatry'; did you mean 'mandatory'?"),
        (
            "environments: {prod: {hgh: mandatory}}",
            "`environments.prod` has an unknown key 'hgh'; did you mean 'high'?",
        ),
        ("environments: {prod: {high: 7}}", "`environments.prod.high` is 7"),
        ("environments: {prod: [high]}", "`environments.prod` is ['high']"),
        ("environments: prod", "`environments` is not a mapping"),
        ("enviroments: {}", "the file has an unknown key 'enviroments'; did you mean 'environments'?"),
        ("rules: {}", "`environments` says nothing about any environment"),
        ("[]", "the file is not a mapping"),
        ("", "the file is not a mapping"),
        (
            "environments: {prod: advisory}\nrules: {no-limit: advisory}",
            "an unknown key 'no-limit'; did you mean 'no-limits'?",
        ),
        (
            "environments: {prod: advisory}\nrules: {no-limits: {qa: advisory}}",
            "`rules.no-limits` has an unknown key 'qa'",
        ),
        ("environments: {prod: advisory}\nrules: [no-limits]", "`rules` is not a mapping"),
        ("environments: {", "it cannot be read"),
        ("environments: {prod: mandatory, 7: off}", "`environments.7` is False"),
    ],
)
def test_a_mistake_is_named(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_enforcement(file, [RULE.id])
    assert says in str(caught.value)
    assert str(caught.value).startswith("policies/enforcement.yaml: ")


def test_all_mistakes_are_named_at_once(file: Path) -> None:
    file.write_text("environments: {prod: mandatry}\nrules: {no-such: advisory}")
    with pytest.raises(UsageError) as caught:
        read_enforcement(file, [RULE.id])
    assert str(caught.value).count("\n  - ") == 2


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_enforcement(file, [])


def test_the_shipped_file_stops_what_is_serious_before_prod_and_nothing_in_dev() -> None:
    found = read_enforcement(ROOT / "policies" / "enforcement.yaml", RULES)
    assert set(found.environments) == {"dev", "staging", "prod"}
    assert found.level(RULE, "dev") is Level.ADVISORY
    assert found.level(RULE, "staging") is found.level(RULE, "prod") is Level.MANDATORY
    assert list(found.environments)[-1] == "prod", "where no stack is known, the strictest counts"
