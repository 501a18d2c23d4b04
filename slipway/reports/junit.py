"""The report as JUnit XML, for CI servers that show test results.

A suite is one set of objects and one rule that was asked there. In it, each finding that fails the check is a failed
case; one below the failing severity is a passed case with the finding as its output; an exempted finding and a check
that could not run are skipped cases; a file that could not be read is an error. A rule that found nothing is one
passed case. The numbers of the summary are properties of the first suite.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from slipway.checks.model import Checked, Outcome
from slipway.reports.plain import visible
from slipway.reports.summary import excuse, many, place, sentence, where
from slipway.rules import Finding, Rule, Skipped
from slipway.score import UNREAD

__all__ = ["as_junit"]


def as_junit(outcome: Outcome) -> str:
    """One XML document."""
    root = ET.Element("testsuites", name="slipway")
    summary = ET.SubElement(root, "testsuite", name="slipway summary")
    _properties(outcome, summary)
    ET.SubElement(summary, "testcase", classname="slipway", name=sentence(outcome.counts()))
    for checked in outcome.sets:
        for rule, findings, skips in _by_rule(outcome, checked):
            _suite(root, outcome, checked, rule, findings, skips)
    for suite in root:
        cases = suite.findall("testcase")
        _count(suite, cases)
    _count(root, root.iter("testcase"))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _properties(outcome: Outcome, suite: ET.Element) -> None:
    properties = ET.SubElement(suite, "properties")
    counts = outcome.counts().as_dict()
    severities = counts.pop("severities")
    values = {**counts, **severities, "kubernetes": outcome.target.kubernetes}
    for checked in outcome.sets:
        values[f"score {checked.title}"] = f"{checked.score.overall:.2f}"
    for name, value in values.items():
        ET.SubElement(properties, "property", name=visible(name), value=visible(value))


def _by_rule(outcome: Outcome, checked: Checked) -> Iterable[tuple[Rule, list[Finding], list[Skipped]]]:
    findings: dict[str, list[Finding]] = {rule_id: [] for rule_id, asked in checked.report.applied.items() if asked}
    for finding in outcome.shown(checked):
        findings.setdefault(finding.rule, []).append(finding)
    skips: dict[str, list[Skipped]] = {}
    for skip in checked.report.not_assessed:
        skips.setdefault(skip.rule, []).append(skip)
    for rule_id in sorted(findings | skips):
        yield outcome.rule(rule_id), findings.get(rule_id, []), skips.get(rule_id, [])


def _suite(
    root: ET.Element,
    outcome: Outcome,
    checked: Checked,
    rule: Rule,
    findings: Sequence[Finding],
    skips: Sequence[Skipped],
) -> None:
    name = f"{visible(checked.title)}: {rule.id}"
    suite = ET.SubElement(root, "testsuite", name=name, package=rule.category.value)
    for finding in findings:
        at = where(finding)
        case = _case(suite, rule, f"{visible(finding.object)}{f' {at}' if at else ''}")
        if finding.file:
            case.set("file", visible(finding.file))
        if finding.line:
            case.set("line", str(finding.line))
        message = visible(finding.message)
        if finding.exemption is not None:
            ET.SubElement(case, "skipped", message=f"exempted: {message} ({excuse(finding.exemption)})")
        elif not outcome.fails(finding):
            ET.SubElement(case, "system-out").text = _details(finding, rule)
        else:
            tag = "error" if finding.rule == UNREAD else "failure"
            failure = ET.SubElement(case, tag, message=message, type=finding.severity.value)
            failure.text = _details(finding, rule)
    for skip in skips:
        case = _case(suite, rule, visible(skip.object))
        ET.SubElement(case, "skipped", message=f"not assessed: {visible(skip.reason)}")
    if not findings and not skips:
        _case(suite, rule, f"{rule.title} ({many(checked.report.applied[rule.id], 'object')})")


def _case(suite: ET.Element, rule: Rule, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=f"slipway.{rule.category.value}.{rule.id}", name=name)


def _details(finding: Finding, rule: Rule) -> str:
    words = [
        f"{finding.severity}: {visible(finding.message)}",
        place(finding),
        where(finding),
        rule.reason,
        rule.remedy,
    ]
    return "\n".join(word for word in words if word)


def _count(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    found = list(cases)
    element.set("tests", str(len(found)))
    for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(plural, str(sum(case.find(tag) is not None for case in found)))
