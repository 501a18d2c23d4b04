"""Runs rules over objects, and keeps account of what ran, what did not, and what was excused.

Object by object first (`scan`), then the rules that need the whole set (`finish`). It reads no file and knows no gate.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from slipway.rules.context import DEFAULT_VERSION, Context, ObjectSet, Repository, Schemas, group_kind
from slipway.rules.exemptions import UNUSED, Exemption, annotated
from slipway.rules.model import Category, Check, NotAssessed, Object, Path, Rule, Severity
from slipway.rules.pods import LIKE_UNKNOWN, POD_KINDS, PodView, pod_of
from slipway.rules.registry import REGISTERED
from slipway.rules.shape import name_of, namespace_of

__all__ = ["Engine", "Finding", "Located", "ObjectRef", "Report", "Skipped"]


class Located(Protocol):
    """An object and where it was read (`slipway.manifests.Document`)."""

    @property
    def object(self) -> Object:
        """The object."""

    @property
    def file(self) -> str:
        """The file, as the user names it."""

    def line(self, path: Path) -> int | None:
        """The line of a path in the file."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object's kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.split('.')[0]} {place}{self.name}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation, of which object, found where."""

    rule: str
    severity: Severity
    category: Category
    object: ObjectRef
    path: Path
    message: str
    source: Located | None = None
    exemption: Exemption | None = None
    """What excuses it; such a finding is shown and costs nothing."""

    @property
    def file(self) -> str:
        """The file it was read from, empty when it was in none."""
        return self.source.file if self.source is not None else ""

    @property
    def line(self) -> int | None:
        """The line in that file."""
        return self.source.line(self.path) if self.source is not None else None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not run."""

    rule: str
    object: ObjectRef
    reason: str


@dataclass
class Report:
    """What the rules said about a set of objects."""

    findings: list[Finding] = field(default_factory=list)
    """What single objects show, in their order; then what the set shows. Excused ones too."""
    not_assessed: list[Skipped] = field(default_factory=list)
    applied: dict[str, int] = field(default_factory=dict)
    """Rule id -> how many objects it was asked about, whatever it said."""
    used: set[Exemption] = field(default_factory=set)
    unused: list[Exemption] = field(default_factory=list)
    objects: int = 0
    version: tuple[int, int] = DEFAULT_VERSION
    environment: str = ""

    @property
    def standing(self) -> list[Finding]:
        """The findings that nothing excuses."""
        return [finding for finding in self.findings if finding.exemption is None]


@dataclass(frozen=True, eq=False, slots=True)
class _Row:
    """Rules that are asked together, each with its check."""

    rules: tuple[Rule, ...]
    checks: tuple[tuple[Rule, Check], ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> _Row:
        chosen = tuple(rules)
        return cls(chosen, tuple((rule, rule.check) for rule in chosen))


@dataclass(frozen=True)
class _Plan:
    """The rules of one GroupKind."""

    pods: _Row
    objects: _Row


_Tally = dict[_Row, int]
"""How many objects the rules of a row were asked about."""


class Engine:
    """A choice of rules and a target. `run` may be called any number of times."""

    def __init__(
        self,
        rules: Iterable[Rule] | None = None,
        *,
        version: tuple[int, int] = DEFAULT_VERSION,
        environment: str = "",
        repository: Repository | None = None,
        schemas: Schemas | None = None,
        exemptions: Sequence[Exemption] = (),
        today: datetime.date | None = None,
        complete: bool = True,
        strict: bool = False,
    ) -> None:
        """`exemptions` come from a file; annotations are always read.

        `strict` lets a rule's own mistake through, for tests. Otherwise it becomes a check that could not run.
        """
        self.rules = {r.id: r for r in (REGISTERED.values() if rules is None else rules) if r.applies_in(environment)}
        self._context = Context(
            version=version,
            environment=environment,
            repository=repository,
            schemas=schemas,
            today=today or datetime.datetime.now(datetime.UTC).date(),
            complete=complete,
        )
        self._exemptions = tuple(exemptions)
        self._strict = strict
        self._plans: dict[tuple[str, bool], _Plan] = {}

    @property
    def version(self) -> tuple[int, int]:
        """The target's."""
        return self._context.version

    @property
    def environment(self) -> str:
        """The target's; empty when it is unknown."""
        return self._context.environment

    def run(self, items: Iterable[Object | Located]) -> Report:
        """Ask every rule about every object of its kinds."""
        located = _located(items)
        return self.finish(located, self.scan(located))

    def scan(self, items: Iterable[Object | Located]) -> Report:
        """Ask the rules that look at one object at a time. Parts of a set may be scanned apart and joined."""
        report = Report(version=self.version, environment=self.environment)
        located = _located(items)
        report.objects = len(located)
        self._look(located, self._context, report, whole_set=False)
        return report

    def finish(self, items: Iterable[Object | Located], report: Report) -> Report:
        """Ask the rules that need the whole set, and account for exemptions. `report` is what `scan` said of it."""
        located = _located(items)
        objects = self.objects(located)
        return self.account(located, objects, self.compare(located, objects, report))

    def objects(self, items: Iterable[Located]) -> ObjectSet:
        """The whole set, as `compare` and `account` want it."""
        return ObjectSet(entry.object for entry in items)

    def compare(self, items: Iterable[Located], objects: ObjectSet, report: Report) -> Report:
        """The first half of `finish`, which may be done for parts of a set apart: the rules that need all of it."""
        self._look(items, replace(self._context, objects=objects), report, whole_set=True)
        return report

    def account(self, items: Iterable[Located], objects: ObjectSet, report: Report) -> Report:
        """The second half of `finish`: the exemptions that excused nothing."""
        carried = [(excuse, entry) for entry in items for excuse in annotated(entry.object)]
        self._leftover(carried, replace(self._context, objects=objects), report)
        return report

    def finding(
        self, rule_id: str, path: Path, message: str, entry: Located, exemption: Exemption | None = None
    ) -> Finding:
        """What `run` says of a violation."""
        item = entry.object
        finding = self._finding(self.rules[rule_id], path, message, _ref(item, group_kind(item)), entry)
        return finding if exemption is None else replace(finding, exemption=exemption)

    def _look(self, items: Iterable[Located], context: Context, report: Report, *, whole_set: bool) -> None:
        tally: _Tally = {}
        for entry in items:
            item = entry.object
            kind = group_kind(item)
            plan = self._plan(kind, whole_set)
            if (row := plan.pods).rules and (pod := pod_of(item, kind)) is not None:
                tally[row] = tally.get(row, 0) + 1
                self._ask(row, pod, entry, kind, context, report)
            if (row := plan.objects).rules:
                tally[row] = tally.get(row, 0) + 1
                self._ask(row, item, entry, kind, context, report)
        applied = report.applied
        for row, count in tally.items():
            for asked in row.rules:
                applied[asked.id] = applied.get(asked.id, 0) + count

    def _plan(self, kind: str, whole_set: bool) -> _Plan:
        plan = self._plans.get((kind, whole_set))
        if plan is None:
            wanted = {kind, "pulumi:*" if kind.startswith("pulumi:") else "*"}
            owner = kind if kind in POD_KINDS else LIKE_UNKNOWN
            mine = [r for r in self.rules.values() if r.whole_set == whole_set]
            plan = _Plan(
                _Row.of(r for r in mine if r.reads_pod and owner in r.kinds),
                _Row.of(r for r in mine if not r.reads_pod and not wanted.isdisjoint(r.kinds)),
            )
            self._plans[kind, whole_set] = plan
        return plan

    def _ask(
        self, row: _Row, subject: Object | PodView, entry: Located, kind: str, context: Context, report: Report
    ) -> None:
        for asked, check in row.checks:
            try:
                for violation in check(subject, context):
                    ref = _ref(entry.object, kind)
                    finding = self._finding(asked, violation.path, violation.message, ref, entry)
                    report.findings.append(self._excused(finding, entry.object, report))
            except NotAssessed as unknown:
                report.not_assessed.append(Skipped(asked.id, _ref(entry.object, kind), str(unknown)))
            except Exception as mistake:
                if self._strict:
                    raise
                reason = f"the rule failed on this object: {mistake!r}"
                report.not_assessed.append(Skipped(asked.id, _ref(entry.object, kind), reason))

    def _finding(self, asked: Rule, path: Path, message: str, ref: ObjectRef, entry: Located | None) -> Finding:
        severity = asked.severity_for(self._context.environment)
        source = None if isinstance(entry, _Bare) else entry
        return Finding(asked.id, severity, asked.category, ref, path, message, source)

    def _excused(self, finding: Finding, item: Object, report: Report) -> Finding:
        ref = finding.object
        for exemption in (*annotated(item), *self._exemptions):
            if exemption.matches(finding.rule, ref.kind, ref.namespace, ref.name):
                report.used.add(exemption)
                if exemption.holds(self._context.today):
                    return replace(finding, exemption=exemption)
        return finding

    def _leftover(self, carried: Iterable[tuple[Exemption, Located]], context: Context, report: Report) -> None:
        """Exemptions that excused nothing: those on objects, and those of the file whose object was read."""
        asked = self.rules.get(UNUSED)
        if asked is None:
            return
        seen = {(kind, name_of(item)) for kind in context.objects.kinds() for item in context.objects.of(kind)}
        in_file = [(e, None) for e in self._exemptions if context.complete or (e.kind, e.name) in seen]
        everything: Iterator[tuple[Exemption, Located | None]] = iter([*carried, *in_file])
        for exemption, entry in everything:
            # A rule that was not asked here may well need it elsewhere.
            if exemption in report.used or exemption.rule not in self.rules or not exemption.holds(context.today):
                continue
            report.unused.append(exemption)
            ref = ObjectRef(exemption.kind, exemption.namespace, exemption.name)
            source = entry or _InFile(exemption)
            for violation in asked.check([exemption], context):
                report.findings.append(self._finding(asked, violation.path, violation.message, ref, source))


def _located(items: Iterable[Object | Located]) -> list[Located]:
    return [_Bare(item) if isinstance(item, dict) else item for item in items]


@dataclass(frozen=True, slots=True)
class _Bare:
    """An object that was read from no file."""

    object: Object
    file: str = ""

    def line(self, path: Path) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class _InFile:
    """An entry of the exemptions file."""

    exemption: Exemption

    @property
    def object(self) -> Object:
        return {}

    @property
    def file(self) -> str:
        return self.exemption.file

    def line(self, path: Path) -> int | None:
        return self.exemption.line


def _ref(item: Mapping[str, Any], kind: str) -> ObjectRef:
    if kind.startswith("pulumi:"):
        return ObjectRef(kind, "", str(item.get("name", "")))
    return ObjectRef(kind, namespace_of(item), name_of(item))
