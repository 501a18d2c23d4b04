"""Plain scalars as Kubernetes reads them.

kubectl, Argo CD and the API server read YAML by sigs.k8s.io/yaml, which stands on go-yaml v2: YAML 1.1 booleans
(`yes`, `on`, `y`), octal `012` and `0o12`, hexadecimal, binary, underscores in numbers; no base 60, and dates stay
text. The value then passes through JSON, so that `1e3` and `1.0` arrive as the integers 1000 and 1.
Source: `resolve.go` and `decode.go` of go.yaml.in/yaml/v2 2.4, `yaml.go` of sigs.k8s.io/yaml 1.6.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from typing import Any

from slipway.manifests.unreadable import Unreadable

__all__ = ["as_json", "key_text", "resolve", "tagged"]

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_DATE = re.compile(r"\d{4}-")
# strconv.ParseInt with base 0, after go-yaml took the underscores out.
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
# Of binary numbers go-yaml makes a second try, which takes a sign after the prefix.
_SIGNED_BINARY = re.compile(r"0b([-+][01]{1,63})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# go-yaml asks strconv.ParseFloat itself about what begins with a point, and that takes underscores between digits.
_POINT_FLOAT = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")


def resolve(text: str) -> Any:
    """The value of a plain scalar without a tag: str, int, float, bool or None."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first == ".":
        return _float(text.replace("_", ""), text) if _POINT_FLOAT.fullmatch(text) else text
    if first not in "0123456789+-":
        return text
    plain = text.replace("_", "")
    if match := _INTEGER.fullmatch(plain):
        sign, *digits = match.groups()
        for base, number in zip((16, 2, 8, 10), digits, strict=True):
            if number is not None:
                # More digits than 64 bits hold are a float; int() of very many would be refused.
                value = int(number, base) if len(number) <= 64 else 2**64
                value = -value if sign == "-" else value
                if -(2**63) <= value < (2**63 if sign else 2**64):
                    return value
    if match := _SIGNED_BINARY.fullmatch(plain):
        return int(match[1], 2)
    if _FLOAT.fullmatch(plain):
        return _float(plain, text)
    return text


def tagged(tag: str, text: str, *, plain: bool) -> Any:
    """The value of a scalar with an explicit tag. Raises `Unreadable` where go-yaml refuses the pair."""
    short = tag.removeprefix(_TAG)
    if short == "binary" and tag != short:
        try:
            return base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise Unreadable("YAML_VALUE", "!!binary value is not base64 of UTF-8 text") from None
    if tag == short or short not in {"bool", "int", "float", "null", "timestamp"}:
        return text
    value = resolve(text)
    kind = {bool: "bool", int: "int", float: "float", type(None): "null"}.get(type(value), "str")
    if kind == short:
        return value
    if short == "float" and kind == "int":
        return value
    if short == "timestamp" and _DATE.match(text):
        return text
    raise Unreadable("YAML_VALUE", f"the value is not a !!{short}")


def as_json(value: Any) -> Any:
    """A scalar after its way through JSON, which has one kind of number: Go writes 1e3 as 1000."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unreadable("YAML_VALUE", f"JSON has no number {value}", remedy="quote it, if text is meant")
        if value.is_integer() and -(2**63) <= value < 2**63:
            return int(value)
    return value


def key_text(value: Any) -> str:
    """A mapping's key as JSON has it: always text. Raises `Unreadable` for null."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_key(value)
    raise Unreadable("YAML_KEY", "a key is null", remedy="give the key a name, or quote it")


def _float(plain: str, text: str) -> Any:
    value = float(plain)
    return text if math.isinf(value) else value


def _float_key(value: float) -> str:
    """sigs.k8s.io/yaml writes it as the shortest text of 32 bits: `1.20` becomes the key `1.2`."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    short = _as_float32(value)
    if math.isinf(short):
        return f"{'-' if value < 0 else ''}.inf"
    digits = next(count for count in range(1, 18) if _as_float32(float(f"{short:.{count}g}")) == short)
    mantissa, _, exponent = f"{short:.{digits - 1}e}".partition("e")
    power = int(exponent)
    if -4 <= power < 6:
        return f"{float(f'{mantissa}e{exponent}'):.{max(0, digits - 1 - power)}f}"
    return f"{mantissa}e{power:+03d}"


def _as_float32(value: float) -> float:
    try:
        (short,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(short)
