"""A value that only the update will know: no way of looking at it gives an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from slipway.policy import NotYetKnown, Unknown
from slipway.policy.unknowns import Partial, is_unknown
from slipway.rules import NotAssessed
from slipway.rules.shape import dig, entries, listing, mapping, text

VALUE = Unknown(("spec", "image"))

WAYS: dict[str, Callable[[Any], Any]] = {
    "text": text,
    "mapping": mapping,
    "listing": listing,
    "dig": lambda value: dig(value, "a"),
    "compare": lambda value: value == "a",
    "differ": lambda value: value != "a",
    "order": lambda value: value < 3,
    "truth": bool,
    "hash": lambda value: value in {"a"},
    "print": lambda value: f"{value}",
    "repr": repr,
    "length": len,
    "number": int,
    "iterate": list,
    "index": lambda value: value[0],
    "contains": lambda value: "a" in value,
    "attribute": lambda value: value.startswith("a"),
    "add": lambda value: "a" + value,
    "serialise": lambda value: json.dumps({"a": value}),
    "equal mappings": lambda value: {"a": value} == {"a": "b"},
    "a subset": lambda value: {"a": "b"}.items() <= Partial(a=value).items(),
    "get": lambda value: Partial(a=value).get("a"),
    "is none": lambda value: Partial(a=value).get("a") is None,
    "key": lambda value: "a" in Partial(a=value),
    "item": lambda value: Partial(a=value)["a"],
    "entries": lambda value: list(entries([{}, value])),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_whoever_looks_is_stopped_and_told_where(way: Callable[[Any], Any]) -> None:
    with pytest.raises(NotYetKnown, match=r"not yet known: spec\.image"):
        way(VALUE)


def test_the_engine_of_the_rules_takes_it_for_a_check_that_could_not_run() -> None:
    assert issubclass(NotYetKnown, NotAssessed)


def test_what_is_known_beside_it_can_be_read() -> None:
    partial = Partial(image=VALUE, name="web")
    assert partial["name"] == partial.get("name") == "web"
    assert "name" in partial
    assert "command" not in partial
    assert partial.get("command", "none") == "none"
    assert set(partial) == {"image", "name"}


def test_a_search_that_ends_before_it_is_not_disturbed() -> None:
    assert next(index for index, item in entries([{"a": 1}, VALUE]) if item) == 0
    assert any(name == "name" for name, _ in Partial(name="web", image=VALUE).items())


def test_only_the_type_tells_that_it_is_unknown() -> None:
    assert is_unknown(VALUE)
    assert not is_unknown("web")
