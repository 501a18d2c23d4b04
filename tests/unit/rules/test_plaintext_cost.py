"""Looking for credentials costs what the text is long, whatever stands in it."""

from __future__ import annotations

import time

import pytest

from slipway.rules.plaintext import is_harmless, is_sensitive, scan

MEGABYTE = 1_000_000


LINES = (
    "token " + "a" * MEGABYTE,
    "token" + "://" * (MEGABYTE // 3),
    "token eyJ" * (MEGABYTE // 9),
    "token " + "azure_" * (MEGABYTE // 6),
    "token=" + "{{" * (MEGABYTE // 2),
    "password: " + "<" * MEGABYTE,
    "x?password=&" * (MEGABYTE // 12),
)


@pytest.mark.parametrize("text", LINES, ids=lambda text: text[:12])
def test_a_megabyte_on_one_line_is_looked_through_at_once(text: str) -> None:
    started = time.process_time()
    scan(text, "values.yaml")
    is_sensitive(text)
    is_harmless(text)
    assert time.process_time() - started < 2
