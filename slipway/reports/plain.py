"""Makes text from manifests harmless wherever it is shown.

A manifest's author chooses names and values. Control characters could move a terminal's cursor or colour a forged
line, direction marks could reorder one, and XML has no way to hold most of them.
"""

from __future__ import annotations

import re

__all__ = ["sound", "visible"]

# Controls (C0, DEL, C1), zero-width and direction marks, line separators, surrogates, and what XML 1.0 forbids.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST = 1000


def visible(text: object, longest: int = _LONGEST) -> str:
    """The text on one line, with harmful characters as `\\x1b`, and no longer than `longest` characters."""
    plain = str(text)
    if len(plain) > longest:
        plain = f"{plain[:longest]}…"
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), plain)


def sound(text: str) -> str:
    """The text itself, but for halves of characters (JSON can name them), which strict readers of JSON refuse."""
    return _SURROGATE.sub("\ufffd", text)
