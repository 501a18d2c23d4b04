"""Cut a file into its YAML documents, without parsing it.

A line that begins with `---` or `...` ends a document wherever it stands, in block scalars too, so the cut is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Chunk", "chunks", "has_content"]

_MARKER = re.compile(rb"\n(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
# What may stand beside a marker without being part of the document.
_BARE_MARKER = re.compile(rb"(?:---|\.\.\.)[ \t\r]*(?:[ \t]#[^\n]*)?(?:\n|\Z)")
_CONTENT = re.compile(rb"^[ \t\r]*[^#\s]", re.MULTILINE)
_DIRECTIVE = re.compile(rb"^%", re.MULTILINE)
_ONLY_DIRECTIVES = re.compile(rb"(?:[ \t\r]*(?:#[^\n]*)?\n|%[^\n]*\n)*\Z")


class Chunk(NamedTuple):
    """Where one document's text begins and ends in its file, and the line (from 1) of its first byte."""

    start: int
    end: int
    line: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The documents of a file, those without content among them."""
    start = 0
    line = 1
    # What a file has nowhere need not be looked for in each document.
    ends_by_dots = data.startswith(b"...") or b"\n..." in data
    has_directives = b"%" in data
    while start <= len(data):
        # A document that begins on its marker's line keeps that line.
        begins = start
        if data.startswith(b"---\n", start):
            begins += 4
        elif bare := _BARE_MARKER.match(data, start):
            begins = bare.end()
        marker = None
        if ends_by_dots or data.find(b"\n---", max(begins - 1, start)) >= 0:
            marker = _MARKER.search(data, max(begins - 1, start))
        if has_directives and marker and _only_directives(data, begins, marker.start() + 1):
            # They stand before the marker of the document that they are for.
            marker = _MARKER.search(data, marker.end())
        end = marker.start() + 1 if marker else len(data)
        yield Chunk(begins, max(begins, end), line + data.count(b"\n", start, begins))
        if marker is None:
            return
        line += data.count(b"\n", start, end)
        start = end


def _only_directives(data: bytes, start: int, end: int) -> bool:
    return _DIRECTIVE.search(data, start, end) is not None and _ONLY_DIRECTIVES.match(data, start, end) is not None


def has_content(text: bytes) -> bool:
    """Whether there is anything but comments and blank lines."""
    return not text.isspace() and _CONTENT.search(text) is not None
