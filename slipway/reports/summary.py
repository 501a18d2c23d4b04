"""Words that several formats share."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from slipway.checks.model import Counts, Outcome
from slipway.reports.plain import visible
from slipway.rules import Exemption, Finding, format_path

__all__ = ["charts", "excuse", "many", "place", "sentence", "verdict", "version", "where"]

_CHART = ": a Helm chart;"


def many(number: int, one: str, several: str = "") -> str:
    """`1 finding`, `2 findings`, `1,000 findings`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def sentence(counts: Counts) -> str:
    """The summary line: `3 findings (1 critical, 2 low) in 2 of 9 objects, 1 exempted, 0 not assessed`."""
    kinds = ", ".join(f"{number:,} {severity.value}" for severity, number in counts.severities.items())
    found = f"{many(counts.findings, 'finding')} ({kinds})" if kinds else "no finding"
    unread = f", {counts.unread:,} unreadable" if counts.unread else ""
    return (
        f"{found} in {counts.faulty:,} of {many(counts.objects, 'object')}, "
        f"{counts.exempted:,} exempted, {counts.not_assessed:,} not assessed{unread}"
    )


def verdict(outcome: Outcome) -> str:
    """Whether the check passed, and by which measure."""
    fail_on = outcome.target.fail_on
    measure = f"{fail_on.value} and above fail" if fail_on else "only unreadable files fail"
    if outcome.target.minimums:
        measure += ", at least " + ", ".join(f"{name} {wanted:g}" for name, wanted in outcome.target.minimums.items())
    if outcome.passed:
        return f"passed ({measure})"
    failing = outcome.counts().failing
    reasons = [many(failing, "finding")] if failing else []
    return f"failed: {', '.join(reasons + outcome.missed)} ({measure})"


def where(finding: Finding) -> str:
    """The path in the object, empty for the object itself."""
    return visible(format_path(finding.path))


def place(finding: Finding) -> str:
    """`file:12`, or the file alone, or nothing."""
    file, line = visible(finding.file), finding.line
    return f"{file}:{line}" if file and line else file


def excuse(exemption: Exemption) -> str:
    """Why and until when."""
    return f"{visible(exemption.reason)}, until {exemption.until}"


def charts(skipped: Iterable[str]) -> list[str]:
    """The folders of Helm charts among what was left out."""
    return [line.partition(_CHART)[0] for line in skipped if _CHART in line]


def version() -> str:
    """The installed version of this package; `0` when it runs from a folder that is not installed."""
    try:
        return metadata.version("slipway")
    except metadata.PackageNotFoundError:
        return "0"
