"""Why a document cannot be read. Stays inside this package: readers turn it into a `Problem`."""

from __future__ import annotations

__all__ = ["Unreadable"]


class Unreadable(Exception):
    """A code, what is wrong, and what to do.

    `line` counts from 1 within the document; None is its first line. `begins` is where the collection or scalar began
    that was being read.
    """

    def __init__(
        self, code: str, message: str, line: int | None = None, remedy: str = "", begins: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.remedy = remedy
        self.begins = begins
