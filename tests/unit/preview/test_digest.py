"""Reading `pulumi preview --json`: the engine's real results, failures of every kind, and files that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import UsageError
from slipway.preview import Action, PathChange, Size, State, read_digest
from tests.unit.preview.cases import RESULTS, digest, result, step


@pytest.mark.parametrize(
    ("name", "counts", "size"),
    [
        ("unchanged", {Action.UNCHANGED: 7}, Size(7, 7)),
        ("created", {Action.CREATED: 2, Action.UNCHANGED: 7}, Size(7, 9)),
        ("updated", {Action.UPDATED: 3, Action.UNCHANGED: 4}, Size(7, 7)),
        ("replaced", {Action.REPLACED: 1, Action.UNCHANGED: 6}, Size(7, 7)),
        ("prod-deleted", {Action.DELETED: 1, Action.UNCHANGED: 6}, Size(7, 6)),
    ],
)
def test_the_counts_and_the_cost_are_those_of_the_engine(name: str, counts: dict[Action, int], size: Size) -> None:
    preview = result(name)

    assert preview.state is State.COMPLETE
    assert preview.ok
    assert {action: count for action, count in preview.counts.items() if count} == counts
    assert preview.size == size
    assert preview.size.cost == size.after - size.before


def test_the_stack_is_the_one_of_the_urns() -> None:
    assert result("updated").stack == "dev"
    assert result("prod-deleted").stack == "prod"


def test_an_update_names_the_properties_and_no_value() -> None:
    changes = {change.name: change for change in result("updated").of(Action.UPDATED)}

    assert changes["web"].type == "kubernetes:apps/v1:Deployment"
    assert changes["web"].paths == (
        PathChange("spec.replicas", "update"),
        PathChange("spec.template.spec.containers[0].image", "update"),
    )
    assert changes["login"].paths == (PathChange("data.password", "update"),)
    assert "debug" not in str(result("updated"))
    assert "[secret]" not in str(result("updated"))


def test_a_replacement_names_the_property_that_needs_it() -> None:
    (change,) = result("replaced").of(Action.REPLACED)

    assert [(path.path, path.replaces) for path in change.paths] == [
        ("spec.selector.matchLabels.app", True),
        ("spec.template.metadata.labels.app", False),
    ]


def test_without_a_detailed_diff_the_engines_reasons_are_named() -> None:
    given = step("replace", "a:b:C", "x", diffReasons=["size", "name"], replaceReasons=["name"])
    (change,) = read_digest(digest([given])).changes

    assert change.paths == (PathChange("name", "update", replaces=True), PathChange("size", "update"))


def test_removed_protection_is_a_change_though_nothing_else_is() -> None:
    (change,) = result("unprotected").changes

    assert (change.name, change.unprotected, change.action) == ("shop", True, Action.OTHER)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("program-failed", "no port is given for 'web'"),
        ("prod-protected-deleted", "because it is protected"),
        ("cancelled", "preview canceled"),
        ("policy-pack-broken", "unexpected keyword argument 'version'"),
        ("policy-mandatory", "preview failed"),
    ],
)
def test_a_failed_preview_says_why_and_claims_no_size(name: str, error: str) -> None:
    preview = result(name)

    assert preview.state is State.FAILED
    assert not preview.ok
    assert preview.size is None
    assert len(preview.errors) == 1
    assert error in preview.errors[0]


def test_a_mandatory_policy_leaves_the_preview_whole_and_not_ok() -> None:
    preview = result("policy-mandatory", policies=True)

    assert preview.state is State.COMPLETE
    assert preview.errors == ()
    assert not preview.ok


def test_a_mandatory_policy_does_not_hide_another_error() -> None:
    text = (RESULTS / "policy-mandatory.json").read_text(encoding="utf-8")
    document = json.loads(text)
    document["diagnostics"].append({"severity": "error", "message": "error: no such file\n"})
    policies = result("policy-mandatory", policies=True).policies
    preview = read_digest(json.dumps(document), policies=policies)

    assert preview.state is State.FAILED
    assert preview.errors == ("no such file",)


def test_what_slipway_itself_could_not_do_is_a_failed_preview() -> None:
    text = '{"error": "the tool `pulumi` is not built", "code": "TOOL_MISSING", "where": "", "remedy": ""}'
    preview = read_digest(text, stack="prod")

    assert (preview.stack, preview.state, preview.errors) == (
        "prod",
        State.FAILED,
        ("the tool `pulumi` is not built",),
    )


@given(st.data())
def test_a_result_that_was_cut_anywhere_is_no_result(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["updated", "prod-protected-deleted", "cancelled"]))
    text = (RESULTS / f"{name}.json").read_text(encoding="utf-8").rstrip()
    cut = text[: data.draw(st.integers(0, len(text) - 1))]

    assert read_digest(cut, stack="dev").state is State.NO_RESULT


def test_the_environment_is_the_configured_one_where_it_differs_from_the_stack() -> None:
    text = digest([step("delete", "a:b:C", "x", stack="acme-live")], config={"slipway:environment": "prod"})

    assert read_digest(text).environment == "prod"


def test_a_name_may_hold_the_separator_of_urns() -> None:
    (change,) = read_digest(digest([step("create", "a:b:C$d:e:F", "x::y$z")])).changes

    assert (change.type, change.name) == ("d:e:F", "x::y$z")


def test_the_parts_of_a_replacement_are_not_counted_apart() -> None:
    steps = [step(op, "a:b:C", "x") for op in ("create-replacement", "replace", "delete-replaced")]
    preview = read_digest(digest(steps))

    assert [change.operation for change in preview.changes] == ["replace"]
    assert preview.counts[Action.REPLACED] == 1
    assert preview.counts[Action.OTHER] == 0


def test_importing_adds_a_resource_and_reading_does_not() -> None:
    preview = read_digest(digest([step("import", "a:b:C", "x"), step("read", "a:b:C", "y")]))

    assert preview.size == Size(0, 1)
    assert [change.operation for change in preview.of(Action.OTHER)] == ["import", "read"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing like it", "it is not JSON"),
        ('{"steps": [}\n' + " " * 50 + "]}", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "it has none of"),
        ('{"version": 3, "deployment": {}}', "it has none of"),
        ('{"steps": {}}', "`steps` is no list"),
        ('{"steps": [1]}', "steps[0]"),
        ('{"steps": [{"op": "create"}]}', "steps[0]"),
        ('{"diagnostics": ["x"]}', "diagnostics[0]"),
        ('{"changeSummary": []}', "`changeSummary` is no object"),
        ('{"changeSummary": {"create": "3"}}', "changeSummary.create"),
        ('{"changeSummary": {"create": -1}}', "changeSummary.create"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_result_is_refused_with_its_fault(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_digest(text, where="preview.json")
    assert refused.value.code == "BAD_PREVIEW"
    assert told in str(refused.value)
    assert str(refused.value).startswith("preview.json: ")


def test_a_result_of_another_stack_is_refused() -> None:
    text = (RESULTS / "updated.json").read_text(encoding="utf-8")

    with pytest.raises(UsageError, match="of the stack 'dev', not of 'prod'"):
        read_digest(text, stack="prod")


odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["create", "update", "replace", "delete", "same", "odd"]), "urn": st.text()},
        optional=dict.fromkeys(("oldState", "newState", "diffReasons", "replaceReasons", "detailedDiff"), odd),
    )
)
def test_odd_shapes_within_a_step_end_in_no_traceback(given: dict[str, Any]) -> None:
    text = json.dumps({"steps": [given], "changeSummary": {}, "diagnostics": [{"severity": "error", "message": None}]})

    assert read_digest(text).state is State.FAILED
