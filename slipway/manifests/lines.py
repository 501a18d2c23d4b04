"""Which line holds a path: asked only for what is reported, so nothing is kept at reading but the bytes."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

import yaml

from slipway.manifests.locate import Known, locate
from slipway.manifests.scalars import key_text, resolve
from slipway.manifests.unreadable import Unreadable

__all__ = ["Source", "parsed_lines"]

Path = tuple[str | int, ...]


class Source:
    """One YAML document's text: a part of its file's bytes, which all documents of the file share."""

    __slots__ = ("_data", "_end", "_first", "_start")

    def __init__(self, data: bytes, start: int, end: int, first: int) -> None:
        """`first` is the line of the file, from 1, that `start` lies in."""
        self._data = data
        self._start = start
        self._end = end
        self._first = first

    @property
    def text(self) -> bytes:
        """The document's own bytes."""
        return self._data[self._start : self._end]

    @property
    def parts(self) -> tuple[bytes, int, int, int]:
        """What another like it is made of."""
        return self._data, self._start, self._end, self._first

    def line(self, path: Path = ()) -> int:
        """The line of the file that holds `path`, or its nearest parent that is there."""
        asked, known, places = _asked_last[0]
        if asked is not self:
            known, places = {}, {}
            # What reports show of a document they show together.
            _asked_last[0] = (self, known, places)
        line = places.get(path)
        if line is None:
            line = places[path] = self._line(path, known)
        return line

    def _line(self, path: Path, known: Known) -> int:
        found = locate(self._data, self._start, self._end, path, known)
        if found is not None:
            return self._first + _newlines(self._data, self._start, found)
        lines = parsed_lines(self)
        for length in range(len(path), -1, -1):
            if path[:length] in lines:
                return self._first + lines[path[:length]]
        return self._first


def _newlines(data: bytes, start: int, found: int) -> int:
    """How many there are between the two, counted from what was found last: a `List` may be long."""
    last = _counted_last[0]
    if last[0] is not data or last[1] != start:
        last = (data, start, start, 0)
    _, _, at, count = last
    count += data.count(b"\n", at, found) if found >= at else -data.count(b"\n", found, at)
    _counted_last[0] = (data, start, found, count)
    return count


_counted_last: list[tuple[bytes, int, int, int]] = [(b"", 0, 0, 0)]
_asked_last: list[tuple[Source | None, Known, dict[Path, int]]] = [(None, {}, {})]


@lru_cache(maxsize=8)
def parsed_lines(source: Source) -> dict[Path, int]:
    """Every path of the document with its line, from 0. What follows a syntax error is missing."""
    lines: dict[Path, int] = {}
    with suppress(yaml.YAMLError):
        _walk(source.text, lines)
    return lines


def _walk(text: bytes, lines: dict[Path, int]) -> None:
    parser = yaml.CSafeLoader(text)
    # The path of each open collection, and its next index, or whether a mapping awaits a key (None) or holds one.
    stack: list[tuple[Path, int | str | None]] = []
    while parser.check_event():
        event: Any = parser.get_event()
        if isinstance(event, yaml.CollectionEndEvent):
            path, _ = stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        line = _line(event)
        if not stack:
            path = ()
        else:
            outer, state = stack[-1]
            if state is None:
                key = _key(event)
                stack[-1] = (outer, key)
                path = (*outer, key)
                lines.setdefault(path, line)
                continue
            path = (*outer, state)
            stack[-1] = (outer, state + 1 if isinstance(state, int) else None)
        lines.setdefault(path, line)
        if isinstance(event, yaml.MappingStartEvent):
            stack.append((path, None))
        elif isinstance(event, yaml.SequenceStartEvent):
            stack.append((path, 0))


def _line(event: Any) -> int:
    return int(event.start_mark.line)


def _key(event: yaml.NodeEvent) -> str:
    if not isinstance(event, yaml.ScalarEvent):
        return ""
    if not event.implicit[0] or event.tag is not None:
        return str(event.value)
    try:
        return key_text(resolve(event.value))
    except Unreadable:
        return str(event.value)
