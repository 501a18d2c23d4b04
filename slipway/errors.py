"""The errors a user can meet, and how they end the command.

    SlipwayError            something is wrong and the user can act on it
    ├── UsageError          the command was called wrongly (exit 2)
    └── CheckFailed         a check ran and said no (exit 1)

Every error says what is wrong, where, and what to do. Packages derive their own classes from these;
the command line prints them and never shows a traceback for one.
"""

from __future__ import annotations

__all__ = ["CheckFailed", "SlipwayError", "UsageError"]


class SlipwayError(Exception):
    """What went wrong, where, and the remedy.

    `code` is a stable upper-case word for scripts; `where` names a file, key or object; `remedy` is one
    sentence or command that the user can act on.
    """

    exit_code = 1

    def __init__(self, what: str, *, code: str = "ERROR", where: str = "", remedy: str = "") -> None:
        super().__init__(_printable(what))
        self.what = _printable(what)
        self.code = code
        self.where = _printable(where)
        self.remedy = _printable(remedy)

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.remedy:
            lines.append(f"  → {self.remedy}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str]:
        """The error as plain data, for `--json`."""
        return {"error": self.what, "code": self.code, "where": self.where, "remedy": self.remedy}


def _printable(text: str) -> str:
    # Bytes that are no UTF-8, of a file's name or of what a program said, are lone surrogates: no stream takes them.
    return text.encode("utf-8", "replace").decode("utf-8")


class UsageError(SlipwayError):
    """The command was called wrongly: an unknown name, a missing file, a value of the wrong form."""

    exit_code = 2


class CheckFailed(SlipwayError):
    """A check ran to its end and its verdict is no."""
