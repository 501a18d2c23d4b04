"""The errors that end the program with a message instead of a traceback.

    ProgramError            the program cannot go on, and the user can act on it
    └── ConfigError         the stack's configuration is wrong; nothing has been planned yet

`__main__.py` turns either into `pulumi.RunError`, which the engine prints as plain text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

__all__ = ["ConfigError", "ProgramError", "suggest"]


class ProgramError(Exception):
    """What is wrong, where, and the remedy: one sentence or command that the user can act on."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  → {self.remedy}" if self.remedy else text


class ConfigError(ProgramError):
    """One or more wrong configuration values; all of them are named, so that one edit repairs the file."""

    def __init__(self, problems: Sequence[str], *, where: str, remedy: str = "") -> None:
        self.problems = tuple(problems)
        what = problems[0] if len(problems) == 1 else "\n".join(["", *(f"  - {problem}" for problem in problems)])
        super().__init__(what, where=where, remedy=remedy)


def suggest(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean X?` when one of the allowed words is close to what was written, else nothing."""
    words = list(allowed)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    near = near or [other for other in words if word and (word.startswith(other) or other.startswith(word))]
    return f"; did you mean '{near[0]}'?" if near else ""
