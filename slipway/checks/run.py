"""Asks the rules about sets of objects, and keeps the account of exemptions that several sets share."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slipway.checks.model import DUPLICATE, READING, Checked, Place
from slipway.checks.parallel import no_collections, run
from slipway.manifests import Batch, Problem
from slipway.rules import Engine, Exemption, Finding, Located, ObjectRef, Report, Repository, Rule, Schemas, group_kind
from slipway.rules.exemptions import ANNOTATION, UNUSED
from slipway.rules.shape import name_of, namespace_of
from slipway.score import UNREAD, Score, score

__all__ = ["Group", "Judge"]

_EXPIRED = "exemption-expired"
_DUPLICATE_KEY = "DUPLICATE_KEY"


@dataclass
class Group:
    """A set of objects before it is judged: what was read, and what is known of it."""

    name: str
    documents: list[Located] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    environment: str = ""
    complete: bool = False
    repository: Repository | None = None
    counted: int | None = None
    """How many of the documents are objects of the cluster; all by default."""
    exemptions: Sequence[Exemption] | None = None
    """Those of its own repository; the judge's by default."""

    @property
    def objects(self) -> int:
        """How many objects of the cluster it holds."""
        return len(self.documents) if self.counted is None else self.counted

    @classmethod
    def of(cls, name: str, batch: Batch, **settings: object) -> Group:
        """What a reader has read."""
        documents: list[Located] = list(batch.documents)
        return cls(name, documents, list(batch.problems), list(batch.skipped), **settings)  # type: ignore[arg-type]


class Judge:
    """The rules and what they are told. `judge` each set, then `settle` once."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        *,
        version: tuple[int, int],
        schemas: Schemas | None,
        exemptions: Sequence[Exemption] = (),
        today: datetime.date | None = None,
    ) -> None:
        self.rules = rules
        self.today = today or datetime.datetime.now(datetime.UTC).date()
        self._version = version
        self._schemas = schemas
        self._exemptions = exemptions
        self._used: set[Exemption] = set()

    def judge(self, group: Group) -> Checked:
        """What the rules say about one set."""
        # An entry of the file that is about another set would be called unused in this one.
        mine = _about(self._exemptions if group.exemptions is None else group.exemptions, group.documents)
        engine = Engine(
            self.rules.values(),
            version=self._version,
            environment=group.environment,
            repository=group.repository,
            schemas=self._schemas,
            exemptions=mine,
            today=self.today,
            complete=group.complete,
        )
        with no_collections():
            report = run(engine, group.documents)
        report.objects = group.objects
        self._used |= report.used
        report.findings += self._expired(mine, report)
        report.findings[:0] = _reading(group, report)
        return Checked(group.name, group.environment, report, _score(report, self.rules), group.complete,
                       tuple(group.skipped))  # fmt: skip

    def settle(self, sets: Iterable[Checked]) -> tuple[Checked, ...]:
        """An exemption that excuses something in one set is in use, whatever the other sets say.

        That goes for entries of the file, and for annotations in a base that several overlays render.
        """
        judged = list(sets)
        in_use = {key for checked in judged for f in checked.report.findings if (key := _excuse_of(f)) is not None}
        settled = []
        for checked in judged:
            report = checked.report
            report.unused = [exemption for exemption in report.unused if exemption not in self._used]
            standing = [f for f in report.findings if f.rule != UNUSED or _unused(f) not in in_use]
            if len(standing) < len(report.findings):
                report.findings = standing
                checked = replace(checked, score=_score(report, self.rules))
            settled.append(checked)
        return tuple(settled)

    def _expired(self, exemptions: Iterable[Exemption], report: Report) -> list[Finding]:
        rule = self.rules.get(_EXPIRED)
        return [
            Finding(
                _EXPIRED,
                rule.severity_for(report.environment),
                rule.category,
                ObjectRef(e.kind, e.namespace, e.name),
                (),
                f"the exemption from '{e.rule}' ended on {e.until}",
                Place(e.file, e.line),
            )
            for e in exemptions
            if rule is not None and not e.holds(self.today)
        ]


def _excuse_of(finding: Finding) -> tuple[object, ...] | None:
    """What tells the exemption of a finding apart: its line in the file, or the annotated object's file and name."""
    exemption = finding.exemption
    if exemption is None:
        return None
    if exemption.file:
        return exemption.file, exemption.line
    return finding.file, finding.object.kind, finding.object.name, exemption.rule


def _unused(finding: Finding) -> tuple[object, ...]:
    """The same of a finding that an exemption is unused."""
    if finding.source is not None and finding.source.object:
        rule_id = str(finding.path[-1]).removeprefix(ANNOTATION)
        return finding.file, finding.object.kind, finding.object.name, rule_id
    return finding.file, finding.line


def _about(exemptions: Sequence[Exemption], documents: Iterable[Located]) -> list[Exemption]:
    """The exemptions of objects that are among the documents."""
    if not exemptions:
        return []
    seen = {(group_kind(d.object), name_of(d.object), namespace_of(d.object)) for d in documents}
    anywhere = {(kind, name) for kind, name, _ in seen}
    return [
        e
        for e in exemptions
        if ((e.kind, e.name, e.namespace) in seen if e.namespace else (e.kind, e.name) in anywhere)
    ]


def _reading(group: Group, report: Report) -> list[Finding]:
    if group.documents:
        report.applied[DUPLICATE] = len(group.documents)
    findings = []
    for problem in group.problems:
        rule = READING[DUPLICATE if problem.code == _DUPLICATE_KEY else UNREAD]
        message = f"{problem.message}: {problem.remedy}" if problem.remedy else problem.message
        reference = ObjectRef("File", "", problem.file)
        place = Place(problem.file, problem.line)
        findings.append(Finding(rule.id, rule.severity, rule.category, reference, (), message, place))
    return findings


def _score(report: Report, rules: Mapping[str, Rule]) -> Score:
    unread = dict.fromkeys(finding.object for finding in report.findings if finding.rule == UNREAD)
    return score(report, {**rules, DUPLICATE: READING[DUPLICATE]}, unread=list(unread))
