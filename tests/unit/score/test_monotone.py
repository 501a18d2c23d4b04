"""No fault raises the score: of the good application, ever more is taken away or made worse, in any order.

The objects keep a form that their kind allows. Of one that the API server refuses the other rules cannot see all: what
holds then is that the overall is at most the cap (`test_an_object_without_a_valid_form_...`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.checks.schemas import KnownSchemas
from slipway.rules import RULES, Engine, Object, ObjectRef
from slipway.rules.cases import good_application
from slipway.rules.context import group_kind
from slipway.rules.pods import pod_of
from slipway.schema import Schemas
from slipway.score import CAP, Score, score

WITHOUT_SCHEMAS = {rule_id: rule for rule_id, rule in RULES.items() if not rule_id.startswith("schema-")}
Fault = Callable[[list[Object]], list[Object]]


def in_each_pod(change: Callable[[dict[str, Any]], None]) -> list[tuple[str, Fault]]:
    """The change to the Pod spec of each workload, one fault each."""

    def fault(position: int) -> Fault:
        def apply(objects: list[Object]) -> list[Object]:
            item = objects[position]
            pod = pod_of(item, group_kind(item))
            assert pod is not None
            change(pod.spec)
            return objects

        return apply

    objects = good_application()
    pods = [position for position, item in enumerate(objects) if pod_of(item, group_kind(item)) is not None]
    return [
        (f"{objects[position]['kind']}/{objects[position]['metadata']['name']}", fault(position)) for position in pods
    ]


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    """Take what lies under the keys out of each container."""

    def change(spec: dict[str, Any]) -> None:
        for container in spec["containers"]:
            target = container
            for key in keys[:-1]:
                target = target.get(key, {})
            target.pop(keys[-1], None)

    return change


def every_container(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Set these values in each container."""

    def change(spec: dict[str, Any]) -> None:
        for container in spec["containers"]:
            container.update(copy.deepcopy(values))

    return change


def every_security_context(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Set these values in each container's security context."""

    def change(spec: dict[str, Any]) -> None:
        for container in spec["containers"]:
            container.setdefault("securityContext", {}).update(copy.deepcopy(values))

    return change


def unhardened(spec: dict[str, Any]) -> None:
    """Take away what protects. What another fault made worse stays: to take that away would mend it."""
    for container in spec["containers"]:
        context = container.get("securityContext", {})
        for key, good in (("allowPrivilegeEscalation", False), ("readOnlyRootFilesystem", True), ("privileged", False)):
            if context.get(key) is good:
                del context[key]
        context.get("capabilities", {}).pop("drop", None)


def unpinned(spec: dict[str, Any]) -> None:
    """Take away the digest and leave the tag."""
    for container in spec["containers"]:
        container["image"] = container["image"].partition("@")[0]


def taken_away(kind: str) -> list[tuple[str, Fault]]:
    """The loss of each object of a kind. A hole stays, so that the other faults find their objects."""

    def fault(position: int) -> Fault:
        def apply(objects: list[Object]) -> list[Object]:
            objects[position] = {}
            return objects

        return apply

    objects = good_application()
    return [(f"{kind}/{item['metadata']['name']}", fault(position)) for position, item in enumerate(objects)
            if item["kind"] == kind]  # fmt: skip


KINDS_OF_FAULTS: dict[str, list[tuple[str, Fault]]] = {
    "no memory limit": in_each_pod(without("resources", "limits", "memory")),
    "no CPU limit": in_each_pod(without("resources", "limits", "cpu")),
    "no limits": in_each_pod(without("resources", "limits")),
    "no memory request": in_each_pod(without("resources", "requests", "memory")),
    "no CPU request": in_each_pod(without("resources", "requests", "cpu")),
    "no resources": in_each_pod(without("resources")),
    "no readiness probe": in_each_pod(without("readinessProbe")),
    "no liveness probe": in_each_pod(without("livenessProbe")),
    "no startup probe": in_each_pod(without("startupProbe")),
    "privileged": in_each_pod(every_security_context(privileged=True)),
    "privilege escalation": in_each_pod(every_security_context(allowPrivilegeEscalation=True)),
    "writable root": in_each_pod(every_security_context(readOnlyRootFilesystem=False)),
    "as root": in_each_pod(every_security_context(runAsUser=0, runAsNonRoot=False)),
    "a capability": in_each_pod(every_security_context(capabilities={"add": ["SYS_ADMIN"]})),
    "no container security": in_each_pod(unhardened),
    "no pod security": in_each_pod(lambda spec: spec.pop("securityContext", None)),
    "the host's network": in_each_pod(lambda spec: spec.update(hostNetwork=True)),
    "the host's processes": in_each_pod(lambda spec: spec.update(hostPID=True)),
    "the host's files": in_each_pod(
        lambda spec: spec.setdefault("volumes", []).append({"name": "host", "hostPath": {"path": "/"}})
    ),
    "a token": in_each_pod(lambda spec: spec.update(automountServiceAccountToken=True, serviceAccountName="default")),
    "latest": in_each_pod(every_container(image="registry.example.com/shop/web:latest")),
    "no digest": in_each_pod(unpinned),
    "a NetworkPolicy less": taken_away("NetworkPolicy"),
    "a PodDisruptionBudget less": taken_away("PodDisruptionBudget"),
}
# CPU limits are disputed; a request that is left out is the limit; a slow start is the application's own matter.
HARMLESS = {"no CPU limit", "no memory request", "no CPU request", "no startup probe"}
FAULTS = {f"{title}: {name}": fault for title, faults in KINDS_OF_FAULTS.items() for name, fault in faults}


def scored(objects: list[Object], environment: str, *, unread: bool = False) -> Score:
    report = Engine(WITHOUT_SCHEMAS.values(), environment=environment, strict=True).run([o for o in objects if o])
    files = [ObjectRef("File", "", "cut-off.yaml")] if unread else []
    return score(report, WITHOUT_SCHEMAS, unread=files)


def assert_no_higher(before: Score, after: Score, what: str) -> None:
    for category, part in after.parts.items():
        assert part.value <= before.parts[category].value, f"{category} rose by: {what}"
    assert after.overall <= before.overall, f"the overall rose by: {what}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    names=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=12, unique=True),
    environment=st.sampled_from(["", "dev", "prod"]),
)
def test_no_fault_raises_any_part_of_the_score(names: list[str], environment: str) -> None:
    objects = good_application()
    before = scored(objects, environment)
    for name in names:
        objects = FAULTS[name](objects)
        after = scored(objects, environment)
        assert_no_higher(before, after, f"{name}, after {names[: names.index(name)]}")
        before = after


