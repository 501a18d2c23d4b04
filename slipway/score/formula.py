"""How findings become points.

Each rule that was asked about n objects, of which f have a standing finding or could not be checked, loses

    weight(severity) * f / n

points of its part. A part is 100 less what its rules lose, and never below 0; the overall is the weighted mean of the
four parts. A standing critical finding caps the overall. Why each number is what it is: docs/score.md.

The formula is monotone: which rules are asked, and about how many objects, depends on the kinds of the objects only,
so one more fault can raise f and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from slipway.rules import Category, ObjectRef, Report, Rule, Severity

__all__ = ["CAP", "SHARES", "UNREAD", "UNREAD_WEIGHT", "WEIGHTS", "Loss", "Part", "Score", "score"]

WEIGHTS: Mapping[Severity, int] = MappingProxyType(
    {Severity.CRITICAL: 40, Severity.HIGH: 20, Severity.MEDIUM: 8, Severity.LOW: 3, Severity.ADVISORY: 0}
)
"""Points that a part loses when every object violates a rule of this severity."""
SHARES: Mapping[Category, int] = MappingProxyType(
    {Category.SCHEMA: 30, Category.SECURITY: 30, Category.PRODUCTION: 20, Category.RESOURCES: 20}
)
"""Percent of the overall."""
CAP = 59
"""The most that the overall can be while a critical finding stands."""
UNREAD = "manifest-unreadable"
"""The rule of what could not be read. Nothing is known of it, so no part has a point while it stands."""
UNREAD_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Loss:
    """What one rule costs its part."""

    rule: str
    category: Category
    severity: Severity
    weight: int
    objects: int
    """How many objects it was asked about (n)."""
    failing: int
    """How many of them have a standing finding, or could not be checked (f)."""
    not_assessed: int
    """How many checks could not run; those objects are among `failing`."""
    where: tuple[ObjectRef, ...]

    @property
    def points(self) -> Fraction:
        """weight * f / n."""
        return Fraction(self.weight * self.failing, self.objects)

    def as_dict(self) -> dict[str, Any]:
        """Plain data; `points` is rounded, the rest is exact."""
        return {
            "rule": self.rule,
            "category": self.category.value,
            "severity": self.severity.value,
            "weight": self.weight,
            "objects": self.objects,
            "failing": self.failing,
            "not_assessed": self.not_assessed,
            "points": float(round(self.points, 4)),
            "where": [str(ref) for ref in self.where],
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One of the four."""

    category: Category
    value: float
    """0 to 100, two decimals."""
    rules: int
    """How many of its rules were asked about anything; with none there is nothing to lose."""
    losses: tuple[Loss, ...]
    """The rules that cost points, dearest first."""

    @property
    def lost(self) -> Fraction:
        """All that its rules lose; may be more than the 100 that there are."""
        return sum((loss.points for loss in self.losses), Fraction(0))


@dataclass(frozen=True, slots=True)
class Score:
    """The four parts and the overall of one set of objects."""

    parts: Mapping[Category, Part]
    overall: float
    """0 to 100, two decimals."""
    before_cap: float
    """The weighted mean itself."""
    critical: tuple[str, ...]
    """The rules whose standing critical findings cap the overall."""

    @property
    def capped(self) -> bool:
        """Whether the cap took anything."""
        return self.overall < self.before_cap

    @property
    def losses(self) -> list[Loss]:
        """Every lost point, part by part."""
        return [loss for part in self.parts.values() for loss in part.losses]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, from which everything can be computed again."""
        return {
            "overall": self.overall,
            "before_cap": self.before_cap,
            "cap": CAP if self.critical else None,
            "critical_rules": list(self.critical),
            "parts": {
                category.value: {"score": part.value, "share": SHARES[category], "rules": part.rules}
                for category, part in self.parts.items()
            },
            "losses": [loss.as_dict() for loss in self.losses],
        }


def score(report: Report, rules: Mapping[str, Rule], *, unread: Sequence[ObjectRef] = ()) -> Score:
    """The score of what `report` says. `rules` are those that it was made with, `unread` what could not be read."""
    losses = list(_losses(report, rules))
    asked = [rules[rule_id].category for rule_id, objects in report.applied.items() if objects and rule_id in rules]
    parts = {}
    for category in SHARES:
        own = [loss for loss in losses if loss.category is category]
        if unread:
            own.append(Loss(UNREAD, category, Severity.CRITICAL, UNREAD_WEIGHT, 1, 1, 0, tuple(unread)))
        own.sort(key=lambda loss: (-loss.points, loss.rule))
        value = _hundredths(max(Fraction(0), 100 - sum((loss.points for loss in own), Fraction(0))))
        parts[category] = Part(category, value, asked.count(category) + bool(unread), tuple(own))
    # From the rounded parts, so that a reader who takes the printed numbers gets the printed overall.
    mean = _hundredths(sum((Fraction(str(parts[c].value)) * SHARES[c] for c in SHARES), Fraction(0)) / 100)
    critical = {finding.rule for finding in report.standing if finding.severity is Severity.CRITICAL}
    critical |= {UNREAD} if unread else set()
    return Score(parts, min(mean, float(CAP)) if critical else mean, mean, tuple(sorted(critical)))


def _losses(report: Report, rules: Mapping[str, Rule]) -> Iterable[Loss]:
    failing: dict[str, dict[ObjectRef, set[int]]] = {}
    for finding in report.standing:
        # Two objects may have one name; they are two all the same.
        source = 0 if finding.source is None else id(finding.source.object)
        failing.setdefault(finding.rule, {}).setdefault(finding.object, set()).add(source)
    skipped: dict[str, int] = {}
    for skip in report.not_assessed:
        failing.setdefault(skip.rule, {}).setdefault(skip.object, set())
        skipped[skip.rule] = skipped.get(skip.rule, 0) + 1
    for rule_id, where in failing.items():
        # A rule that is asked about no object (whether an exemption is unused) costs nothing: if it did, the very
        # fault that the exemption waits for would raise the score.
        objects = report.applied.get(rule_id, 0)
        if not objects or rule_id not in rules:
            continue
        rule = rules[rule_id]
        severity = rule.severity_for(report.environment)
        if not WEIGHTS[severity]:
            continue
        count = min(objects, sum(max(1, len(sources)) for sources in where.values()))
        yield Loss(
            rule_id,
            rule.category,
            severity,
            WEIGHTS[severity],
            objects,
            count,
            skipped.get(rule_id, 0),
            tuple(sorted(where, key=str)),
        )


def _hundredths(value: Fraction) -> float:
    """Rounded to two decimals, half up."""
    return int(value * 100 + Fraction(1, 2)) / 100
