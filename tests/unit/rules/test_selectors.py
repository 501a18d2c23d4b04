"""Label selectors mean what apimachinery makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.rules.context import Context, ObjectSet
from slipway.rules.selection import LabelIndex, pods_selected, services_selected
from slipway.rules.selectors import (
    EVERYTHING,
    NOTHING,
    InvalidSelector,
    Requirement,
    Selector,
    equality,
    key_fault,
    parse,
    value_fault,
)

LABELS = {"app": "web", "tier": "front", "empty": ""}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchLabels": {"missing": ""}}, False),
        ({"matchLabels": {"empty": ""}}, True),
        (expression("app", "In", "api", "web"), True),
        (expression("app", "In", "api"), False),
        (expression("missing", "In", "web"), False),
        (expression("app", "NotIn", "api"), True),
        (expression("app", "NotIn", "web"), False),
        (expression("missing", "NotIn", "web"), True),
        (expression("app", "Exists"), True),
        (expression("missing", "Exists"), False),
        (expression("app", "DoesNotExist"), False),
        (expression("missing", "DoesNotExist"), True),
        ({"matchLabels": {"app": "web"}, **expression("tier", "NotIn", "front")}, False),
        ({"matchLabels": {"app": "web"}, **expression("tier", "In", "front")}, True),
    ],
)
def test_a_selector_selects(selector: Any, selected: bool) -> None:
    assert parse(selector).matches(LABELS) is selected


@pytest.mark.parametrize(
    ("selector", "path"),
    [
        (expression("app", "Gt", "1"), ("matchExpressions", 0, "operator")),
        (expression("app", "in", "web"), ("matchExpressions", 0, "operator")),
        (expression("app", "In"), ("matchExpressions", 0, "values")),
        (expression("app", "NotIn"), ("matchExpressions", 0, "values")),
        (expression("app", "Exists", "web"), ("matchExpressions", 0, "values")),
        (expression("a b", "Exists"), ("matchExpressions", 0, "key")),
        (expression("", "Exists"), ("matchExpressions", 0, "key")),
        (expression("app", "In", "web", "a b"), ("matchExpressions", 0, "values", 1)),
        ({"matchLabels": {"a b": "web"}}, ("matchLabels", "a b")),
        ({"matchLabels": {"app": "-web"}}, ("matchLabels", "app")),
        ({"matchExpressions": ["app"]}, ("matchExpressions", 0, "operator")),
    ],
)
def test_a_malformed_selector_is_refused_where_it_is_wrong(selector: Any, path: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidSelector) as refused:
        parse(selector)
    assert refused.value.path == path


def test_plain_pairs_without_a_pair_select_nothing() -> None:
    assert equality({}) is NOTHING
    assert not NOTHING.matches(LABELS)
    assert equality({"app": "web"}).matches(LABELS)
    assert EVERYTHING.matches({})


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        ("app", True),
        ("app.kubernetes.io/name", True),
        ("a", True),
        ("A_b-c.9", True),
        ("a" * 63, True),
        ("a" * 64, False),
        (f"{'a' * 253}/b", True),
        (f"{'a' * 254}/b", False),
        ("", False),
        ("/name", False),
        ("example.com/", False),
        ("example.com/a/b", False),
        ("Example.com/name", False),
        ("-app", False),
        ("app-", False),
        ("äpp", False),
        ("app\n", False),
    ],
)
def test_a_label_key_has_the_form_of_a_qualified_name(key: str, valid: bool) -> None:
    assert (key_fault(key) == "") is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [("", True), ("web", True), ("1.8.0", True), ("a_B-9", True), ("a" * 63, True), ("a" * 64, False), ("a/b", False),
     ("1.8.0+5", False), (".web", False), ("web.", False), ("web\n", False), ("a b", False)],
)  # fmt: skip
def test_a_label_value_has_its_form(value: str, valid: bool) -> None:
    assert (value_fault(value) == "") is valid


def test_a_selector_forgets_keys_and_keeps_the_others() -> None:
    whole = Selector({"app": "web", "pod-template-hash": "x"}, (Requirement("job-name", "Exists"),))
    assert whole.without(frozenset({"pod-template-hash", "job-name"})) == Selector({"app": "web"})
    assert whole.without(frozenset({"other"})) is whole


KEYS = st.sampled_from(["app", "tier", "zone"])
VALUES = st.sampled_from(["a", "b", ""])
LABEL_SETS = st.dictionaries(KEYS, VALUES)
REQUIREMENTS = st.one_of(
    st.builds(Requirement, KEYS, st.sampled_from(["In", "NotIn"]), st.lists(VALUES, min_size=1).map(tuple)),
    st.builds(Requirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
)
SELECTORS = st.builds(Selector, LABEL_SETS, st.lists(REQUIREMENTS, max_size=2).map(tuple), st.booleans())


@given(st.lists(LABEL_SETS, max_size=12), SELECTORS)
def test_an_index_finds_what_a_look_at_each_would(labels: list[dict[str, str]], selector: Selector) -> None:
    index = LabelIndex((own, number) for number, own in enumerate(labels))
    assert index.select(selector) == [number for number, own in enumerate(labels) if selector.matches(own)]


@given(LABEL_SETS, REQUIREMENTS)
def test_a_requirement_and_its_contrary_never_agree(labels: dict[str, str], requirement: Requirement) -> None:
    contrary = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}
    other = Requirement(requirement.key, contrary[requirement.operator], requirement.values)
    assert requirement.holds(labels) != other.holds(labels)


def workload(kind: str, name: str, namespace: str = "shop") -> dict[str, Any]:
    version = "batch/v1" if kind == "Job" else "apps/v1"
    template = {"metadata": {"labels": {"app": name}}, "spec": {}}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace},
            "spec": {"template": template}}  # fmt: skip


def names(context: Context, selector: Selector) -> list[str]:
    return [pod.object["metadata"]["name"] for pod in pods_selected(context, "shop", selector)]


def test_labels_that_controllers_add_are_taken_into_account() -> None:
    objects = [workload("StatefulSet", "db"), workload("StatefulSet", "queue"), workload("Job", "once")]
    context = Context(objects=ObjectSet(objects))
    assert names(context, Selector({"statefulset.kubernetes.io/pod-name": "db-0"})) == ["db"]
    assert names(context, Selector({"statefulset.kubernetes.io/pod-name": "cache-0"})) == []
    assert names(context, Selector({"app": "once", "batch.kubernetes.io/job-name": "once"})) == ["once"]


def test_another_namespace_is_another_world() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "blog",
                                                                   "labels": {"app": "web"}}}  # fmt: skip
    context = Context(objects=ObjectSet([workload("Deployment", "web", "blog"), service]))
    assert names(context, Selector({"app": "web"})) == []
    assert services_selected(context, "shop", EVERYTHING) == []
    assert services_selected(context, "blog", Selector({"app": "web"})) == [service]
