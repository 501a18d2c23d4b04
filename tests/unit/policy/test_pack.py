"""The rules' verdict on resources: what is violated, what is not yet known, what is excused."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

import pytest

from slipway.policy import Judgement, Level, Pack, Resource
from slipway.rules import Context, Exemption, NotAssessed, Object, Rule, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.shape import dig, text
from tests.unit.policy.conftest import ADVISORY, UNKNOWN, deployment, finds, resource, rule

TODAY = datetime.date(2026, 11, 21)
CONTAINER = {"name": "web", "image": "web:1"}


def image_is_latest(pod: PodView, context: Context) -> Iterable[Violation]:
    for container in pod.containers:
        if text(container.spec.get("image")).endswith(":latest"):
            yield Violation((*container.path, "image"), f"'{container.name}' runs latest")


def privileged(pod: PodView, context: Context) -> Iterable[Violation]:
    for container in pod.containers:
        if dig(container.spec, "securityContext", "privileged") is True:
            yield Violation(container.path, f"'{container.name}' is privileged")


LATEST = rule("image-latest", image_is_latest, reads_pod=True)
PRIVILEGED = rule("privileged", privileged, reads_pod=True)


def pack(*rules: Rule, environment: str = "prod", **options: Any) -> Pack:
    return Pack(rules, ADVISORY, environment, today=TODAY, **options)


def told(judgement: Judgement) -> list[tuple[str, Level, bool]]:
    return [(verdict.rule, verdict.level, verdict.known) for verdict in judgement.verdicts]


def test_a_violation_is_reported_at_its_level_with_the_place_and_the_remedy(faulty: Resource) -> None:
    (verdict,) = pack(rule("wrong", finds)).judge(faulty).verdicts
    assert (verdict.rule, verdict.level, verdict.severity) == ("wrong", Level.MANDATORY, Severity.HIGH)
    assert verdict.message == "it is wrong, at spec\nMend it."
    assert verdict.urn == faulty.urn


def test_dev_is_told_what_prod_is_stopped_by(faulty: Resource) -> None:
    assert told(pack(rule("wrong", finds), environment="dev").judge(faulty)) == [("wrong", Level.ADVISORY, True)]


def test_the_command_lines_level_counts_more_than_the_files(faulty: Resource) -> None:
    found = pack(rule("wrong", finds), levels={"wrong": Level.ADVISORY}).judge(faulty)
    assert told(found) == [("wrong", Level.ADVISORY, True)]


def test_a_disabled_rule_is_not_asked(faulty: Resource) -> None:
    assert pack(rule("wrong", finds), levels={"wrong": Level.DISABLED}).judge(faulty) == Judgement()


def test_a_rule_of_another_environment_is_not_asked(faulty: Resource) -> None:
    assert pack(rule("wrong", finds, environments=("dev",))).judge(faulty) == Judgement()


def test_a_rule_about_other_kinds_has_not_been_passed(faulty: Resource) -> None:
    found = pack(rule("services", finds, "Service"), rule("held", lambda item, context: ())).judge(faulty)
    assert not found.verdicts
    assert found.silent == {"services": "it is about other kinds"}


def test_a_rule_about_resources_sees_the_token_and_the_options() -> None:
    def unprotected(item: Object, context: Context) -> Iterable[Violation]:
        if not item["options"]["protect"]:
            yield Violation(("options", "protect"), f"{item['name']} is not protected")

    release = "kubernetes:helm.sh/v3:Release"
    found = pack(rule("unprotected", unprotected, f"pulumi:{release}")).judge(
        resource({"chart": "redis"}, release, "cache", protect=False)
    )
    assert [verdict.message.split("\n")[0] for verdict in found.verdicts] == [
        "cache is not protected, at options.protect"
    ]


def test_an_unknown_value_is_reported_as_not_yet_known_and_never_stops() -> None:
    image = {**CONTAINER, "image": UNKNOWN}
    found = pack(LATEST).judge(resource(deployment({"containers": [image]})))
    assert told(found) == [("image-latest", Level.ADVISORY, False)]
    assert found.verdicts[0].message == "not yet known: image-latest on spec.template.spec.containers[0].image"
    assert "image-latest" in found.silent, "it must not count as passed"


def test_the_known_part_of_a_resource_is_still_judged() -> None:
    containers = [
        {**CONTAINER, "image": "web:latest"},
        {**CONTAINER, "name": "side", "image": UNKNOWN, "securityContext": {"privileged": True}},
    ]
    found = pack(LATEST, PRIVILEGED).judge(resource(deployment({"containers": containers})))
    assert told(found) == [
        ("image-latest", Level.ADVISORY, False),
        ("image-latest", Level.MANDATORY, True),
        ("privileged", Level.MANDATORY, True),
    ]


@pytest.mark.parametrize(
    "properties",
    [
        deployment(UNKNOWN),
        deployment({"containers": [UNKNOWN]}),
        deployment({"containers": UNKNOWN}),
        deployment({}) | {"spec": UNKNOWN},
        deployment({"containers": [{**CONTAINER, "name": UNKNOWN}]}),
    ],
    ids=["pod", "container", "containers", "spec", "container-name"],
)
def test_when_nothing_can_be_read_one_line_says_so(properties: dict[str, Any]) -> None:
    found = pack(LATEST, PRIVILEGED, rule("services", finds, "Service")).judge(resource(properties))
    (verdict,) = found.verdicts
    assert (verdict.rule, verdict.level, verdict.known) == ("not-yet-known", Level.ADVISORY, False)
    assert "so that 2 rules cannot decide about Deployment web" in verdict.message
    assert found.silent["image-latest"].startswith("not yet known: spec")
    assert found.silent["services"] == "it is about other kinds"


@pytest.mark.parametrize("key", ["name", "namespace", "annotations"])
def test_a_fault_of_an_object_without_a_name_is_not_lost(key: str) -> None:
    spec = {"containers": [{**CONTAINER, "securityContext": {"privileged": True}}]}
    found = pack(PRIVILEGED).judge(resource(deployment(spec, **{key: UNKNOWN})))
    assert found.verdicts
    assert "privileged" in found.silent or any(verdict.known for verdict in found.verdicts)


def test_an_unknown_annotation_disturbs_nobody() -> None:
    spec = {"containers": [{**CONTAINER, "securityContext": {"privileged": True}}]}
    found = pack(PRIVILEGED).judge(resource(deployment(spec, annotations={"checksum": UNKNOWN})))
    assert told(found) == [("privileged", Level.MANDATORY, True)]


def test_an_unreadable_object_is_still_judged_as_a_resource() -> None:
    token = "kubernetes:apps/v1:Deployment"
    found = pack(LATEST, rule("always", finds, f"pulumi:{token}")).judge(resource(deployment(UNKNOWN), token))
    assert [verdict.rule for verdict in found.verdicts] == ["not-yet-known", "always"]


def test_a_check_that_could_not_run_has_not_been_passed(faulty: Resource) -> None:
    def unable(item: Object, context: Context) -> Iterable[Violation]:
        raise NotAssessed("no repository at hand")

    found = pack(rule("unable", unable)).judge(faulty)
    assert found == Judgement(silent={"unable": "no repository at hand"})


def test_an_annotation_excuses_and_is_neither_a_fault_nor_a_pass() -> None:
    note = {"exempt.slipway.dev/wrong": "the vendor's image until=2027-01-01"}
    found = pack(rule("wrong", finds)).judge(resource(deployment({}, annotations=note)))
    assert found == Judgement(silent={"wrong": "exempt until 2027-01-01: the vendor's image"})


def test_an_annotation_that_has_ended_excuses_nothing() -> None:
    note = {"exempt.slipway.dev/wrong": "the vendor's image until=2026-11-20"}
    found = pack(rule("wrong", finds)).judge(resource(deployment({}, annotations=note)))
    assert told(found) == [("wrong", Level.MANDATORY, True)]


def test_the_file_excuses_too(faulty: Resource) -> None:
    excuse = Exemption("wrong", "Deployment.apps", "shop", "web", "upstream's", TODAY)
    assert not pack(rule("wrong", finds), exemptions=[excuse]).judge(faulty).verdicts


def missing_service(item: Object, context: Context) -> Iterable[Violation]:
    if context.objects.get("Service", "shop", "web") is None:
        yield Violation(("spec",), "its Service is missing")


TOGETHER = rule("service-missing", missing_service, whole_set=True)
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}}


def test_rules_about_several_objects_wait_for_the_whole_stack(faulty: Resource) -> None:
    judging = pack(TOGETHER)
    assert judging.judge(faulty) == Judgement()
    (verdict,) = judging.judge_stack([faulty]).verdicts
    assert (verdict.rule, verdict.urn) == ("service-missing", faulty.urn)
    assert not judging.judge_stack([faulty, resource(SERVICE, "kubernetes:core/v1:Service")]).verdicts


def test_the_stack_is_judged_by_what_was_declared(faulty: Resource) -> None:
    judging = pack(TOGETHER)
    service = resource(SERVICE, "kubernetes:core/v1:Service")
    judging.judge(faulty)
    judging.judge(service)
    # Where no cluster answers, a preview's outputs are empty.
    emptied = [Resource(item.type, item.name, item.urn) for item in (faulty, service)]
    assert not judging.judge_stack(emptied).verdicts


@pytest.mark.parametrize(
    "other",
    [
        resource({**SERVICE, "metadata": {"name": UNKNOWN}}, "kubernetes:core/v1:Service"),
        resource({**SERVICE, "metadata": UNKNOWN}, "kubernetes:core/v1:Service"),
        resource({**SERVICE, "metadata": {"name": "web", "annotations": UNKNOWN}}, "kubernetes:core/v1:Service"),
        resource(deployment({"containers": [UNKNOWN]}), name="vague"),
    ],
    ids=["name", "metadata", "annotations", "container"],
)
def test_an_object_that_cannot_be_read_yet_is_in_no_set_and_disturbs_none(faulty: Resource, other: Resource) -> None:
    found = pack(TOGETHER).judge_stack([other, faulty])
    assert [(verdict.rule, verdict.urn) for verdict in found.verdicts] == [("service-missing", faulty.urn)]


def test_a_set_with_an_unknown_value_is_not_yet_known(faulty: Resource) -> None:
    def same_image(item: Object, context: Context) -> Iterable[Violation]:
        for other in context.objects.of("Deployment.apps"):
            text(dig(other, "spec", "template", "spec", "containers")[0].get("image"))
        return ()

    later = resource(deployment({"containers": [{**CONTAINER, "image": UNKNOWN}]}, name="later"), name="later")
    found = pack(rule("same-image", same_image, whole_set=True)).judge_stack([faulty, later])
    assert {known for _, _, known in told(found)} == {False}


def test_an_exemption_that_excused_one_resource_is_of_use_at_the_end() -> None:
    unused = rule("exemption-unused", lambda left, context: [Violation((), e.rule) for e in left], kinds=frozenset())
    note = {"exempt.slipway.dev/wrong": "why until=2027-01-01", "exempt.slipway.dev/held": "why until=2027-01-01"}
    item = resource(deployment({}, annotations=note))
    judging = pack(rule("wrong", finds), rule("held", lambda item, context: ()), unused)
    judging.judge(item)
    assert [verdict.message.split(",")[0] for verdict in judging.judge_stack([item]).verdicts] == ["held"]
