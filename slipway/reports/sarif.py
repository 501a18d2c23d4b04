"""The report as SARIF 2.1.0, for code scanning.

Source of the form: OASIS SARIF 2.1.0 (Plus Errata 01). Exempted findings are suppressed results. A check that could
not run is a notification of the invocation.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from slipway.checks.model import Checked, Outcome
from slipway.reports.plain import visible
from slipway.reports.summary import excuse, version, where
from slipway.rules import Finding, Rule, Severity

__all__ = ["as_sarif"]

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.ADVISORY: "note",
}
# GitHub sorts by this number: over 9.0 critical, 7.0 high, 4.0 medium, below that low.
_SECURITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.ADVISORY: "0.1",
}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RENDERED = " (rendered)"


def as_sarif(outcome: Outcome) -> str:
    """One document with one run."""
    rules = outcome.mentioned()
    index = {rule_id: number for number, rule_id in enumerate(rules)}
    results = [_result(checked, finding, index) for checked in outcome.sets for finding in outcome.shown(checked)]
    notifications = [
        {
            "level": "warning",
            "message": {"text": f"not assessed on {visible(skip.object)}: {visible(skip.reason)}"},
            "associatedRule": {"id": skip.rule, "index": index[skip.rule]},
        }
        for checked in outcome.sets
        for skip in checked.report.not_assessed
    ]
    driver = {"name": "slipway", "semanticVersion": version(), "rules": [_rule(rule) for rule in rules.values()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "results": results,
        "properties": {
            "counts": outcome.counts().as_dict(),
            "kubernetes": outcome.target.kubernetes,
            "scores": {visible(checked.title): checked.score.overall for checked in outcome.sets},
        },
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.reason},
        "help": {"text": f"{rule.reason}\n{rule.remedy}", "markdown": f"{rule.reason}\n\n**Remedy**: {rule.remedy}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": [rule.category.value, *rule.sources],
            "precision": "very-high",
            "security-severity": _SECURITY[rule.severity],
        },
    }


def _result(checked: Checked, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    at = where(finding)
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{visible(finding.object)}: {visible(finding.message)}"},
        "locations": [_location(finding, at)],
        "partialFingerprints": {"slipwayFinding/v1": _fingerprint(checked, finding)},
        # Once one result says whether it is suppressed, each must (3.27.23).
        "suppressions": [],
        "properties": {"severity": finding.severity.value, "set": visible(checked.title), "path": at},
    }
    if (exemption := finding.exemption) is not None:
        kind = "external" if exemption.file else "inSource"
        result["suppressions"] = [{"kind": kind, "status": "accepted", "justification": excuse(exemption)}]
    return result


def _location(finding: Finding, at: str) -> dict[str, Any]:
    logical = {"name": visible(finding.object.name), "fullyQualifiedName": f"{visible(finding.object)} {at}".strip()}
    location: dict[str, Any] = {"logicalLocations": [{**logical, "kind": "resource"}]}
    file, line = finding.file, finding.line
    if file.endswith(_RENDERED):
        # What kustomize made has lines of its own; a reader can open the kustomization only.
        file, line = f"{file.removesuffix(_RENDERED)}/kustomization.yaml", 1
    if file and file != "stdin" and not file.startswith("namespace "):
        location["physicalLocation"] = {"artifactLocation": _artifact(file), "region": {"startLine": line or 1}}
    return location


def _artifact(file: str) -> dict[str, str]:
    path = PurePosixPath(os.path.normpath(file))
    if path.parts[:1] == ("..",):
        # Nothing says where the reader has what is outside of the working folder.
        path = PurePosixPath(os.path.normpath(os.path.abspath(file)))  # noqa: PTH100 - pathlib keeps `..`
    try:
        # A surrogate stands for a byte of a file's name that is no UTF-8.
        uri = quote(str(path).encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        uri = quote(visible(path))
    return {"uri": f"file://{uri}"} if path.is_absolute() else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _fingerprint(checked: Checked, finding: Finding) -> str:
    """The same for the same fault after other lines moved."""
    reference = finding.object
    words = (finding.rule, checked.name, checked.environment, reference.kind, reference.namespace, reference.name)
    text = "\0".join((*words, where(finding), finding.message))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
