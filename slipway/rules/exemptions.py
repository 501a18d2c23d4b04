"""Exemptions: who decided that a rule does not hold for an object, why, and until when.

An exemption is an annotation on the object, or an entry of a file for objects that cannot be annotated:

    exempt.slipway.dev/<rule-id>: "<reason> until=YYYY-MM-DD"

Without a reason and a date it exempts nothing. After its last day it exempts nothing either. The admission policies
honour the annotation too, but CEL has no clock: there, the date must be written and is not compared.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass

from slipway.rules.context import Context, group_kind
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.registry import REGISTERED, rule
from slipway.rules.shape import annotations_of, name_of, namespace_of, text

__all__ = ["ANNOTATION", "UNUSED", "Exemption", "annotated"]

ANNOTATION = "exempt.slipway.dev/"
"""Followed by the rule's id."""
UNUSED = "exemption-unused"
_VALUE = re.compile(r"\s*(?P<reason>\S.*?)\s+until=(?P<until>20\d{2}-\d{2}-\d{2})\s*")
_ANY = ("*",)


@dataclass(frozen=True, slots=True)
class Exemption:
    """One rule does not hold for one object until the end of a day."""

    rule: str
    kind: str
    """The GroupKind."""
    namespace: str
    """Any namespace when empty."""
    name: str
    reason: str
    until: datetime.date
    file: str = ""
    line: int | None = None

    def matches(self, rule_id: str, kind: str, namespace: str, name: str) -> bool:
        """Whether it is about this rule and this object."""
        return (self.rule, self.kind, self.name) == (rule_id, kind, name) and self.namespace in ("", namespace)

    def holds(self, today: datetime.date) -> bool:
        """Whether it still exempts on `today`."""
        return today <= self.until


def annotated(item: Object) -> list[Exemption]:
    """The exemptions that an object carries, without those that are not well formed."""
    found = []
    for key, value in annotations_of(item).items():
        if key.startswith(ANNOTATION) and (parsed := _parsed(value)) is not None:
            reason, until = parsed
            place = (group_kind(item), namespace_of(item), name_of(item))
            found.append(Exemption(key.removeprefix(ANNOTATION), *place, reason, until))
    return found


def _parsed(value: object) -> tuple[str, datetime.date] | None:
    matched = _VALUE.fullmatch(text(value))
    if matched is None:
        return None
    try:
        return matched["reason"], datetime.date.fromisoformat(matched["until"])
    except ValueError:
        return None


def _path(key: str) -> Path:
    return ("metadata", "annotations", key)


@rule(
    id="exemption-invalid",
    title="Exemptions name a rule, a reason and a last day",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Nobody can review an exemption that does not say why, and one without an end is for ever.",
    remedy='Write `exempt.slipway.dev/<rule-id>: "<reason> until=YYYY-MM-DD"`; `slipway rules list` has the ids.',
    sources=("slipway:exemptions",),
    kinds=_ANY,
)
def exemption_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """An annotation that looks like an exemption and exempts nothing."""
    for key, value in annotations_of(item).items():
        if not key.startswith(ANNOTATION):
            continue
        if key.removeprefix(ANNOTATION) not in REGISTERED:
            yield Violation(_path(key), f"no rule is called '{key.removeprefix(ANNOTATION)}'")
        elif _parsed(value) is None:
            yield Violation(_path(key), "the exemption needs a reason and `until=YYYY-MM-DD`")


@rule(
    id="exemption-expired",
    title="Exemptions are renewed or removed in time",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="An exemption that has run out exempts nothing: what it excused counts again.",
    remedy="Mend what it excused and remove it, or decide anew and write a later date.",
    sources=("slipway:exemptions",),
    kinds=_ANY,
)
def exemption_expired(item: Object, context: Context) -> Iterable[Violation]:
    """An exemption whose last day is over."""
    for exemption in annotated(item):
        if exemption.rule in REGISTERED and not exemption.holds(context.today):
            yield Violation(_path(ANNOTATION + exemption.rule), f"the exemption ended on {exemption.until}")


@rule(
    id=UNUSED,
    title="Exemptions excuse something",
    severity=Severity.LOW,
    category=Category.SECURITY,
    reason="An exemption that excuses nothing today hides the fault that somebody makes tomorrow.",
    remedy="Remove it.",
    sources=("slipway:exemptions",),
    kinds=(),
)
def exemption_unused(left: Iterable[Exemption], context: Context) -> Iterable[Violation]:
    """Asked by the engine at the end, with the valid exemptions that matched no violation."""
    for exemption in left:
        yield Violation(_path(ANNOTATION + exemption.rule), f"nothing violates '{exemption.rule}' here")
