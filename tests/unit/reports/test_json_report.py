"""The JSON report is one text, whoever writes its parts and whatever a manifest's author put into it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from slipway.checks.model import Outcome
from slipway.reports import json_report


def _with_message(outcome: Outcome, message: str) -> Outcome:
    first, *others = outcome.sets
    finding, *rest = first.report.findings
    report = replace(first.report, findings=[replace(finding, message=message), *rest])
    return replace(outcome, sets=(replace(first, report=report), *others))


@pytest.mark.parametrize("message", ["plain", "gr\u00fcn \U0001f600 \u202e", '\x7f \x1b \\ " \n \u2028'])
def test_the_text_is_what_the_standard_library_writes(outcome: Outcome, message: str) -> None:
    outcome = _with_message(outcome, message)
    assert json_report.as_json(outcome) == json.dumps(json_report.as_dict(outcome), indent=2) + "\n"


def test_half_a_character_is_replaced(outcome: Outcome) -> None:
    assert "half \\ufffd" in json_report.as_json(_with_message(outcome, "half \ud800"))


def test_two_processes_write_what_one_writes(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = json_report.as_json(outcome)
    monkeypatch.setattr(json_report, "_WORTH_IT", 1)
    monkeypatch.setattr(json_report, "cores", lambda: 2)
    assert json_report.as_json(outcome) == alone
