"""Ask the rules about many objects on all cores.

The objects are divided among forked processes, which have all of them already, so rules about the whole set can run
there too. What travels back is where each finding is and what it says; the rest of it is known here.
"""

from __future__ import annotations

import datetime
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from slipway.forks import cores as all_cores
from slipway.forks import shared
from slipway.rules import Engine, Exemption, Located, ObjectRef, Path, Report, Skipped

__all__ = ["WORTH_IT", "no_collections", "run"]

WORTH_IT = 2_000
"""From so many objects on: below, forking costs more than it saves."""
_OWN = 0.9
"""This process' share beside the others': it makes findings of what they send."""


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


class _Part(NamedTuple):
    """A share's report, and how much of it is about single objects."""

    report: Report
    findings: int
    skipped: int


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

    def ask(mine: range) -> _Part:
        chosen = documents[mine.start : mine.stop]
        report = engine.scan(chosen)
        findings, skipped = len(report.findings), len(report.not_assessed)
        return _Part(engine.compare(chosen, objects, report), findings, skipped)

    def pack(part: _Part) -> _Share:
        return _packed(part.report, numbers, part.findings, part.skipped)

    def unpack(share: _Share) -> _Part:
        return _Part(_unpacked(engine, documents, share), share[2], share[3])

    numbers = {id(document): number for number, document in enumerate(documents)}
    report = Report(version=engine.version, environment=engine.environment, objects=len(documents))
    parts = shared(ask, len(documents), cores, own=_OWN, pack=pack, unpack=unpack)
    for part in parts:
        report.findings += part.report.findings[: part.findings]
        report.not_assessed += part.report.not_assessed[: part.skipped]
        report.used |= part.report.used
        for rule_id, count in part.report.applied.items():
            report.applied[rule_id] = report.applied.get(rule_id, 0) + count
    for part in parts:
        report.findings += part.report.findings[part.findings :]
        report.not_assessed += part.report.not_assessed[part.skipped :]
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


def _unpacked(engine: Engine, documents: Sequence[Located], share: _Share) -> Report:
    written, unknown, _, _, applied, used = share
    excuses = [
        Exemption(rule_id, kind, namespace, name, reason, datetime.date.fromordinal(day), file, line)
        for rule_id, kind, namespace, name, reason, day, file, line in used
    ]
    # The last one is number -1.
    numbered = [*excuses, None]
    findings = [
        engine.finding(rule_id, path, message, documents[number], numbered[excuse])
        for rule_id, number, path, message, excuse in written
    ]
    skipped = [Skipped(rule_id, ObjectRef(*ref), reason) for rule_id, *ref, reason in unknown]
    return Report(findings, skipped, applied, set(excuses))
