"""The report as JSON, for programs. Its form is described in docs/rules.md; `schema` counts its versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from slipway.checks.model import Checked, Outcome
from slipway.forks import cores, shared
from slipway.reports.plain import sound
from slipway.reports.summary import version
from slipway.rules import Finding, ObjectRef, format_path

__all__ = ["as_dict", "as_json"]

SCHEMA = 1
Listed = Callable[[Sequence[Finding]], object]
_WORTH_IT = 5_000
"""From so many findings on: most of the time goes into finding their lines, which two processes can do."""
_DEPTH = 6
"""Spaces before the bracket that closes a set's findings."""
_BEYOND = re.compile("[\x7f-\U0010ffff]")
_path = lru_cache(maxsize=1024)(format_path)


def as_json(outcome: Outcome) -> str:
    """One document. Every character beyond ASCII is escaped, so no terminal reads anything into it."""
    # Fifteen times as fast as the standard library, and the same text, but it cannot escape what is beyond ASCII.
    try:
        written = orjson.dumps(_report(outcome, _written), option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        # Half a character, or a key that is no text.
        written = orjson.dumps(_sound(as_dict(outcome)), option=orjson.OPT_INDENT_2).decode()
    if not written.isascii() or "\x7f" in written:
        written = _BEYOND.sub(_escaped, written)
    return written + "\n"


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def _written(findings: Sequence[Finding]) -> orjson.Fragment | list[object]:
    """The findings as text, at their place in the report."""
    if not findings:
        return []

    def write(mine: range) -> bytes:
        data = [_finding(finding) for finding in findings[mine.start : mine.stop]]
        return orjson.dumps(data, option=orjson.OPT_INDENT_2)[len(b"[\n") : -len(b"\n]")]

    parts = shared(write, len(findings), cores() if len(findings) >= _WORTH_IT else 1)
    text = b"[\n" + b",\n".join(parts) + b"\n]"
    # Strings hold no line break that is not escaped.
    return orjson.Fragment(text.replace(b"\n", b"\n" + b" " * _DEPTH))


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The report as plain data."""
    return _report(outcome, lambda findings: [_finding(finding) for finding in findings])


def _report(outcome: Outcome, listed: Listed) -> dict[str, Any]:
    target = outcome.target
    return {
        "schema": SCHEMA,
        "tool": {"name": "slipway", "version": version()},
        "kubernetes": target.kubernetes,
        "date": target.today.isoformat(),
        "fail_on": target.fail_on.value if target.fail_on else None,
        "listed_from": target.show.value,
        "rules_chosen": target.chosen,
        "passed": outcome.passed,
        "minimums": dict(target.minimums),
        "missed": outcome.missed,
        "counts": outcome.counts().as_dict(),
        "not_listed": outcome.hidden,
        "least": outcome.worst(),
        "sets": [_set(outcome, checked, listed) for checked in outcome.sets],
        "rules": {
            rule.id: {
                "title": rule.title,
                "severity": rule.severity.value,
                "category": rule.category.value,
                "reason": rule.reason,
                "remedy": rule.remedy,
                "sources": list(rule.sources),
            }
            for rule in outcome.mentioned().values()
        },
    }


def _set(outcome: Outcome, checked: Checked, listed: Listed) -> dict[str, Any]:
    return {
        "name": checked.name,
        "environment": checked.environment,
        "complete": checked.complete,
        "counts": outcome.counts([checked]).as_dict(),
        "score": checked.score.as_dict(),
        "asked": dict(sorted(checked.report.applied.items())),
        "findings": listed(outcome.shown(checked)),
        "not_assessed": [
            {"rule": skip.rule, "object": _object(skip.object), "reason": skip.reason}
            for skip in checked.report.not_assessed
        ],
        "skipped_files": list(checked.skipped),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    exemption = finding.exemption
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "category": finding.category.value,
        "object": _object(finding.object),
        "path": _path(finding.path),
        "message": finding.message,
        "file": finding.file or None,
        "line": finding.line,
        "exempted": None
        if exemption is None
        else {
            "reason": exemption.reason,
            "until": exemption.until.isoformat(),
            "file": exemption.file or None,
        },
    }


def _object(reference: ObjectRef) -> dict[str, str]:
    return {"kind": reference.kind, "namespace": reference.namespace, "name": reference.name}


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, dict):
        return {sound(str(key)): _sound(item) for key, item in value.items()}
    return [_sound(item) for item in value] if isinstance(value, list) else value
