"""Read one document by the quickest reader that is sure of it."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from slipway.manifests.exact import Duplicate, Exact, read_exact
from slipway.manifests.fast import DOUBT, most_values, read_fast, too_much
from slipway.manifests.model import LIMITS, Limits
from slipway.manifests.unreadable import Unreadable

__all__ = ["read_document"]

_KEYS = re.compile(rb'"\s*:')
_SYNTAX = frozenset({"YAML_SYNTAX", "YAML_KEY"})


def read_document(text: bytes, *, is_json: bool = False, limits: Limits = LIMITS) -> Exact:
    """The document in `text`, one document without its markers. Raises `Unreadable`.

    `is_json` holds it to JSON, as the name of its file promises; a YAML file may hold JSON as well.
    """
    if len(text) > limits.document:
        mib = limits.document // (1024 * 1024)
        raise Unreadable("TOO_LARGE", f"a document of {len(text):,} bytes, more than {mib} MiB", 1, "split it")
    if len(text) > limits.nodes and (values := most_values(text)) > 2 * limits.nodes:
        raise Unreadable("TOO_LARGE", f"a document of about {values:,} values", 1, "split it")
    _check_text(text)
    if is_json or (text[:1] in b"{[ \n" and text.lstrip()[:1] in (b"{", b"[")):
        value = _read_json(text, limits)
        if value is not DOUBT:
            return Exact(value, empty=False)
        if is_json:
            return _read_odd_json(text, limits)
    value = read_fast(text, limits)
    if value is not DOUBT and (len(text) <= limits.scalar or not _holds_long_text(value, limits.scalar)):
        return Exact(value, empty=False)
    try:
        return read_exact(text, limits)
    except Unreadable as error:
        if b"{{" in text and error.code in _SYNTAX:
            error.remedy = "it looks like a template: read what renders it"
        raise


def _check_text(text: bytes) -> None:
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise Unreadable("NOT_TEXT", "holds a NUL byte: it is binary, or UTF-16", line, "save it as UTF-8")
    if text.isascii():
        return
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        byte = text[error.start]
        raise Unreadable(
            "NOT_TEXT", f"not UTF-8: byte 0x{byte:02x} ({error.reason})", line, "save it as UTF-8"
        ) from None


def _read_json(text: bytes, limits: Limits) -> Any:
    if too_much(text, limits) or b"\\u0022" in text:
        return DOUBT
    try:
        value = orjson.loads(text)
    except ValueError:
        return DOUBT
    if len(text) > limits.scalar and _holds_long_text(value, limits.scalar):
        return DOUBT
    # A duplicate key leaves no trace in the value but a missing colon.
    return value if len(_KEYS.findall(text)) == orjson.dumps(value).count(b'":') else DOUBT


def _read_odd_json(text: bytes, limits: Limits) -> Exact:
    """JSON with a fault or a duplicate key. YAML's reader gives the lines, where it understands the text as well."""
    duplicates: list[Duplicate] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in items:
            if key in found:
                duplicates.append(Duplicate((key,), 1))
            found[key] = value
        return found

    try:
        value = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_float, object_pairs_hook=pairs)
        value_in_utf8 = orjson.dumps(value)
    except json.JSONDecodeError as error:
        raise Unreadable("JSON_SYNTAX", error.msg, error.lineno, "correct the JSON") from None
    except RecursionError:
        raise Unreadable("TOO_DEEP", f"nested deeper than {limits.depth} levels", 1, "flatten it") from None
    except TypeError as error:
        # Half a surrogate pair, or deeper than orjson goes.
        raise Unreadable("JSON_SYNTAX", str(error), 1, "correct the JSON") from None
    try:
        return read_exact(text, limits)
    except Unreadable as error:
        # Escapes that JSON has and YAML has not; the place of a duplicate key is then unknown.
        if error.code != "YAML_SYNTAX" or len(value_in_utf8) > limits.scalar:
            raise
    return Exact(value, empty=False, duplicates=duplicates)


def _integer(digits: str) -> int | float:
    # Python refuses to make an int of very many digits; to JSON they are one number like another.
    return int(digits) if len(digits) <= 20 else _float(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Unreadable("JSON_SYNTAX", "a number that JSON does not have", None, "quote it, if text is meant")
    return value


def _holds_long_text(value: Any, most: int) -> bool:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            if len(node) > most:
                return True
        elif isinstance(node, dict):
            if any(len(key) > most for key in node):
                return True
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return False
