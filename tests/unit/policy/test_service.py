"""The engine's protocol: what it is told of the pack, and of each resource."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto import analyzer_pb2_grpc

from slipway.policy import Service
from slipway.rules.shape import mapping
from tests.unit.policy.conftest import ADVISORY, DEPLOYMENT, UNKNOWN, deployment, encoded, finds, rule, secret

ROOT = Path(__file__).parents[3]
URN = f"urn:pulumi:prod::shop::{DEPLOYMENT}::web"


class Refused(Exception):
    pass


class Context:
    """Of a request that is refused, the reason."""

    def abort(self, code: Any, details: str) -> None:
        raise Refused(details)


def service(stack: str = "prod", config: dict[str, str] | None = None, *rules: Any) -> Service:
    made = Service(rules or [rule("wrong", finds), rule("together", finds, whole_set=True)], ADVISORY)
    made.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack=stack, config=config or {}), Context())
    return made


def analyze(made: Service, properties: dict[str, Any], **request: Any) -> proto.AnalyzeResponse:
    given = {"urn": URN, "type": DEPLOYMENT, "name": "web", "properties": encoded(properties)}
    return made.Analyze(proto.AnalyzeRequest(**given | request), Context())


def test_each_rule_is_a_policy_at_its_level_in_the_stacks_environment() -> None:
    info = {policy.name: policy for policy in service().GetAnalyzerInfo(Empty(), Context()).policies}
    assert set(info) == {"wrong", "together", "not-yet-known"}
    assert info["wrong"].enforcementLevel == proto.MANDATORY
    assert info["wrong"].policy_type == proto.POLICY_TYPE_RESOURCE
    assert info["wrong"].severity == proto.POLICY_SEVERITY_HIGH
    assert info["together"].policy_type == proto.POLICY_TYPE_STACK
    assert info["not-yet-known"].enforcementLevel == proto.ADVISORY
    dev = {policy.name: policy for policy in service("dev").GetAnalyzerInfo(Empty(), Context()).policies}
    assert dev["wrong"].enforcementLevel == proto.ADVISORY


def test_the_environment_may_differ_from_the_stacks_name() -> None:
    (found,) = analyze(service("mine", {"slipway:environment": "dev"}), deployment({})).diagnostics
    assert found.enforcementLevel == proto.ADVISORY


def test_a_stack_that_is_no_environment_is_refused() -> None:
    with pytest.raises(Refused, match="the environment 'mine', only about dev, prod"):
        service("mine")


def test_a_violation_names_the_policy_the_level_and_the_fault() -> None:
    (found,) = analyze(service(), deployment({})).diagnostics
    assert (found.policyName, found.enforcementLevel, found.urn) == ("wrong", proto.MANDATORY, URN)
    assert found.message == "Title of wrong\nit is wrong, at spec\nMend it."
    assert found.severity == proto.POLICY_SEVERITY_HIGH


def test_what_was_not_asked_is_not_applicable_and_so_never_passed() -> None:
    answer = analyze(service("prod", None, rule("services", finds, "Service")), deployment({}))
    assert {item.policy_name for item in answer.not_applicable} == {"services", "not-yet-known"}


def test_the_command_line_overrides_a_level() -> None:
    made = service()
    config = {"wrong": proto.PolicyConfig(enforcementLevel=proto.DISABLED)}
    made.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config), Context())
    assert not analyze(made, deployment({})).diagnostics


def test_rules_are_told_what_the_engine_knows_of_the_resource() -> None:
    seen: list[Any] = []
    release = "kubernetes:helm.sh/v3:Release"
    watching = rule("watching", lambda item, context: seen.append(item) or (), f"pulumi:{release}")
    options = proto.AnalyzerResourceOptions(protect=True, ignoreChanges=["a"], parent="urn:parent")
    provider = proto.AnalyzerProviderResource(name="cluster")
    analyze(service("prod", None, watching), {"chart": "redis"}, type=release, options=options, provider=provider)
    assert seen[0]["props"] == {"chart": "redis"}
    assert seen[0]["options"] == {
        "protect": True,
        "parent": "urn:parent",
        "provider": "cluster",
        "ignoreChanges": ["a"],
        "aliases": [],
        "additionalSecretOutputs": [],
    }


def test_a_secret_reaches_no_rule() -> None:
    seen: list[Any] = []
    watching = rule("watching", lambda item, context: seen.append(str(item)) or (), "*", "pulumi:*")
    analyze(service("prod", None, watching), deployment({"password": secret("hunter2")}))
    assert len(seen) == 2
    assert "hunter2" not in "".join(seen)


def test_the_whole_stack_is_judged_at_the_end() -> None:
    one = proto.AnalyzerResource(urn=URN, type=DEPLOYMENT, name="web", properties=encoded(deployment({})))
    (found,) = service().AnalyzeStack(proto.AnalyzeStackRequest(resources=[one]), Context()).diagnostics
    assert (found.policyName, found.urn) == ("together", URN)


def test_nothing_is_changed_on_the_quiet() -> None:
    answer = service().Remediate(proto.AnalyzeRequest(type=DEPLOYMENT, properties=encoded({})), Context())
    assert not answer.remediations


def test_an_unknown_value_does_not_stop_an_update() -> None:
    curious = rule("curious", lambda item, context: mapping(item["spec"]["template"]["spec"]) and ())
    (found,) = analyze(service("prod", None, curious), deployment(UNKNOWN)).diagnostics
    assert found.enforcementLevel == proto.ADVISORY
    assert found.message.endswith("not yet known: curious on spec.template.spec")


def test_the_pack_starts_says_its_port_and_answers() -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "policies"), "127.0.0.1:1"], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                pack = analyzer_pb2_grpc.AnalyzerStub(channel)
                pack.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="prod"), timeout=20)
                info = pack.GetAnalyzerInfo(Empty(), timeout=20)
        finally:
            process.kill()
    assert info.name == "slipway"
    assert len(info.policies) > 50
