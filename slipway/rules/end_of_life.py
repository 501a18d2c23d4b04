"""Components past their end of life, by the dated table beside this module.

A finding names the version, its last day and the day of the table, so that a reader can tell how old the news is.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule
from slipway.rules.shape import text
from slipway.rules.support import support, table

__all__ = ["NOTICE", "OVERDUE", "ended"]

NOTICE = datetime.timedelta(days=90)
"""How long before the end it is said."""
OVERDUE = datetime.timedelta(days=183)
"""How long after the end it becomes serious: half a year."""

_REMEDY = "Move to a version that upstream supports; the table's source for each component is in `end_of_life.yaml`."


def ended(image: str, earliest: datetime.date, latest: datetime.date, today: datetime.date) -> Iterator[str]:
    """What the image holds whose support ends in the given days (both included), in words."""
    for found in support(image):
        if earliest <= found.ends <= latest:
            verb = "ended" if found.ends < today else "ends"
            older = f" is older than {found.before}, whose" if found.before else "'s"
            yield f"{found.what}{older} support {verb} on {found.ends} (table of {table().as_of})"


def _images(pod: PodView, context: Context, earliest: datetime.date, latest: datetime.date) -> Iterator[Violation]:
    for container in pod.containers:
        for said in ended(text(container.spec.get("image")), earliest, latest, context.today):
            yield Violation((*container.path, "image"), f"container '{container.name}': {said}")


@pod_rule(
    id="end-of-life",
    title="Images hold what upstream still mends",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="After its last update a component keeps every fault that is found in it.",
    remedy=_REMEDY,
    sources=("slipway:end-of-life", "nsa-cisa:kubernetes-hardening-guide"),
)
def end_of_life(pod: PodView, context: Context) -> Iterable[Violation]:
    """Support ended within the last half year."""
    return _images(pod, context, context.today - OVERDUE, context.today - datetime.timedelta(days=1))


@pod_rule(
    id="end-of-life-overdue",
    title="No image holds what upstream gave up half a year ago",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Half a year without updates is long enough for known faults to have known exploits.",
    remedy=_REMEDY,
    sources=("slipway:end-of-life", "nsa-cisa:kubernetes-hardening-guide"),
)
def end_of_life_overdue(pod: PodView, context: Context) -> Iterable[Violation]:
    """Support ended more than half a year ago."""
    return _images(pod, context, datetime.date.min, context.today - OVERDUE - datetime.timedelta(days=1))


@pod_rule(
    id="end-of-life-soon",
    title="Images hold what upstream mends for three months more",
    severity=Severity.ADVISORY,
    category=Category.SECURITY,
    reason="A move to the next version takes longer than a patch; three months are enough to plan it.",
    remedy=_REMEDY,
    sources=("slipway:end-of-life",),
)
def end_of_life_soon(pod: PodView, context: Context) -> Iterable[Violation]:
    """Support ends within 90 days."""
    return _images(pod, context, context.today, context.today + NOTICE)
