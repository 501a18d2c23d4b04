"""Read one YAML document by rapidyaml, when that surely gives what the exact reader would give.

rapidyaml reads six times as fast as libyaml with Python objects, but it is a YAML 1.2 parser with opinions of its own.
So a document goes through three gates, and any doubt sends it to the exact reader:

1. its text holds nothing that the two parsers see differently (anchors, tags, tabs, odd block headers ...);
2. the JSON that rapidyaml writes parses, and no key was lost on the way (a duplicate);
3. no scalar reads differently under YAML 1.1 (`yes`, `012`, `1e3` ...).

A doubt without cause costs time only. `tests/unit/manifests/test_fast_and_exact_agree.py` holds the two together.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Any

import orjson
import ryml  # type: ignore[import-untyped]

from slipway.manifests.model import LIMITS, Limits

__all__ = ["DOUBT", "most_values", "read_fast", "too_much"]

DOUBT = object()
"""The answer of `read_fast` for what the exact reader must decide."""

# Bytes that mean nothing special to YAML where they stand, or leave their mark in the JSON.
_HARMLESS = bytes(byte for byte in range(0x20, 0x7F) if byte not in b"&*!?|>\\") + b"\n" + bytes(range(0x80, 0x100))
# Where the others may mean something. Each alternative was found by comparing the two readers.
_EXOTIC = re.compile(
    rb"[\x00-\x09\x0b-\x1f\x7f&*!?|>\\](?:"
    # Tabs, carriage returns, control characters.
    rb"(?<=[\x00-\x1f\x7f])"
    # Anchors, aliases, tags, complex keys: only at the beginning of a value.
    rb"|(?<=[&*!?])(?:(?<=[:,?\-\[{\n ] .)|(?<=[\n\[{,].))"
    # Block scalars with more than a chomping mark in their header.
    rb"|(?<=[|>])(?:(?<=[:?\-\n ] .)|(?<=\n.))(?![-+]?(?:\n|\Z))"
    # Escapes; `\` at a line's end among them.
    rb"|(?<=\\)[^\\\"nrt])"
)
_EXOTIC_START = re.compile(rb" *[&*!?|>%]")
# Flow collections that are not closed on their line, or hold comments, or colons that could stand for two things.
_FLAT = rb"[^\n\[\]{}:#]++|(?<![\s,\[{]):(?![,?\]}\[{\n])|(?<!\s)#"
_FLOW = rb"(?:%b)*+" % _FLAT
for _ in range(5):
    _FLOW = rb"(?:%b|[\[{]%b[\]}])*+" % (_FLAT, _FLOW)
_ODD_FLOW = re.compile(rb"[\[{](?!%b[\]}])" % _FLOW)
# Line breaks of YAML 1.1 that YAML 1.2 does not have, byte order marks, and what is no character.
_ODD_UNICODE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
# Strings of the JSON that YAML 1.1 may read as something else, had they no quotes in the YAML.
# The first character is looked at once, or all the alternatives are tried at every quote: three times as slow.
_SUSPECT = re.compile(
    rb'"(?=[-+.~0-9yYnNoOTF@`%"< \]}])(?:'
    rb'(?=[yYnNoOTF~])(?:[yYnN~]"|[yY]es"|YES"|[nN]o"|NO"|[oO]n"|ON"|[oO]ff"|OFF"'
    rb'|T(?:rue|RUE)"|F(?:alse|ALSE)"|N(?:ull|ULL)"|null":)'
    # Octal, hexadecimal, binary, leading zeros; exponents; .nan and .inf; keys that are floats; underscores.
    rb'|(?=[-+.0-9])(?:[-+]?(?:0[0-9xXoObB][0-9a-fA-FxXoObB.+-]*"|[0-9.]+[eE][-+]?[0-9]+"|\.[nNiI][aAnN][nNfF]"'
    rb'|[0-9]*\.[0-9]*":)|-0":|[-+.0-9][0-9a-fA-FxXoObB.+-]*_[0-9a-fA-FxXoObB_.+-]*"|\+[0-9.]+")'
    # Merges; keys that are empty or begin with a space (a list's item at two indentations); what no scalar begins with.
    rb'|<<":|(?<=[,{]")(?:":| )|[@`%]|(?<=[:,\[{]")[\]}])'
)
# Integers to Go, floats to Python.
_WHOLE_FLOAT = re.compile(rb"\.0[,}\]]")
_BRACKET = re.compile(rb"[\[\]{}]")
_DEPTH = 60
"""rapidyaml writes up to 64 levels."""


def read_fast(text: bytes, limits: Limits = LIMITS) -> Any:
    """The mapping that the document in `text` (UTF-8) is, or `DOUBT`."""
    # To the last block scalar of a text without a last line break, rapidyaml adds one.
    if text.translate(None, _HARMLESS) and (
        not text.endswith(b"\n") or _EXOTIC.search(text) or _EXOTIC_START.match(text)
    ):
        return DOUBT
    if (b"{" in text or b"[" in text) and _ODD_FLOW.search(text):
        return DOUBT
    if not text.isascii() and _ODD_UNICODE.search(text):
        return DOUBT
    if too_much(text, limits):
        return DOUBT
    try:
        with _quiet:
            written = ryml.emit_json(ryml.parse_in_arena(text))
        value = orjson.loads(written or b"null")
    except (ryml.ExceptionBasic, ValueError, IndexError):
        return DOUBT
    if not isinstance(value, dict):
        return DOUBT
    again = orjson.dumps(value)
    if written.count('":') != again.count(b'":') or _SUSPECT.search(again):
        return DOUBT
    if (b".0" in again and _WHOLE_FLOAT.search(again)) or b"e+" in again:
        return DOUBT
    return value


def most_values(text: bytes) -> int:
    """About how many values the text may hold: each needs a line, a comma or a bracket of its own."""
    return text.count(b"\n") + text.count(b",") + text.count(b"[") + text.count(b"{")


def too_much(text: bytes, limits: Limits) -> bool:
    """More than rapidyaml's tree should hold, or deeper than it writes. Both would cost memory before they fail."""
    if (len(text) > limits.nodes and most_values(text) > limits.nodes) or b"- - - - - - " in text:
        return True
    if len(text) < _DEPTH or text.count(b"[") + text.count(b"{") < _DEPTH:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth >= _DEPTH:
            return True
    return False


class _Quiet:
    """rapidyaml prints each error to the C library's stderr, beside raising it; there is no switch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._null = -1
        self._kept = -1

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            if self._null < 0:
                self._null = os.open(os.devnull, os.O_WRONLY)
            self._kept = os.dup(2)
            os.dup2(self._null, 2)
        except OSError:
            # There is no stderr, so nothing shows on it.
            self._kept = -1

    def __exit__(self, *_: object) -> None:
        if self._kept >= 0:
            os.dup2(self._kept, 2)
            os.close(self._kept)
        self._lock.release()


_quiet = _Quiet()
