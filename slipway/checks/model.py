"""What a check of several sets of objects gives: findings, scores, counts and the verdict.

Every report prints the numbers of `Counts`, so that all formats agree.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from slipway.rules import Category, Finding, Path, Report, Rule, Severity
from slipway.score import UNREAD, Score

__all__ = ["DUPLICATE", "READING", "Checked", "Counts", "Outcome", "Place", "Target"]

DUPLICATE = "manifest-duplicate-key"
_KUSTOMIZATION = ".kustomize.config.k8s.io"


_NOTHING: dict[str, Any] = {}


def _reading_rule(rule_id: str, title: str, reason: str, remedy: str) -> Rule:
    return Rule(
        id=rule_id,
        title=title,
        severity=Severity.CRITICAL,
        category=Category.SCHEMA,
        reason=reason,
        remedy=remedy,
        sources=("slipway:reading",),
        kinds=frozenset({"*"}),
        check=lambda subject, context: (),
    )


READING: Mapping[str, Rule] = MappingProxyType(
    {
        UNREAD: _reading_rule(
            UNREAD,
            "Manifests can be read",
            "Argo CD applies nothing of a folder that holds one file it cannot read, and nothing else here is certain.",
            "Correct the file at the line named.",
        ),
        DUPLICATE: _reading_rule(
            DUPLICATE,
            "Keys are written once",
            "Of two equal keys the last one counts, silently, or the API server refuses the object.",
            "Remove one of the two.",
        ),
    }
)
"""What reading itself finds, in the form of rules. Nothing exempts from these."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file and a line that hold no object: the source of a finding about the file itself."""

    file: str
    at: int | None

    @property
    def object(self) -> dict[str, Any]:
        """None: one and the same empty mapping."""
        return _NOTHING

    def line(self, path: Path) -> int | None:
        """The line, whatever the path."""
        return self.at


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a summary."""

    objects: int = 0
    findings: int = 0
    """Standing: what nothing exempts."""
    severities: Mapping[Severity, int] = field(default_factory=dict)
    """Standing findings by severity, worst first, without those that are 0."""
    faulty: int = 0
    """Objects that have a standing finding."""
    exempted: int = 0
    not_assessed: int = 0
    unread: int = 0
    failing: int = 0
    """Standing findings at or above the severity that fails the check."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "objects": self.objects,
            "findings": self.findings,
            "severities": {severity.value: self.severities.get(severity, 0) for severity in Severity},
            "objects_with_findings": self.faulty,
            "exempted": self.exempted,
            "not_assessed": self.not_assessed,
            "unreadable": self.unread,
            "failing": self.failing,
        }


def _of_object(finding: Finding) -> bool:
    """Whether it is about an object of the cluster, not about a file or a Kustomization."""
    source = finding.source
    return (source is None or bool(source.object)) and not finding.object.kind.endswith(_KUSTOMIZATION)


@dataclass(frozen=True, slots=True)
class Checked:
    """One set of objects that belong together, and what was found."""

    name: str
    environment: str
    report: Report
    score: Score
    complete: bool = True
    skipped: tuple[str, ...] = ()
    """Files that hold no Kubernetes object."""

    @property
    def title(self) -> str:
        """The name, and the environment where the name does not show it."""
        shown = not self.environment or self.environment in self.name.replace("-", "/").split("/")
        return self.name if shown else f"{self.name} ({self.environment})"


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for, besides the objects."""

    version: tuple[int, int]
    today: datetime.date
    fail_on: Severity | None = Severity.MEDIUM
    show: Severity = Severity.ADVISORY
    """Findings below are counted and not listed."""
    minimums: Mapping[str, float] = field(default_factory=dict)
    """`overall` or a part -> the least score that passes."""
    chosen: str = ""
    """How the rules were chosen, where not all of them were asked."""

    @property
    def kubernetes(self) -> str:
        """`1.36`."""
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that a report shows."""

    sets: tuple[Checked, ...]
    target: Target
    rules: Mapping[str, Rule]

    def rule(self, rule_id: str) -> Rule:
        """The rule of a finding."""
        return READING[rule_id] if rule_id in READING else self.rules[rule_id]

    def fails(self, finding: Finding) -> bool:
        """Whether this finding alone fails the check."""
        if finding.exemption is not None:
            return False
        fail_on = self.target.fail_on
        return finding.rule == UNREAD or (fail_on is not None and finding.severity.rank >= fail_on.rank)

    def shown(self, checked: Checked) -> list[Finding]:
        """The findings to list, exempted ones too."""
        return [f for f in checked.report.findings if f.severity.rank >= self.target.show.rank]

    def counts(self, sets: Iterable[Checked] | None = None) -> Counts:
        """The numbers of some sets; of all when none are given."""
        chosen = self.sets if sets is None else tuple(sets)
        standing = [f for checked in chosen for f in checked.report.standing]
        severities = Counter(finding.severity for finding in standing)
        faulty = 0
        for checked in chosen:
            faulty += len({f.object for f in checked.report.standing if _of_object(f)})
        return Counts(
            objects=sum(checked.report.objects for checked in chosen),
            findings=len(standing),
            severities={s: severities[s] for s in Severity if s in severities},
            faulty=faulty,
            exempted=sum(len(checked.report.findings) for checked in chosen) - len(standing),
            not_assessed=sum(len(checked.report.not_assessed) for checked in chosen),
            unread=sum(finding.rule == UNREAD for finding in standing),
            failing=sum(self.fails(finding) for finding in standing),
        )

    @property
    def hidden(self) -> int:
        """How many standing findings are counted and not listed."""
        return sum(f.severity.rank < self.target.show.rank for checked in self.sets for f in checked.report.standing)

    @property
    def missed(self) -> list[str]:
        """Each score that is below its minimum, as a person reads it."""
        least = self.worst() if self.target.minimums else {}
        return [f"{name} {least[name]:.2f} < {wanted:g}" for name, wanted in self.target.minimums.items()
                if least[name] < wanted]  # fmt: skip

    @property
    def passed(self) -> bool:
        """The verdict."""
        return self.counts().failing == 0 and not self.missed

    def worst(self) -> dict[str, float]:
        """The least overall and the least of each part, over all sets."""
        least = {"overall": min(checked.score.overall for checked in self.sets)}
        for category in Category:
            least[category.value] = min(checked.score.parts[category].value for checked in self.sets)
        return least

    def mentioned(self) -> dict[str, Rule]:
        """The rules that said something or could not, in order of id."""
        ids = {f.rule for checked in self.sets for f in checked.report.findings}
        ids |= {skip.rule for checked in self.sets for skip in checked.report.not_assessed}
        return {rule_id: self.rule(rule_id) for rule_id in sorted(ids)}
