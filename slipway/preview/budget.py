"""Fit a text that is partly lists into a limit: whole entries go, the least important first, and are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.errors import SlipwayError

__all__ = ["LIMIT", "Listing", "fit"]

LIMIT = 65_536
"""The most that GitHub takes as a comment, in characters. Bytes are counted here, which are never fewer."""

_LEFT_OUT = "- … and {count} more: left out, since a comment holds {limit:,} characters\n"


@dataclass(frozen=True)
class Listing:
    """A list that may be cut. `rank` 0 is cut last; each entry is one or more whole lines."""

    rank: int
    entries: tuple[str, ...]
    head: str = ""
    tail: str = ""


def fit(parts: Sequence[str | Listing], limit: int = LIMIT) -> tuple[str, int]:
    """Join the parts in their order; returns the text and how many entries are left out of it."""
    room = limit - sum(_fixed(part, limit) for part in parts)
    if room < 0:
        raise SlipwayError(
            f"the comment's headings alone are longer than the {limit:,} characters that GitHub takes",
            code="COMMENT_TOO_LONG",
            remedy="write one comment for fewer stacks",
        )
    listings = [(part.rank, at, part) for at, part in enumerate(parts) if isinstance(part, Listing)]
    shown: dict[int, int] = {}
    for _, at, part in sorted(listings, key=lambda listing: listing[:2]):
        shown[at] = 0
        for entry in part.entries:
            if (size := len(entry.encode())) > room:
                break
            room -= size
            shown[at] += 1
    text = "".join(part if isinstance(part, str) else _cut(part, shown[at], limit) for at, part in enumerate(parts))
    left = sum(len(part.entries) - shown[at] for at, part in enumerate(parts) if isinstance(part, Listing))
    return text, left


def _fixed(part: str | Listing, limit: int) -> int:
    """What the part takes even when all of its entries are left out, in bytes."""
    if isinstance(part, str):
        return len(part.encode())
    note = _LEFT_OUT.format(count=len(part.entries), limit=limit) if part.entries else ""
    return len((part.head + part.tail + note).encode())


def _cut(part: Listing, shown: int, limit: int) -> str:
    left = len(part.entries) - shown
    note = _LEFT_OUT.format(count=left, limit=limit) if left else ""
    return part.head + "".join(part.entries[:shown]) + note + part.tail
