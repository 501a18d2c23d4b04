"""Kubernetes' numbers: resource quantities, whole numbers, and numbers that may be percentages.

The source of the grammar and of its corners is apimachinery's `resource.Quantity` (quantity.go, suffix.go). It takes
more than its own grammar says (`Mi` and `.` are zero, spaces around are dropped), and so does this, because the API
server decides.
"""

from __future__ import annotations

import decimal
import re
from functools import lru_cache
from typing import Any, overload

__all__ = ["MILLI", "UNIT", "quantity", "share", "whole"]

UNIT = 10**9
"""One (core, byte, piece) as `quantity` counts: in billionths, the finest that Kubernetes keeps."""
MILLI = UNIT // 1000
_MOST = (2**63 - 1) * UNIT

_QUANTITY = re.compile(
    r"(?P<number>[+-]?[0-9]*(?:[.][0-9]*)?)(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?[0-9]+))?"
)
_SUFFIXES = {
    "n": decimal.Decimal(1),
    "u": decimal.Decimal(10**3),
    "m": decimal.Decimal(10**6),
    **{letter: decimal.Decimal(1000**power * UNIT) for power, letter in enumerate("kMGTPE", 1)},
    **{f"{letter}i": decimal.Decimal(1024**power * UNIT) for power, letter in enumerate("KMGTPE", 1)},
}
# Away from zero, as Kubernetes rounds: whoever asks for something gets something. The digits beyond these are so small
# that they only count for the direction of rounding.
_CONTEXT = decimal.Context(prec=200, rounding=decimal.ROUND_UP, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
_FARTHEST = 10**17
_LONGEST_KEPT = 64
_INT64_DIGITS = 19


def quantity(value: Any) -> int | None:
    """The quantity in billionths of a unit, or None when the API server would not read it.

    Magnitudes end at 2^63-1 units, as the type's documentation says.
    """
    if isinstance(value, str):
        return _kept(value) if len(value) <= _LONGEST_KEPT else _parsed(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return max(-_MOST, min(value * UNIT, _MOST))
    return _parsed(repr(value)) if isinstance(value, float) else None


def _parsed(value: str) -> int | None:
    value = value.strip(" ")
    found = _QUANTITY.fullmatch(value)
    if found is None or not value:
        return None
    number, suffix, exponent = found.groups()
    # Decimal wants a digit; Kubernetes does without.
    amount = decimal.Decimal(number if number[-1:].isdigit() else f"{number}0")
    factor = _SUFFIXES[suffix] if suffix else decimal.Decimal(UNIT)
    if exponent:
        digits = exponent.lstrip("+-").lstrip("0") or "0"
        if len(digits) > _INT64_DIGITS or not (power := int(digits)) < 2**63:
            return None
        power = min(power, _FARTHEST)
        factor = _CONTEXT.scaleb(factor, -power if exponent[0] == "-" else power)
    amount = _CONTEXT.multiply(amount, factor)
    if amount and amount.adjusted() > len(str(_MOST)):
        return -_MOST if amount < 0 else _MOST
    exact = int(amount.to_integral_value(rounding=decimal.ROUND_UP)) if amount else 0
    return max(-_MOST, min(exact, _MOST))


_kept = lru_cache(maxsize=4096)(_parsed)


@overload
def whole(value: Any) -> int | None: ...


@overload
def whole(value: Any, default: int) -> int: ...


def whole(value: Any, default: int | None = None) -> int | None:
    """The value if it is a whole number, else `default`. True and False are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def share(value: Any, total: int) -> int | None:
    """A number or a percentage of `total`, rounded up, as the disruption controller does; None for anything else."""
    if isinstance(value, str):
        percent = value[:-1]
        if not (value.endswith("%") and percent.isascii() and percent.isdigit() and len(percent) < _INT64_DIGITS):
            return None
        return -(-total * int(percent) // 100)
    return whole(value)
