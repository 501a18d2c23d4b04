"""The comment: one golden file per case, and beside it what must hold whatever its words are."""

from __future__ import annotations

import re

import pytest

from slipway.preview import MARKER, comment, read_digest
from tests.unit.preview.cases import CASES, GOLDEN, digest, result, step


@pytest.mark.parametrize("case", CASES)
def test_the_comment_is_as_agreed(case: str) -> None:
    assert CASES[case]() == (GOLDEN / f"{case}.md").read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_comment_starts_with_its_marker(case: str) -> None:
    assert CASES[case]().startswith(f"{MARKER}\n")


def test_the_same_previews_in_another_order_of_steps_give_the_same_comment() -> None:
    steps = [step("create", "a:b:C", name) for name in "xyz"]
    times = ({"duration": 1}, {"duration": 2})

    assert comment([read_digest(digest(steps, **times[0]))]) == comment([read_digest(digest(steps[::-1], **times[1]))])


@pytest.mark.parametrize("name", ["updated", "policy-mandatory"])
def test_no_value_is_shown_whether_secret_or_not(name: str) -> None:
    body, _ = comment([result(name, policies=name.startswith("policy"))])

    for value in ("hunter2", "[secret]", "debug"):
        assert value not in body
    assert "data.LOG_LEVEL" in body


@pytest.mark.parametrize("case", ["program-failed", "preview-cancelled", "preview-cut-short", "policy-pack-broken"])
def test_a_failed_preview_claims_nothing(case: str) -> None:
    body = CASES[case]()

    assert "> [!CAUTION]" in body
    assert "**not known**" in body
    assert "| ? | ? | ? | ? | ? | not known |" in body
    assert "✅" not in body
    assert "No stack changes" not in body


@pytest.mark.parametrize("case", ["delete-in-prod", "replace-in-prod", "protected-delete-in-prod"])
def test_what_prod_would_lose_stands_above_everything_else(case: str) -> None:
    body = CASES[case]()

    assert body.index("> [!WARNING]\n> **prod** would lose:") < body.index("| stack |")
    assert "<details>" not in body[: body.index("| stack |")]


def test_a_deletion_elsewhere_is_no_alarm_unless_protected() -> None:
    plain = digest([step("delete", "a:b:C", "x")])
    protected = digest([step("delete", "a:b:C", "x", oldState={"type": "a:b:C", "protect": True})])

    assert "[!WARNING]" not in comment([read_digest(plain)])[0]
    assert "**protected**" in comment([read_digest(protected)])[0]


def test_without_the_event_log_nothing_is_said_to_pass() -> None:
    assert "not checked" in comment([result("updated")])[0]
    assert "no violation" not in comment([result("updated")])[0]


def test_a_pack_that_did_not_run_is_no_pass() -> None:
    body, _ = comment([result("policy-pack-broken", "dev", policies=True)])

    assert "no violation" not in body


def test_each_stack_has_one_row() -> None:
    rows = re.findall(r"^\| [✅❌] \| \*\*(\w+)\*\* \|", CASES["several-stacks"](), re.MULTILINE)

    assert rows == ["dev", "staging", "prod"]
