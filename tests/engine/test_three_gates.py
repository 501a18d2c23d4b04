"""One rule, three gates, one verdict: each rule that CEL expresses, on each object of each of its fixtures.

The gates are the engine on the plain object (files, Git, live namespaces), the policy pack on the same object as a
Pulumi resource in the engine's own encoding, and the generated admission policies in a real API server. There the
objects are only tried (`dryRun=All`), under bindings that warn, so that one request shows all that a policy says.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from slipway.rules import RULES, Category, Object, Rule, Severity, group_kind
from slipway.rules.cases import Case, cases
from slipway.rules.cel import ENVIRONMENT_LABEL, ENVIRONMENTS, policies
from slipway.rules.shape import name_of
from tests.engine.conftest import Api
from tests.engine.gates import EXPRESSED, Gates, Seen, definitions, surroundings


@dataclass
class Tally:
    """One rule's row of the table."""

    objects: int = 0
    found: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    instead: int = 0
    differences: list[str] = field(default_factory=list)
    unnoticed: list[str] = field(default_factory=list)


def objects_of(case: Case) -> list[Object]:
    """The case's objects that some expression is about."""
    kinds = {kind for rule in EXPRESSED.values() for kind in rule.kinds}
    return [item for item in case.objects() if group_kind(item) in kinds]


@pytest.fixture(scope="module")
def tried(api: Api) -> Iterator[dict[str, Tally]]:
    """Every case of every expressed rule at every gate."""
    everything = [case for name in EXPRESSED for case in cases(name)]
    tested = [item for case in everything for item in objects_of(case)]
    installed = [*definitions(), *surroundings(tested), *policies(EXPRESSED.values(), prefix="test")]
    # Last, so that the others act when these do.
    installed += policies(map(_probe, ENVIRONMENTS), prefix="test-probe")
    installed += [_warning(item) for item in installed if item["kind"] == "ValidatingAdmissionPolicy"]
    text = "\n---\n".join(json.dumps(item) for item in installed)
    gates = Gates(api)
    try:
        api.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=text)
        yield _try_all(api, gates, everything)
    finally:
        gates.close()
        api.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", given=text)


def _try_all(api: Api, gates: Gates, everything: list[Case]) -> dict[str, Tally]:
    tallies = {name: Tally() for name in EXPRESSED}
    for environment in sorted({case.environment for case in everything}):
        _relabel(api, gates, environment)
        known: dict[str, Seen] = {}
        for case in (case for case in everything if case.environment == environment):
            of_case = []
            for item in objects_of(case):
                text = json.dumps(item, sort_keys=True)
                if text not in known:
                    known[text] = gates.ask(item, environment)
                    _count(tallies, known[text], item, case)
                of_case.append(known[text])
            noticed = any(case.rule in seen.admission for seen in of_case)
            if noticed == case.passes and not any(seen.refused for seen in of_case):
                tallies[case.rule].unnoticed.append(case.why)
    return tallies


def _count(tallies: dict[str, Tally], seen: Seen, item: Object, case: Case) -> None:
    place = f"{item['kind']} {name_of(item)} of {case.rule} ({case.why})"
    for name, rule in EXPRESSED.items():
        if group_kind(item) not in rule.kinds:
            continue
        tally = tallies[name]
        tally.objects += 1
        tally.refused += bool(seen.refused)
        tally.instead += seen.instead
        verdicts: dict[str, object] = {"files": name in seen.files, "pulumi": name in seen.pulumi}
        if name in seen.broken and not seen.instead:
            verdicts["admission"] = "the expression fails"
        elif not seen.refused and name not in seen.broken:
            verdicts["admission"] = name in seen.admission
        tally.found.update(gate for gate, found in verdicts.items() if found is True)
        if len(set(verdicts.values())) > 1:
            tally.differences.append(f"{place}: {verdicts}")


def _warning(policy: Object) -> Object:
    name = policy["metadata"]["name"]
    return {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Warn"]},
    }


def _probe(environment: str) -> Rule:
    """A rule that every ConfigMap violates in one environment: it tells when policies act, and where."""
    return Rule(
        id=f"probe-{environment}",
        title="Probe",
        severity=Severity.LOW,
        category=Category.SECURITY,
        reason="Because.",
        remedy="Nothing.",
        sources=("test:probe",),
        kinds=frozenset({"ConfigMap"}),
        check=lambda item, context: (),
        cel="false",
        environments=(environment,),
    )


def _relabel(api: Api, gates: Gates, environment: str) -> None:
    """Make every namespace one of `environment`, and wait until the policies act and see it."""
    label = f"{ENVIRONMENT_LABEL}={environment}" if environment else f"{ENVIRONMENT_LABEL}-"
    api.kubectl("label", "namespaces", "--all", "--overwrite", label)
    names = api.kubectl("get", "namespaces", "-o", "name").replace("namespace/", "").split()
    expected = {f"probe-{name}" for name in ENVIRONMENTS if environment in ("", name)}
    for namespace in names:
        item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": namespace}}
        for _ in range(120):
            if {name for name in gates.admit(item).admission if name.startswith("probe-")} == expected:
                break
            time.sleep(0.25)
        else:
            raise AssertionError(f"the policies do not act in {namespace} as in '{environment}'")


@pytest.mark.parametrize("name", sorted(EXPRESSED))
def test_the_three_gates_give_the_same_verdict(tried: dict[str, Tally], name: str) -> None:
    assert tried[name].differences == []


@pytest.mark.parametrize("name", sorted(EXPRESSED))
def test_the_api_server_sees_each_fault_of_the_fixtures_and_no_other(tried: dict[str, Tally], name: str) -> None:
    assert tried[name].unnoticed == []


@pytest.mark.parametrize("name", sorted(EXPRESSED))
def test_each_rule_is_found_at_each_gate(tried: dict[str, Tally], name: str) -> None:
    assert set(tried[name].found) == {"files", "pulumi", "admission"}


def test_the_table(tried: dict[str, Tally], capsys: pytest.CaptureFixture[str]) -> None:
    head = f"{'rule':40} objects  files  pulumi  admission  as Rollout  refused  agree"
    rows = [
        f"{name:40} {tally.objects:7} {tally.found['files']:6} {tally.found['pulumi']:7} {tally.found['admission']:10} "
        f"{tally.instead:11} {tally.refused:8}  {'no' if tally.differences else 'yes'}"
        for name, tally in sorted(tried.items())
    ]
    total = sum(tally.objects for tally in tried.values())
    with capsys.disabled():
        print("\n" + "\n".join([head, *rows]))
        print(f"{len(rows)} of {len(RULES)} rules are expressed in CEL; {total} verdicts asked for at each gate.")
        print(
            "files, pulumi, admission: violations found. as Rollout: the API server takes no such object, so a Rollout"
        )
        print("with the same Pods stood in. refused: it takes no such object, and nothing can stand in.")
    assert sum(tally.refused for tally in tried.values()) < total / 100
