"""Judges resources by the rules, and says of each rule whether it was violated, had nothing to say, or cannot decide.

A resource is judged when the engine is about to plan it. Rules about several objects wait until the whole stack has
been seen, and then look at what was declared, not at what the cluster made of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from slipway.policy.enforcement import Enforcement, Level
from slipway.policy.resources import Resource, objects_of
from slipway.policy.unknowns import NOT_YET_KNOWN, NotYetKnown
from slipway.rules import Engine, Exemption, Object, ObjectRef, Report, Rule, Severity, format_path, group_kind
from slipway.rules.exemptions import UNUSED, annotated
from slipway.rules.pods import pod_of
from slipway.rules.shape import labels_of, name_of, namespace_of

__all__ = ["UNDECIDED", "UNDECIDED_TITLE", "Judgement", "Pack", "Verdict"]

UNDECIDED = "not-yet-known"
"""The policy that says that a resource cannot be judged at all."""
UNDECIDED_TITLE = "What a resource is called and made of is known before the update"
_NO_LEVELS: Mapping[str, Level] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A violation, or a rule that cannot decide before the update (`known` is false then)."""

    rule: str
    title: str
    severity: Severity
    level: Level
    urn: str
    message: str
    known: bool = True


@dataclass
class Judgement:
    """What the rules said. A rule that is in neither was asked, and the resource passes it."""

    verdicts: list[Verdict] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    """Rule id -> why it has no verdict. Never a pass."""


class Pack:
    """The rules in one environment. `judge` each resource as it is planned, then `judge_stack` once."""

    def __init__(
        self,
        rules: Iterable[Rule],
        enforcement: Enforcement,
        environment: str,
        *,
        exemptions: Sequence[Exemption] = (),
        levels: Mapping[str, Level] = _NO_LEVELS,
        today: datetime.date | None = None,
    ) -> None:
        """`levels` override those of `enforcement`, for single rules."""
        self.rules = {rule.id: rule for rule in rules}
        self._levels = {rule.id: enforcement.level(rule, environment) for rule in self.rules.values()} | {**levels}
        asked = [rule for rule in self.rules.values() if self._levels[rule.id] is not Level.DISABLED]
        # What other stacks, Argo CD and the cluster itself make is not seen here: the set is never complete.
        self._engine = Engine(asked, environment=environment, exemptions=exemptions, today=today, complete=False)
        self._together = {rule.id for rule in self._engine.rules.values() if needs_stack(rule)}
        self._apart = set(self._engine.rules) - self._together
        self._environment = environment
        self._declared: dict[str, list[Object]] = {}
        self._used: set[Exemption] = set()

    def level(self, rule: Rule) -> Level:
        """What a violation of `rule` does."""
        return self._levels[rule.id]

    def judge(self, resource: Resource) -> Judgement:
        """Ask the rules that look at one resource."""
        self._declared[resource.urn] = objects_of(resource)
        judgement, asked = Judgement(), set[str]()
        for item in self._declared[resource.urn]:
            try:
                report = self._engine.scan([item])
            except NotYetKnown as unknown:
                # Its name, its namespace or the whole template of its Pods: what every rule reads first.
                lost = {name for name in self._apart if self.rules[name].kinds & {group_kind(item), "*"}}
                judgement.silent |= dict.fromkeys(lost, str(unknown))
                judgement.verdicts.append(_undecided(resource, unknown, len(lost)))
                asked |= lost
            else:
                asked |= set(report.applied)
                self._used |= report.used
                self._add(report, judgement, lambda _: resource.urn)
        judgement.silent |= dict.fromkeys(self._apart - asked, "it is about other kinds")
        return judgement

    def judge_stack(self, resources: Iterable[Resource]) -> Judgement:
        """Ask the rules that look at all objects together. What cannot be read yet is in no set."""
        urns: dict[ObjectRef, str] = {}
        found: list[Object] = []
        for resource in resources:
            for item in self._declared.get(resource.urn) or objects_of(resource):
                if (ref := _readable(item)) is not None:
                    urns.setdefault(ref, resource.urn)
                    found.append(item)
        report = self._engine.finish(found, Report(used=set(self._used)))
        judgement = Judgement(silent=dict.fromkeys(self._together - set(report.applied), "it is about other kinds"))
        self._add(report, judgement, lambda ref: urns.get(ref, ""))
        return judgement

    def _add(self, report: Report, judgement: Judgement, urn_of: Callable[[ObjectRef], str]) -> None:
        for skipped in report.not_assessed:
            judgement.silent[skipped.rule] = skipped.reason
            if skipped.reason.startswith(NOT_YET_KNOWN):
                where = skipped.reason.removeprefix(NOT_YET_KNOWN)
                message = f"{NOT_YET_KNOWN}{skipped.rule} on {where}"
                judgement.verdicts.append(self._verdict(skipped.rule, urn_of(skipped.object), message, known=False))
        for finding in report.findings:
            if (excuse := finding.exemption) is not None:
                judgement.silent[finding.rule] = f"exempt until {excuse.until}: {excuse.reason}"
                continue
            place = format_path(finding.path) or "the object itself"
            message = f"{finding.message}, at {place}\n{self.rules[finding.rule].remedy}"
            judgement.verdicts.append(self._verdict(finding.rule, urn_of(finding.object), message))

    def _verdict(self, rule_id: str, urn: str, message: str, *, known: bool = True) -> Verdict:
        rule = self.rules[rule_id]
        level = self._levels[rule_id] if known else Level.ADVISORY
        return Verdict(rule_id, rule.title, rule.severity_for(self._environment), level, urn, message, known)


def needs_stack(rule: Rule) -> bool:
    """Whether the rule is asked at the end. Only then is it known too whether an exemption was of use."""
    return rule.whole_set or rule.id == UNUSED


def _undecided(resource: Resource, unknown: NotYetKnown, rules: int) -> Verdict:
    message = f"{unknown}, so that {rules} rules cannot decide about {resource.title}"
    return Verdict(UNDECIDED, UNDECIDED_TITLE, Severity.ADVISORY, Level.ADVISORY, resource.urn, message, known=False)


def _readable(item: Object) -> ObjectRef | None:
    """What the object is, when all is known that a look at the whole set begins with."""
    kind = group_kind(item)
    if kind.startswith("pulumi:"):
        return ObjectRef(kind, "", str(item["name"]))
    try:
        pod_of(item, kind)
        annotated(item)
        labels_of(item)
        return ObjectRef(kind, namespace_of(item), name_of(item))
    except NotYetKnown:
        return None
