"""The engine's property values as plain data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.policy import SECRET, NotYetKnown, decode
from slipway.policy.unknowns import is_unknown
from tests.unit.policy.conftest import SIGNATURE, UNKNOWN, encoded, secret

scalars = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8)
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), plain, max_size=4))
def test_plain_values_come_through_as_they_are(properties: dict[str, Any]) -> None:
    assert decode(encoded(properties)) == properties


def test_whole_numbers_are_integers_and_others_are_not() -> None:
    found = decode(encoded({"port": 8080, "ratio": 0.5}))
    assert isinstance(found["port"], int)
    assert found == {"port": 8080, "ratio": 0.5}


def test_a_secret_is_shown_as_one() -> None:
    assert decode(encoded({"password": secret("hunter2"), "size": secret(12)})) == {"password": SECRET, "size": SECRET}


def test_a_secret_mapping_keeps_its_keys_and_loses_its_values() -> None:
    found = decode(encoded({"data": secret({"user": "ann", "more": {"keys": ["a", "b"]}})}))
    assert found == {"data": {"user": SECRET, "more": {"keys": [SECRET, SECRET]}}}
    assert "ann" not in str(found)


def test_a_secret_inside_a_secret_is_one() -> None:
    assert decode(encoded({"a": secret({"b": secret("c")})})) == {"a": {"b": SECRET}}


@pytest.mark.parametrize(
    "sentinel",
    [
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        UNKNOWN,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ],
)
def test_an_unknown_value_of_any_type_stays_unknown(sentinel: str) -> None:
    found = decode(encoded({"spec": {"ports": [{"port": sentinel}], "known": 1}}))
    assert found["spec"]["known"] == 1
    with pytest.raises(NotYetKnown, match=r"spec\.ports\[0\]\.port"):
        found["spec"]["ports"][0].get("port")


def test_an_unknown_secret_is_unknown() -> None:
    assert is_unknown(dict(decode(encoded({"a": secret(UNKNOWN)})).items())["a"])


@pytest.mark.parametrize(
    ("signature", "shown"),
    [
        ("c44067f5952c0a294b673a41bacd8c17", "[asset]"),
        ("0def7320c3a5731c473e5ecbe6d01bc7", "[archive]"),
        ("5cf8f73096256a8f31e491e813e4eb8e", "[reference]"),
    ],
)
def test_files_and_references_are_named_and_not_read(signature: str, shown: str) -> None:
    assert decode(encoded({"source": {SIGNATURE: signature, "path": "/etc/passwd"}})) == {"source": shown}
