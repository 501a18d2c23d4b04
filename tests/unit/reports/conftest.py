"""One outcome with everything in it: two sets, each severity, an exemption, a check that could not run, a bad file."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from slipway.checks import READING, Checked, Outcome, Place, Target
from slipway.rules import (
    Category,
    Context,
    Engine,
    Exemption,
    Finding,
    NotAssessed,
    Object,
    ObjectRef,
    Path,
    Report,
    Rule,
    Severity,
    Violation,
)
from slipway.score import UNREAD, score

TODAY = datetime.date(2026, 6, 1)
HOSTILE = "<script>alert(1)</script>\x1b[31m]]>&\"'\x00\u202e\ud800[red]{{ 7*7 }}"


@dataclass(frozen=True)
class Document:
    """An object of a file, each path on the line that is 10 plus its length."""

    object: Object
    file: str = "apps/shop/k8s/web.yaml"

    def line(self, path: Path) -> int | None:
        return 10 + len(path)


def rule(rule_id: str, severity: Severity, category: Category, path: Path, *kinds: str) -> Rule:
    """A rule that finds fault with the objects whose annotation `fault` names it."""

    def check(item: Object, context: Context) -> Iterable[Violation]:
        faults = item["metadata"].get("annotations", {}).get("fault", "").split()
        if f"unsure:{rule_id}" in faults:
            raise NotAssessed(f"no repository at hand for {item['metadata']['name']}")
        if rule_id in faults:
            yield Violation(path, f"{item['metadata']['name']} has the fault '{rule_id}'")

    return Rule(
        id=rule_id,
        title=f"Nothing has the fault {rule_id}",
        severity=severity,
        category=category,
        reason=f"Because of {rule_id}.",
        remedy=f"Mend {rule_id}.",
        sources=(f"slipway:{rule_id}",),
        kinds=frozenset(kinds or ("*",)),
        check=check,
    )


RULES = {
    r.id: r
    for r in (
        rule("field-wrong", Severity.CRITICAL, Category.SCHEMA, ("spec", "replicas")),
        rule("host-network", Severity.HIGH, Category.SECURITY, ("spec", "template", "spec"), "Deployment.apps"),
        rule("no-probe", Severity.MEDIUM, Category.PRODUCTION, ("spec",), "Deployment.apps"),
        rule("no-request", Severity.LOW, Category.RESOURCES, ("spec",), "Deployment.apps"),
        rule("no-cpu-limit", Severity.ADVISORY, Category.RESOURCES, ("spec",), "Deployment.apps"),
    )
}


def deployment(name: str, *faults: str) -> Object:
    """A Deployment with these faults."""
    metadata = {"name": name, "namespace": "shop", "annotations": {"fault": " ".join(faults)}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


def checked(
    name: str, documents: Iterable[Document], *, environment: str = "", exempt: Iterable[Exemption] = (), bad: str = ""
) -> Checked:
    """A set as the engine and the score see it."""
    engine = Engine(RULES.values(), environment=environment, exemptions=tuple(exempt), today=TODAY, strict=True)
    report: Report = engine.run(list(documents))
    unread = []
    if bad:
        unread = [ObjectRef("File", "", bad)]
        report.findings.insert(
            0, Finding(UNREAD, Severity.CRITICAL, Category.SCHEMA, unread[0], (), "tabs indent nothing", Place(bad, 3))
        )
    return Checked(name, environment, report, score(report, {**RULES, **READING}, unread=unread))


def outcome_of(*sets: Checked, **target: object) -> Outcome:
    """An outcome of sets, with the usual target but for what is given."""
    return Outcome(sets, Target(version=(1, 36), today=TODAY, **target), RULES)  # type: ignore[arg-type]


@pytest.fixture
def outcome() -> Outcome:
    """8 findings (2 critical, 1 high, 2 medium, 1 low, 2 advisory), 1 exempted, 1 not assessed, 1 unreadable file."""
    web = Exemption("host-network", "Deployment.apps", "shop", "web", "the agent needs it", datetime.date(2026, 12, 31))
    return outcome_of(
        checked(
            "apps/shop/k8s/overlays/prod",
            [
                Document(deployment("web", "host-network", "no-probe", "no-cpu-limit")),
                Document(deployment("api", "field-wrong", "host-network", "no-request", "no-cpu-limit")),
                Document(deployment("worker", "unsure:no-probe"), "apps/shop/k8s/overlays/prod (rendered)"),
                Document(deployment("quiet")),
            ],
            environment="prod",
            exempt=[web],
        ),
        checked("apps/shop/k8s/extra", [Document(deployment("extra", "no-probe"))], bad="apps/shop/k8s/extra/bad.yaml"),
    )


@pytest.fixture
def clean() -> Outcome:
    """Nothing wrong anywhere."""
    return outcome_of(checked("apps/shop", [Document(deployment("web"))]))


@pytest.fixture
def hostile() -> Outcome:
    """Names, namespaces, messages, files and reasons that try to be markup, commands of a terminal, or forged lines."""
    item = deployment(HOSTILE, "field-wrong", "host-network", "no-probe", "no-request", "no-cpu-limit")
    item["metadata"]["namespace"] = HOSTILE
    excuse = Exemption("no-probe", "Deployment.apps", HOSTILE, HOSTILE, HOSTILE, datetime.date(2026, 12, 31))
    unsure = deployment(HOSTILE, "unsure:no-request")
    documents = [Document(item, HOSTILE), Document(unsure)]
    return outcome_of(checked(HOSTILE, documents, exempt=[excuse], bad=HOSTILE), chosen=HOSTILE)
