"""Scalars are read as Kubernetes reads them. The right-hand sides are what sigs.k8s.io/yaml 1.6 answers in Go."""

from __future__ import annotations

from typing import Any

import pytest

from slipway.manifests.content import read_document
from slipway.manifests.unreadable import Unreadable

BOOLEANS = {
    True: ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"),
    False: ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"),
    None: ("", "~", "null", "Null", "NULL"),
}
NUMBERS: dict[str, Any] = {
    "012": 10,
    "0o14": 12,
    "0O17": 15,
    "08": 8,
    "00": 0,
    "0x1F": 31,
    "-0x10": -16,
    "0b101": 5,
    "0b+1": 1,
    "1_000": 1000,
    "1_2.3_4": 12.34,
    "+1": 1,
    "-0": 0,
    ".5": 0.5,
    "5.": 5,
    "1.0": 1,
    "1e3": 1000,
    "1E+2": 100,
    "1.5e-3": 0.0015,
    "1e21": 1e21,
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 18446744073709551616.0,
    "-9223372036854775808": -9223372036854775808,
    "0e0": 0,
    "1234e5": 123400000,
}
TEXTS = (
    "yEs", "tRUE", "nUll", "1:30", "2001-01-01", "2001-01-01T00:00:00Z", "1.2.3", "10.0.0.1", "1e400", "0x", "0b2",
    "0o8", "._5", "1e", "infinity", "nan", "100m", "128Mi", "0x1p3", "1,000", "-x", "--x", "http://a", "a b",
)  # fmt: skip
KEYS = {"1": "1", "012": "10", "yes": "true", "n": "false", "1.20": "1.2", "1e6": "1e+06", "0x10": "16", "1.0": "1"}


def value(scalar: str) -> Any:
    return read_document(f"a: {scalar}\n".encode()).value["a"]


@pytest.mark.parametrize(("wanted", "scalar"), [(w, s) for w, all_of in BOOLEANS.items() for s in all_of])
def test_a_word_of_yaml_1_1_is_a_boolean_or_null(scalar: str, wanted: bool | None) -> None:
    assert value(scalar) is wanted


@pytest.mark.parametrize(("scalar", "wanted"), NUMBERS.items())
def test_a_number_has_the_value_that_go_gives_it(scalar: str, wanted: float) -> None:
    found = value(scalar)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize("scalar", TEXTS)
def test_what_is_neither_word_nor_number_stays_text(scalar: str) -> None:
    assert value(scalar) == scalar


@pytest.mark.parametrize("scalar", ["yes", "012", "~", "1.0", "null", "0x1F", "1e3", ".inf"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_scalar_is_text(scalar: str, quote: str) -> None:
    assert value(f"{quote}{scalar}{quote}") == scalar


@pytest.mark.parametrize(("key", "wanted"), KEYS.items())
def test_a_key_becomes_the_text_that_go_makes_of_it(key: str, wanted: str) -> None:
    assert read_document(f"{key}: x\n".encode()).value == {wanted: "x"}


@pytest.mark.parametrize(
    ("tagged", "wanted"),
    [
        ("!!str 012", "012"),
        ('!!int "12"', 12),
        ("!!float 1", 1),
        ("!!bool yes", True),
        ("!!binary aGk=", "hi"),
        ("!custom x", "x"),
        ("! 1", "1"),
        ("!!timestamp 2001-01-01", "2001-01-01"),
    ],
)
def test_a_tag_decides(tagged: str, wanted: Any) -> None:
    assert value(tagged) == wanted


@pytest.mark.parametrize("scalar", [".inf", "-.INF", ".nan", "!!int x", "!!bool 5", "!!binary '*'"])
def test_what_json_cannot_hold_is_refused(scalar: str) -> None:
    with pytest.raises(Unreadable) as refused:
        value(scalar)
    assert (refused.value.code, refused.value.line) == ("YAML_VALUE", 1)


@pytest.mark.parametrize("key", ["~", "null"])
def test_a_null_key_is_refused(key: str) -> None:
    with pytest.raises(Unreadable, match="key is null"):
        read_document(f"a: b\n{key}: x\n".encode())


def test_a_merge_fills_in_what_is_missing() -> None:
    text = b"base: &b {x: 1, w: 2}\nmine:\n  <<: *b\n  w: 3\nmany:\n  <<: [*b, {x: 9, z: 8}]\n"
    found = read_document(text)
    assert found.value["mine"] == {"x": 1, "w": 3}
    assert found.value["many"] == {"x": 1, "w": 2, "z": 8}
    assert found.duplicates == []


def test_an_alias_is_a_copy() -> None:
    found = read_document(b"a: &a {x: [1]}\nb: *a\n").value
    found["a"]["x"].append(2)
    assert found["b"] == {"x": [1]}
