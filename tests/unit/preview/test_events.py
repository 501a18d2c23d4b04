"""The policies' verdict from the engine's event log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import UsageError
from slipway.preview import Policies, PolicyFinding, read_policies
from tests.unit.preview.cases import RESULTS


def recorded(name: str) -> Policies:
    return read_policies((RESULTS / f"{name}.events").read_text(encoding="utf-8"))


def event(**violation: Any) -> str:
    return json.dumps({"sequence": 1, "timestamp": 0, "policyEvent": violation}) + "\n"


def test_a_violation_has_its_rule_level_resource_and_message() -> None:
    policies = recorded("policy-mandatory")

    assert policies.of("mandatory") == [
        PolicyFinding(
            "mandatory",
            "replicas-too-many",
            "urn:pulumi:dev::shop::kubernetes:apps/v1:Deployment::web",
            "3 replicas are more than 2",
        )
    ]
    assert [finding.policy for finding in policies.of("advisory")] == ["config-map-mutable"]
    assert policies.unknown == []


def test_a_policy_that_holds_nowhere_violated_is_counted() -> None:
    policies = recorded("policy-mandatory")

    assert policies.packs == ("slipway 0.0.1",)
    assert (policies.judged, policies.silent) == (3, 1)


def test_an_unknown_value_is_not_yet_known_and_neither_a_pass_nor_a_violation() -> None:
    policies = recorded("policy-unknown")

    assert [finding.policy for finding in policies.unknown] == ["owner-unknown"]
    assert "owner-unknown" not in [finding.policy for finding in policies.of("advisory")]
    assert (policies.judged, policies.silent) == (3, 1)


def test_our_own_packs_words_for_an_unknown_value_are_understood() -> None:
    message = "Images are pinned\nnot yet known: image-latest on spec.containers[0].image\n"
    policies = read_policies(event(policyName="image-latest", enforcementLevel="advisory", message=message))

    assert [finding.message for finding in policies.unknown] == [
        "not yet known: image-latest on spec.containers[0].image"
    ]


def test_what_stops_the_update_is_a_violation_whatever_it_says() -> None:
    policies = read_policies(event(policyName="x", enforcementLevel="mandatory", message="t\nnot yet known: x\n"))

    assert len(policies.of("mandatory")) == 1


def test_the_remedy_stays_with_the_message() -> None:
    message = "Containers have a limit\ncontainer 'web' has no memory limit\nSet resources.limits.memory.\n"
    (finding,) = read_policies(event(policyName="x", enforcementLevel="advisory", message=message)).findings

    assert finding.message == "container 'web' has no memory limit · Set resources.limits.memory."


def test_colour_of_the_engine_is_taken_out() -> None:
    message = "<{%fg 12%}>title\n\x1b[31mtoo big<{%reset%}>\n"
    (finding,) = read_policies(event(policyName="x", enforcementLevel="advisory", message=message)).findings

    assert finding.message == "too big"


def test_the_same_violation_is_told_once() -> None:
    line = event(policyName="x", enforcementLevel="advisory", message="t\nm\n")

    assert len(read_policies(line + line).findings) == 1


def test_a_pack_that_did_not_start_has_judged_nothing() -> None:
    assert recorded("policy-pack-broken").packs == ()


@given(st.integers(0, 6000))
def test_a_log_that_was_cut_short_counts_as_far_as_it_goes(length: int) -> None:
    text = (RESULTS / "policy-mandatory.events").read_text(encoding="utf-8")

    assert set(read_policies(text[:length]).findings) <= set(read_policies(text).findings)


@pytest.mark.parametrize("text", ["hello\nworld\n", "[]\n", '{"a": 1}\n', '{"sequence": 1}\n{"b"\n{"sequence": 2}\n'])
def test_what_is_no_event_log_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"line [12]: it is no") as refused:
        read_policies(text, "events.json")
    assert refused.value.code == "BAD_EVENTS"
