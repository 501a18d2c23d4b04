"""Read the policy packs' verdict from the engine's event log: `pulumi preview --event-log FILE`, one JSON a line.

`--json` leaves policies out (pulumi: pkg/backend/display/json.go); the log holds each violation and which policies
held (sdk/go/common/apitype/events.go). The engine knows the flag only with `PULUMI_DEBUG_COMMANDS=true`, as its own
Automation API sets it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.errors import UsageError
from slipway.preview.model import Policies, PolicyFinding

__all__ = ["read_policies"]

# Our own pack's words (slipway/policy/unknowns.py), and those of the pulumi_policy package.
_UNKNOWN = re.compile(r"^not yet known: |^can't run policy '.*' during preview", re.MULTILINE)
_COLOUR = re.compile(r"<\{%[a-z ]*%\}>|\x1b\[[0-9;]*[mK]")


def read_policies(text: str, where: str = "") -> Policies:
    """The verdict in an event log; a log that was cut short counts as far as it goes.

    Raises `UsageError` (BAD_EVENTS) when a line is no event.
    """
    packs: dict[str, None] = {}
    judged: set[str] = set()
    findings: dict[PolicyFinding, None] = {}
    for event in _events(text, where):
        if summary := _part(event, "summaryEvent"):
            packs |= dict.fromkeys(_pack(name, version) for name, version in _part(summary, "PolicyPacks").items())
        for kind in ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent"):
            if summary := _part(event, kind):
                packs[_pack(str(summary.get("policyPackName", "")), summary.get("policyPackVersion"))] = None
                judged |= _words(summary.get("passed")) | _words(summary.get("failed"))
        if violation := _part(event, "policyEvent"):
            findings[_finding(violation)] = None
    found = sorted(findings)
    named = {finding.policy for finding in found}
    return Policies(tuple(sorted(packs)), tuple(found), len(judged | named), len(judged - named))


def _events(text: str, where: str) -> Iterator[Mapping[str, Any]]:
    # Not splitlines: other line breaks may stand inside a string.
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            if number == len(lines):
                return  # cut short: a whole log ends with a line break
            raise _bad("it is not JSON", where, number) from None
        if not isinstance(event, dict) or "sequence" not in event:
            raise _bad("it is no event of the engine", where, number)
        yield event


def _finding(violation: Mapping[str, Any]) -> PolicyFinding:
    message = _COLOUR.sub("", str(violation.get("message", "")))
    # The policy's description is on the first line; its id is shown in its place.
    lines = [" ".join(line.split()) for line in message.strip().splitlines()]
    told = " · ".join(filter(None, lines[1:] or lines))
    level = "mandatory" if violation.get("enforcementLevel") == "mandatory" else "advisory"
    return PolicyFinding(
        level=level,
        policy=str(violation.get("policyName", "")),
        resource=str(violation.get("resourceUrn", "")),
        message=told,
        # One that stops the update is a violation, whatever it says.
        unknown=level == "advisory" and bool(_UNKNOWN.search(message)),
    )


def _pack(name: str, version: object) -> str:
    # The summary names a pack of a local folder `<name>|local|<folder>`.
    return f"{name.partition('|')[0]} {str(version or '').removeprefix('v')}".strip()


def _part(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = event.get(key)
    return found if isinstance(found, dict) else {}


def _words(found: object) -> set[str]:
    return {str(word) for word in found} if isinstance(found, list) else set()


def _bad(what: str, where: str, line: int) -> UsageError:
    return UsageError(
        f"line {line}: {what}",
        code="BAD_EVENTS",
        where=where,
        remedy="`pulumi preview --event-log FILE` writes one event a line",
    )
