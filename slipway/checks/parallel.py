"""Ask the rules about many objects on all cores.

The objects are divided among forked processes, which have all of them already, so rules about the whole set can run
there too. What travels back is where each finding is and what it says; the rest of it is known here.
"""

from __future__ import annotations

import datetime
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from slipway.forks import cores as all_cores
from slipway.forks import shared
from slipway.rules import Engine, Exemption, Finding, Located, ObjectRef, Path, Report, Skipped

__all__ = ["WORTH_IT", "no_collections", "run"]

WORTH_IT = 2_000
"""From so many objects on: below, forking costs more than it saves."""


@contextmanager
def no_collections() -> Iterator[None]:
    """Millions of new objects and no garbage: Python's cycle collector would look at all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_Written = tuple[str, int, Path, str, int]
"""A finding: its rule, its document's number, path, message, and its exemption's number (-1 for none)."""
_Unknown = tuple[str, str, str, str, str]
"""A check that could not run: its rule, the object's kind, namespace and name, the reason."""
_Excuse = tuple[str, str, str, str, str, int, str, int | None]
"""An exemption, its last day as a number."""
_Share = tuple[list[_Written], list[_Unknown], int, int, dict[str, int], list[_Excuse]]
"""What a share's objects show, and how much of it each by itself; how many were asked; the exemptions used."""


def run(engine: Engine, documents: Sequence[Located], cores: int | None = None) -> Report:
    """What `engine.run` says of the documents, in their order."""
    cores = cores or all_cores()
    if cores < 2 or len(documents) < WORTH_IT:
        return engine.run(documents)
    objects = engine.objects(documents)
    # Each process would make this index.
    objects.pods("")

    def ask(mine: range) -> _Share:
        chosen = documents[mine.start : mine.stop]
        report = engine.scan(chosen)
        single = len(report.findings), len(report.not_assessed)
        engine.compare(chosen, objects, report)
        return _packed(report, {id(documents[index]): index for index in mine}, *single)

    report = Report(version=engine.version, environment=engine.environment, objects=len(documents))
    together: list[Finding] = []
    unknown: list[Skipped] = []
    for share in shared(ask, len(documents), cores):
        findings, skipped = _unpacked(engine, documents, share, report)
        report.findings += findings[: share[2]]
        report.not_assessed += skipped[: share[3]]
        together += findings[share[2] :]
        unknown += skipped[share[3] :]
    report.findings += together
    report.not_assessed += unknown
    return engine.account(documents, objects, report)


def _packed(report: Report, numbers: dict[int, int], findings: int, skipped: int) -> _Share:
    used = list(report.used)
    numbered = {exemption: number for number, exemption in enumerate(used)}
    written = [
        (f.rule, numbers[id(f.source)], f.path, f.message, -1 if f.exemption is None else numbered[f.exemption])
        for f in report.findings
    ]
    unknown = [(s.rule, s.object.kind, s.object.namespace, s.object.name, s.reason) for s in report.not_assessed]
    excuses = [(e.rule, e.kind, e.namespace, e.name, e.reason, e.until.toordinal(), e.file, e.line) for e in used]
    return written, unknown, findings, skipped, report.applied, excuses


def _unpacked(
    engine: Engine, documents: Sequence[Located], share: _Share, report: Report
) -> tuple[list[Finding], list[Skipped]]:
    """The share's findings and skipped checks; the counts go into the report."""
    written, unknown, _, _, applied, used = share
    excuses: list[Exemption | None] = [
        Exemption(rule_id, kind, namespace, name, reason, datetime.date.fromordinal(day), file, line)
        for rule_id, kind, namespace, name, reason, day, file, line in used
    ]
    report.used |= {excuse for excuse in excuses if excuse is not None}
    # The last one is number -1.
    excuses.append(None)
    for rule_id, count in applied.items():
        report.applied[rule_id] = report.applied.get(rule_id, 0) + count
    findings = [
        engine.finding(rule_id, path, message, documents[number], excuses[excuse])
        for rule_id, number, path, message, excuse in written
    ]
    return findings, [Skipped(rule_id, ObjectRef(*ref), reason) for rule_id, *ref, reason in unknown]