@pytest.mark.parametrize("title", KINDS_OF_FAULTS)
def test_a_fault_everywhere_lowers_the_score(title: str) -> None:
    """Else the property above would hold of a score that never moves."""
    objects = good_application()
    for _, fault in KINDS_OF_FAULTS[title]:
        objects = fault(objects)
    result = scored(objects, "prod")

    assert (result.overall < scored(good_application(), "prod").overall) == (title not in HARMLESS)


@pytest.mark.parametrize("environment", ["", "dev", "staging", "prod"])
@pytest.mark.parametrize("worse", ["nginx:latest", "nginx", "nginx:pr-17"])
def test_a_worse_tag_raises_no_part(worse: str, environment: str) -> None:
    """A tag that changes is told by another rule than a tag without a digest."""
    tagged, changing = good_application(), good_application()
    for _, fault in in_each_pod(every_container(image="app1:1.0.0")):
        tagged = fault(tagged)
    for _, fault in in_each_pod(every_container(image=worse)):
        changing = fault(changing)

    assert_no_higher(scored(tagged, environment), scored(changing, environment), worse)


def of_web(*path: str | int) -> Callable[[list[Object], Any], None]:
    def change(objects: list[Object], value: Any) -> None:
        target: Any = next(o for o in objects if (o["kind"], o["metadata"]["name"]) == ("Deployment", "web"))
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = value

    return change


TEMPLATE = ("spec", "template", "spec")
MALFORMED = {
    "a truth value as text": (of_web(*TEMPLATE, "containers", 0, "securityContext", "privileged"), "true"),
    "no containers": (of_web(*TEMPLATE, "containers"), []),
    "containers that are null": (of_web(*TEMPLATE, "containers"), None),
    "containers that are text": (of_web(*TEMPLATE, "containers"), "web"),
    "a security context that is text": (of_web(*TEMPLATE, "containers", 0, "securityContext"), "strict"),
    "an image that is a number": (of_web(*TEMPLATE, "containers", 0, "image"), 5),
    "no template": (of_web("spec", "template"), None),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_an_object_without_a_valid_form_has_no_overall_above_the_cap(what: str) -> None:
    """It may hide faults from the rules of other parts, so that those parts rise."""
    objects = good_application()
    change, value = MALFORMED[what]
    change(objects, value)
    report = Engine(RULES.values(), environment="prod", schemas=KnownSchemas(Schemas()), strict=True).run(objects)
    result = score(report, RULES)

    assert {"schema-invalid", "image-reference-invalid"} & set(result.critical)
    assert result.overall <= CAP


@given(names=st.lists(st.sampled_from(sorted(FAULTS)), max_size=6, unique=True))
@settings(max_examples=20, deadline=None)
def test_a_file_that_cannot_be_read_hides_no_fault(names: list[str]) -> None:
    """To cut off a bad file loses its findings; that must not pay."""
    objects = good_application()
    for name in names:
        objects = FAULTS[name](objects)
    kept = [item for item in objects if item.get("kind") not in ("Deployment", "StatefulSet")]

    assert_no_higher(scored(objects, "prod"), scored(kept, "prod", unread=True), "an unreadable file")
