"""Put untrusted text into GitHub's Markdown so that it shows as it is and does nothing.

Names and messages come from the program, the engine and rules; whoever opens a pull request chooses them. All of them
go into code spans or fenced blocks: there GitHub reads no HTML, no link, no image, no `@mention`, no `#issue` and no
commit id. Nothing untrusted stands in a table, where a `|` ends even a code span.
"""

from __future__ import annotations

import re

__all__ = ["clip", "code", "fence", "plain"]

_BACKTICKS = re.compile("`+")
_LINE_BREAKS = re.compile(r"\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def plain(text: str) -> str:
    """One line: what cannot be seen (line breaks, control characters, direction marks) becomes an escape: `\\u202e`."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def clip(text: str, most: int) -> str:
    """The text, cut to `most` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def code(text: str, most: int = 200) -> str:
    """A code span of at most `most` characters of `text`.

    https://spec.commonmark.org/0.31.2/#code-spans: it ends at the first run of backticks as long as the one that
    opened it, and one space is taken off each end when both have one.
    """
    shown = clip(plain(text), most)
    if not shown.strip():
        shown = f"{shown!r}"
    mark = "`" * (max(map(len, _BACKTICKS.findall(shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{mark}{pad}{shown}{pad}{mark}"


def fence(text: str, most_lines: int = 30, most: int = 4000) -> str:
    """A fenced block that holds the text, cut to `most_lines` lines and `most` characters."""
    lines = [plain(line.expandtabs()) for line in _LINE_BREAKS.split(clip(text.strip(), most))]
    if len(lines) > most_lines:
        left = len(lines) - most_lines
        lines = [*lines[:most_lines], f"… {left} more line{'s' if left > 1 else ''}"]
    body = "\n".join(lines)
    mark = "`" * max(3, max(map(len, _BACKTICKS.findall(body)), default=0) + 1)
    return f"{mark}text\n{body}\n{mark}"
