"""Two previews without a state, compared: what the change does, and what such a comparison cannot know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.preview import Action, PathChange, Size, StackPreview, State, read_digest
from tests.unit.preview.cases import RESULTS, digest, step


def made(name: str, inputs: Any = None, **state: Any) -> dict[str, Any]:
    return step("create", "a:b:C", name, newState={"type": "a:b:C", "inputs": inputs or {}} | state)


def compared(base: list[dict[str, Any]], head: list[dict[str, Any]], **more: Any) -> StackPreview:
    return read_digest(digest(head, **more), base=digest(base))


def test_what_only_one_side_makes_is_created_or_deleted() -> None:
    preview = compared([made("kept"), made("gone")], [made("kept"), made("new"), made("newer")])

    assert {change.name: change.action for change in preview.changes} == {
        "gone": Action.DELETED,
        "new": Action.CREATED,
        "newer": Action.CREATED,
    }
    assert preview.size == Size(2, 3)
    assert preview.stateless


def test_other_inputs_are_an_update_with_their_paths() -> None:
    before = {"spec": {"replicas": 1, "containers": [{"image": "a"}, {"image": "b"}], "gone": None}, "a.b/c": "x"}
    after = {"spec": {"replicas": 2, "containers": [{"image": "z"}], "new": []}, "a.b/c": "y"}
    (change,) = compared([made("web", before)], [made("web", after)]).changes

    assert change.action is Action.UPDATED
    assert set(change.paths) == {
        PathChange("spec.replicas", "update"),
        PathChange("spec.containers[0].image", "update"),
        PathChange("spec.containers[1]", "delete"),
        PathChange("spec.gone", "delete"),
        PathChange("spec.new", "add"),
        PathChange('["a.b/c"]', "update"),
    }


def test_a_number_is_not_the_truth_value_that_equals_it() -> None:
    assert len(compared([made("x", {"a": 1})], [made("x", {"a": True})]).changes) == 1


def test_a_protected_resource_that_goes_is_told() -> None:
    (change,) = compared([made("x", protect=True), made("y")], [made("y")]).changes

    assert change.protected


def test_a_preview_against_a_real_state_needs_no_comparison() -> None:
    text = (RESULTS / "updated.json").read_text(encoding="utf-8")

    assert read_digest(text, base=digest([made("x")])) == read_digest(text)


@pytest.mark.parametrize(
    "base",
    [
        "",
        '{"steps": [',
        '{"error": "no tool", "code": "TOOL_MISSING"}',
        digest([made("x")], diagnostics=[{"severity": "error", "message": "broken"}]),
        digest([step("same", "a:b:C", "x")]),
    ],
    ids=["empty", "cut", "not started", "failed", "with a state"],
)
def test_a_base_that_tells_nothing_leaves_everything_new(base: str) -> None:
    head = digest([made("x"), made("y")])

    assert read_digest(head, base=base) == read_digest(head)


def test_a_failed_preview_does_not_make_the_rest_look_deleted() -> None:
    error = [{"severity": "error", "message": "broken"}]
    preview = compared([made("x"), made("y")], [made("x")], diagnostics=error)

    assert preview.state is State.FAILED
    assert preview.of(Action.DELETED) == []


def test_the_policies_verdict_alone_does_not_hinder_the_comparison() -> None:
    head = (RESULTS / "policy-unknown.json").read_text(encoding="utf-8")
    document = json.loads(head)
    base = json.dumps(document | {"diagnostics": [{"severity": "error", "message": "error: preview failed"}]})
    preview = read_digest(head, base=base)

    assert preview.stateless
    assert preview.changes == ()
    assert preview.size == Size(9, 9)


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "[secret]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b.c", "d"]), inner, max_size=3),
    max_leaves=10,
)
inputs = st.dictionaries(st.sampled_from(["x", "y"]), values)


@given(inputs, inputs)
def test_a_resource_is_updated_exactly_when_its_inputs_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    preview = compared([made("x", before)], [made("x", after)])

    assert bool(preview.changes) is (json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True))
