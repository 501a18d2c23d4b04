"""What the formula says, number by number, and that its account is enough to compute it again."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable

import pytest

from slipway.rules import (
    RULES,
    Category,
    Engine,
    Exemption,
    Finding,
    NotAssessed,
    Object,
    ObjectRef,
    Report,
    Rule,
    Severity,
    Violation,
)
from slipway.rules.exemptions import UNUSED
from slipway.score import CAP, SHARES, UNREAD, WEIGHTS, Score, score

TODAY = datetime.date(2026, 6, 1)


def a_rule(rule_id: str, severity: Severity, category: Category, check: Callable[..., Iterable[Violation]]) -> Rule:
    return Rule(rule_id, "", severity, category, "", "", ("slipway:test",), frozenset({"Service"}), check)


def named(*names: str) -> Callable[..., Iterable[Violation]]:
    """A check that fails the objects of these names, twice each."""

    def check(item: Object, context: object) -> Iterable[Violation]:
        return [Violation(("spec",), "a"), Violation(("spec",), "b")] if item["metadata"]["name"] in names else []

    return check


def unsure(item: Object, context: object) -> Iterable[Violation]:
    raise NotAssessed("cannot tell")


def services(*names: str) -> list[Object]:
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}} for name in names]


def scored(rules: Iterable[Rule], objects: list[Object], **settings: object) -> Score:
    chosen = {rule.id: rule for rule in rules}
    return score(Engine(chosen.values(), today=TODAY, **settings).run(objects), chosen)  # type: ignore[arg-type]


def test_without_findings_everything_is_100() -> None:
    result = scored([a_rule("r", Severity.CRITICAL, Category.SECURITY, named())], services("a", "b"))

    assert result.overall == 100
    assert {part.value for part in result.parts.values()} == {100}
    assert result.losses == []


@pytest.mark.parametrize(("severity", "lost"), [("critical", 10), ("high", 5), ("medium", 2), ("low", 0.75)])
def test_a_rule_loses_its_weight_times_the_share_of_objects_that_fail_it(severity: str, lost: float) -> None:
    rule = a_rule("r", Severity(severity), Category.RESOURCES, named("a"))
    result = scored([rule], services("a", "b", "c", "d"))

    assert result.parts[Category.RESOURCES].value == 100 - lost
    assert result.parts[Category.SECURITY].value == 100


def test_an_advisory_finding_costs_nothing() -> None:
    result = scored([a_rule("r", Severity.ADVISORY, Category.RESOURCES, named("a"))], services("a"))

    assert result.overall == 100
    assert result.losses == []


def test_several_findings_on_one_object_count_once() -> None:
    (loss,) = scored([a_rule("r", Severity.HIGH, Category.SECURITY, named("a", "b"))], services("a", "b", "c")).losses

    assert (loss.failing, loss.objects) == (2, 3)
    assert [ref.name for ref in loss.where] == ["a", "b"]


def test_a_part_is_never_below_zero() -> None:
    rules = [a_rule(f"r{number}", Severity.HIGH, Category.SECURITY, named("a")) for number in range(6)]
    part = scored(rules, services("a")).parts[Category.SECURITY]

    assert part.value == 0
    assert part.lost == 120


def test_the_overall_is_the_weighted_mean_of_the_parts_as_printed() -> None:
    # 100/95/95/90: a quarter of the objects fails a high rule, a quarter another, half of them a third.
    rules = [
        a_rule("s", Severity.HIGH, Category.SECURITY, named("a")),
        a_rule("p", Severity.HIGH, Category.PRODUCTION, named("b")),
        a_rule("r", Severity.HIGH, Category.RESOURCES, named("c", "d")),
    ]
    result = scored(rules, services("a", "b", "c", "d"))

    assert [result.parts[category].value for category in SHARES] == [100, 95, 95, 90]
    assert result.overall == 95.5


def test_the_shares_make_a_whole() -> None:
    assert sum(SHARES.values()) == 100
    assert set(SHARES) == set(Category)
    assert set(WEIGHTS) == set(Severity)


def test_a_standing_critical_finding_caps_the_overall() -> None:
    result = scored([a_rule("r", Severity.CRITICAL, Category.RESOURCES, named("a"))], services("a", *"bcdefghijk"))

    assert result.before_cap > 99
    assert result.overall == CAP == 59
    assert result.capped
    assert result.critical == ("r",)


def test_an_exempted_finding_costs_nothing_and_does_not_cap() -> None:
    rule = a_rule("r", Severity.CRITICAL, Category.SECURITY, named("a"))
    excuse = Exemption("r", "Service", "shop", "a", "known", datetime.date(2026, 12, 31))
    result = scored([rule], services("a"), exemptions=(excuse,))

    assert result.overall == 100
    assert not result.critical


def test_a_check_that_could_not_run_counts_as_failed() -> None:
    result = scored([a_rule("r", Severity.HIGH, Category.SCHEMA, unsure)], services("a", "b"))

    assert result.parts[Category.SCHEMA].value == 80
    assert result.losses[0].not_assessed == 2


def test_a_check_that_could_not_run_does_not_cap() -> None:
    result = scored([a_rule("r", Severity.CRITICAL, Category.SCHEMA, unsure)], services("a"))

    assert result.parts[Category.SCHEMA].value == 60
    assert result.overall == result.before_cap == 88


def test_what_could_not_be_read_leaves_no_point() -> None:
    rule = a_rule("r", Severity.LOW, Category.SCHEMA, named())
    report = Engine([rule]).run(services("a"))
    result = score(report, {"r": rule}, unread=[ObjectRef("File", "", "bad.yaml")])

    assert result.overall == 0
    assert {part.value for part in result.parts.values()} == {0}
    assert result.critical == (UNREAD,)
    assert {(loss.rule, loss.category) for loss in result.losses} == {(UNREAD, category) for category in Category}


def test_the_environment_decides_the_severity() -> None:
    strict = {"prod": Severity.HIGH}
    rule = Rule("r", "", Severity.LOW, Category.SECURITY, "", "", ("slipway:test",), frozenset({"Service"}),
                named("a"), severity_in=strict)  # fmt: skip

    assert scored([rule], services("a"), environment="dev").parts[Category.SECURITY].value == 97
    assert scored([rule], services("a"), environment="prod").parts[Category.SECURITY].value == 80


def test_an_exemption_that_excuses_nothing_costs_nothing() -> None:
    """Else the score would rise when somebody makes the fault that the exemption waits for."""
    rule = a_rule("r", Severity.LOW, Category.SECURITY, named("faulty"))
    excuse = Exemption("r", "Service", "shop", "a", "known", datetime.date(2026, 12, 31))
    chosen = {"r": rule, UNUSED: RULES[UNUSED]}
    report = Engine(chosen.values(), exemptions=(excuse,), today=TODAY).run(services("a"))

    assert [finding.rule for finding in report.standing] == [UNUSED]
    assert score(report, chosen).overall == 100


def test_two_objects_of_one_name_are_two() -> None:
    class Read:
        file = "a.yaml"

        def __init__(self, item: Object) -> None:
            self.object = item

        def line(self, path: object) -> int | None:
            return None

    rule = a_rule("r", Severity.HIGH, Category.SECURITY, named("a"))
    report = Engine([rule]).run([Read(item) for item in services("a", "a", "b", "c")])
    (loss,) = score(report, {"r": rule}).losses

    assert (loss.failing, loss.objects) == (2, 4)


def test_a_finding_of_an_unknown_rule_is_no_loss() -> None:
    """A finding about the reading itself carries a rule that the engine never asked."""
    finding = Finding("elsewhere", Severity.LOW, Category.SCHEMA, ObjectRef("File", "", "a"), (), "x")

    assert score(Report(findings=[finding]), {}).losses == []


def test_the_score_can_be_computed_again_from_its_json_alone() -> None:
    rules = [
        a_rule("one", Severity.MEDIUM, Category.SECURITY, named("a", "b")),
        a_rule("two", Severity.LOW, Category.PRODUCTION, named("c")),
        a_rule("three", Severity.CRITICAL, Category.RESOURCES, named("a")),
        a_rule("four", Severity.HIGH, Category.SCHEMA, unsure),
    ]
    given = json.loads(json.dumps(scored(rules, services(*"abcdefg")).as_dict()))

    again = {}
    for name, part in given["parts"].items():
        lost = sum(x["weight"] * x["failing"] / x["objects"] for x in given["losses"] if x["category"] == name)
        again[name] = max(0, 100 - lost)
        assert again[name] == pytest.approx(part["score"], abs=0.01)
    overall = sum(again[name] * part["share"] / 100 for name, part in given["parts"].items())
    if given["critical_rules"]:
        overall = min(overall, given["cap"])
    assert overall == pytest.approx(given["overall"], abs=0.01)
    assert given["overall"] == 59
