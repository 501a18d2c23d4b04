"""Scan many objects on all cores.

What looks at one object at a time is divided among child processes. They are forked, so that each has the objects
already, and only findings travel back. Rules about the whole set stay with the parent.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

from slipway.rules import Engine, Located, Report

__all__ = ["WORTH_IT", "no_collections", "scan"]

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


def scan(engine: Engine, documents: Sequence[Located], cores: int | None = None) -> Report:
    """What `engine.scan` says of the documents, in their order."""
    cores = cores or len(os.sched_getaffinity(0))
    if cores < 2 or len(documents) < WORTH_IT:
        return engine.scan(documents)
    share = -(-len(documents) // cores)
    shares = [range(start, min(start + share, len(documents))) for start in range(0, len(documents), share)]
    context = multiprocessing.get_context("fork")
    children = []
    for mine in shares[1:]:
        reading, writing = context.Pipe(duplex=False)
        child = context.Process(target=_scan_share, args=(engine, documents, mine, writing))
        child.start()
        writing.close()
        children.append((child, reading, mine))
    report = engine.scan([documents[index] for index in shares[0]])
    for child, reading, mine in children:
        try:
            _join(report, reading.recv(), documents)
        except EOFError:
            # A child that was killed, for want of memory most likely: its share is done here.
            _join(report, _share_of(engine, documents, mine), documents)
        child.join()
    return report


_Share = tuple[Report, list[int]]


def _share_of(engine: Engine, documents: Sequence[Located], mine: range) -> _Share:
    """The report on a share, its findings without their documents, and the documents' numbers."""
    numbers = {id(documents[index]): index for index in mine}
    report = engine.scan([documents[index] for index in mine])
    sources = [numbers[id(finding.source)] for finding in report.findings]
    report.findings = [replace(finding, source=None) for finding in report.findings]
    return report, sources


def _scan_share(engine: Engine, documents: Sequence[Located], mine: range, writing: Connection) -> None:
    with no_collections():
        writing.send(_share_of(engine, documents, mine))
    writing.close()


def _join(report: Report, share: _Share, documents: Sequence[Located]) -> None:
    other, sources = share
    report.objects += other.objects
    report.findings += [
        replace(finding, source=documents[index]) for finding, index in zip(other.findings, sources, strict=True)
    ]
    report.not_assessed += other.not_assessed
    report.used |= other.used
    for rule_id, count in other.applied.items():
        report.applied[rule_id] = report.applied.get(rule_id, 0) + count
