"""Cron schedules as Kubernetes reads them: `ParseStandard` of robfig/cron v3, without a time zone.

Five fields (minute, hour, day of month, month, day of week; Sunday is 0 and never 7) or a descriptor (`@daily`,
`@every 1h30m`).
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["fault"]

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: at for at, name in enumerate(_MONTH_NAMES, 1)}),
    ("day of week", 0, 6, {name: at for at, name in enumerate(_DAY_NAMES)}),
)
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_EVERY = "@every "
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LONGEST = 1000


class _BadSchedule(Exception):
    """Why a schedule cannot be read."""


def fault(schedule: str) -> str:
    """What is wrong with the schedule: that it cannot be read, or that its time never comes. Empty when all is well."""
    return "is too long" if len(schedule) > _LONGEST else _fault(schedule)


@lru_cache(maxsize=1024)
def _fault(schedule: str) -> str:
    if "TZ" in schedule:
        return "has a time zone in it, which belongs in spec.timeZone"
    if schedule.startswith("@"):
        every = schedule.removeprefix(_EVERY) if schedule.startswith(_EVERY) else None
        known = schedule in _DESCRIPTORS or (every is not None and _DURATION.fullmatch(every) is not None)
        return "" if known else "is no descriptor of cron"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"has {len(fields)} fields, and cron wants {len(_FIELDS)}"
    try:
        values = [_values(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    except _BadSchedule as bad:
        return str(bad)
    return "" if _comes(fields, values) else "never comes"


def _values(field: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in filter(None, field.split(",")):
        span, *steps = part.split("/")
        ends = span.split("-")
        if len(steps) > 1 or len(ends) > 2:
            raise _BadSchedule(f"has '{part}' for the {name}")
        if ends[0] in ("*", "?"):
            first, last = low, high
        else:
            first, last = _number(ends[0], name, names), _number(ends[-1], name, names)
            if steps and len(ends) == 1:
                last = high
        step = _number(steps[0], name, {}) if steps else 1
        if not low <= first <= last <= high or step == 0:
            raise _BadSchedule(f"has '{part}' for the {name}, which goes from {low} to {high}")
        found.update(range(first, last + 1, step))
    return found


def _number(word: str, name: str, names: dict[str, int]) -> int:
    if (named := names.get(word.lower())) is not None:
        return named
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise _BadSchedule(f"has '{word}' for the {name}")
    return int(word)


def _comes(fields: list[str], values: list[set[int]]) -> bool:
    """Whether some day fits. Day of month and day of week both bind only where one of them is free."""
    minutes, hours, days, months, weekdays = values
    if not (minutes and hours and months and (days or weekdays)):
        return False
    free = [any(part.split("/")[0].split("-")[0] in ("*", "?") for part in fields[at].split(",")) for at in (2, 4)]
    if not any(free) and weekdays:
        return True
    if not (days and weekdays):
        return False
    return any(min(days) <= _DAYS_OF_MONTH[month - 1] for month in months)
