"""Speaks the engine's analyzer protocol, and is the process that the engine starts.

`pulumi_policy` speaks the protocol too, with three differences that matter here. It hands secrets to policies in plain
text and without a mark. It makes Python objects of the resource anew for each policy, which a library of hundreds of
rules makes slow. And an unknown value ends a policy without the faults that it has found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto import analyzer_pb2_grpc, plugin_pb2

from slipway.errors import SlipwayError
from slipway.policy.enforcement import Enforcement, Level
from slipway.policy.pack import UNDECIDED, UNDECIDED_TITLE, Judgement, Pack, needs_stack
from slipway.policy.resources import Resource
from slipway.policy.values import decode
from slipway.rules import Exemption, Rule, Severity

__all__ = ["Service", "serve"]

NAME = "slipway"
VERSION = "0.1.0"
# Argo CD's largest definition is 2 MB of properties; gRPC's own limit is 4 MB.
LARGEST_MESSAGE = 400 * 1024 * 1024

_LEVELS = {Level.ADVISORY: proto.ADVISORY, Level.MANDATORY: proto.MANDATORY, Level.DISABLED: proto.DISABLED}
_NAMES = {number: level for level, number in _LEVELS.items()}
_SEVERITIES = {
    Severity.CRITICAL: proto.POLICY_SEVERITY_CRITICAL,
    Severity.HIGH: proto.POLICY_SEVERITY_HIGH,
    Severity.MEDIUM: proto.POLICY_SEVERITY_MEDIUM,
    Severity.LOW: proto.POLICY_SEVERITY_LOW,
    Severity.ADVISORY: proto.POLICY_SEVERITY_UNSPECIFIED,
}


class Service(analyzer_pb2_grpc.AnalyzerServicer):
    """The pack of one engine run: the engine says which stack it is about, then asks about each resource."""

    def __init__(self, rules: Iterable[Rule], enforcement: Enforcement, exemptions: Sequence[Exemption] = ()) -> None:
        """Where the engine names no stack (`pulumi policy publish`), the last environment of `enforcement` counts."""
        self._rules = list(rules)
        self._enforcement = enforcement
        self._exemptions = exemptions
        self._environment = list(enforcement.environments)[-1]
        self._levels: dict[str, Level] = {}
        self._pack = self._make()

    def ConfigureStack(
        self, request: proto.AnalyzerStackConfigureRequest, context: grpc.ServicerContext
    ) -> proto.AnalyzerStackConfigureResponse:
        """The stack's environment is its name, or `slipway:environment`, as in the program."""
        environment = request.config.get("slipway:environment") or request.stack
        if environment not in self._enforcement.environments:
            known = ", ".join(self._enforcement.environments)
            what = (
                f"{self._enforcement.file}: it says nothing about the environment '{environment}', only about {known}"
            )
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, what)
        self._environment = environment
        self._pack = self._make()
        return proto.AnalyzerStackConfigureResponse()

    def Configure(self, request: proto.ConfigureAnalyzerRequest, context: grpc.ServicerContext) -> Empty:
        """`--policy-pack-config` changes the level of single rules."""
        self._levels = {
            name: _NAMES.get(config.enforcementLevel, Level.MANDATORY) for name, config in request.policyConfig.items()
        }
        self._pack = self._make()
        return Empty()

    def GetAnalyzerInfo(self, request: Empty, context: grpc.ServicerContext) -> proto.AnalyzerInfo:
        """The rules, one policy each, at their levels in this environment."""
        info = proto.AnalyzerInfo(name=NAME, displayName="Slipway", version=VERSION, supportsConfig=True)
        info.policies.add(
            name=UNDECIDED,
            description=UNDECIDED_TITLE,
            enforcementLevel=proto.ADVISORY,
            policy_type=proto.POLICY_TYPE_RESOURCE,
        )
        for rule in self._rules:
            info.policies.add(
                name=rule.id,
                displayName=rule.title,
                description=rule.title,
                message=rule.reason,
                remediation_steps=rule.remedy,
                enforcementLevel=_LEVELS[self._pack.level(rule)],
                policy_type=proto.POLICY_TYPE_STACK if needs_stack(rule) else proto.POLICY_TYPE_RESOURCE,
                severity=_SEVERITIES[rule.severity_for(self._environment)],
                tags=[rule.category],
            )
        return info

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The pack's version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Analyze(self, request: proto.AnalyzeRequest, context: grpc.ServicerContext) -> proto.AnalyzeResponse:
        """Judge the inputs of one resource."""
        judgement = self._pack.judge(_resource(request))
        if not any(verdict.rule == UNDECIDED for verdict in judgement.verdicts):
            judgement.silent[UNDECIDED] = "the resource can be judged"
        return _answer(judgement)

    def AnalyzeStack(self, request: proto.AnalyzeStackRequest, context: grpc.ServicerContext) -> proto.AnalyzeResponse:
        """Judge all resources together."""
        return _answer(self._pack.judge_stack(map(_resource, request.resources)))

    def Remediate(self, request: proto.AnalyzeRequest, context: grpc.ServicerContext) -> proto.RemediateResponse:
        """Nothing is changed on the quiet: a rule says what to do, and the program stays what runs."""
        return proto.RemediateResponse()

    def _make(self) -> Pack:
        return Pack(
            self._rules,
            self._enforcement,
            self._environment,
            exemptions=self._exemptions,
            levels=self._levels,
        )


def serve(make: Callable[[], Service]) -> None:
    """Serve what `make` gives until the engine ends this process; its first line of output is the port.

    The user's mistakes in the pack's files end it with their text instead.
    """
    try:
        service = make()
    except SlipwayError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(error.exit_code) from None
    # One resource at a time: rules are pure Python, and the pack remembers what it has seen.
    server = grpc.server(
        ThreadPoolExecutor(max_workers=1),
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ],
    )
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def _resource(request: proto.AnalyzeRequest | proto.AnalyzerResource) -> Resource:
    given = request.options
    options: dict[str, Any] = {
        "protect": given.protect,
        "parent": given.parent,
        "ignoreChanges": list(given.ignoreChanges),
        "aliases": list(given.aliases),
        "additionalSecretOutputs": list(given.additionalSecretOutputs),
    }
    if request.HasField("provider"):
        options["provider"] = request.provider.name
    if given.deleteBeforeReplaceDefined:
        options["deleteBeforeReplace"] = given.deleteBeforeReplace
    return Resource(request.type, request.name, request.urn, decode(request.properties), options)


def _answer(judgement: Judgement) -> proto.AnalyzeResponse:
    answer = proto.AnalyzeResponse()
    for verdict in judgement.verdicts:
        answer.diagnostics.add(
            policyName=verdict.rule,
            policyPackName=NAME,
            policyPackVersion=VERSION,
            description=verdict.title,
            # The engine prints the message alone; like the published packages, it begins with the description.
            message=f"{verdict.title}\n{verdict.message}",
            enforcementLevel=_LEVELS[verdict.level],
            severity=_SEVERITIES[verdict.severity],
            urn=verdict.urn,
        )
    for rule, reason in judgement.silent.items():
        answer.not_applicable.add(policy_name=rule, reason=reason)
    return answer
