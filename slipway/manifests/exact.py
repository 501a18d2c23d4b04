"""Read one YAML document exactly as Kubernetes does, within limits, from libyaml's events.

Events come one by one and the parser keeps its own stack, so neither a bomb nor a thousand brackets can exhaust
anything: reading stops at the first limit it meets.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import yaml

from slipway.manifests.model import LIMITS, Limits, Path
from slipway.manifests.scalars import as_json, key_text, resolve, tagged
from slipway.manifests.unreadable import Unreadable

__all__ = ["Duplicate", "Exact", "read_exact"]

_MERGE_TAG = "tag:yaml.org,2002:merge"
_MOST_DUPLICATES = 20
"""How many duplicate keys of one document are told; the rest say nothing new."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that its mapping has already: the path with it, and the line of the later one."""

    path: Path
    line: int


@dataclass(slots=True)
class Exact:
    """The document's value (None when it holds nothing) and its duplicate keys."""

    value: Any = None
    empty: bool = True
    duplicates: list[Duplicate] = field(default_factory=list)


@dataclass(slots=True)
class _Frame:
    """An open mapping or sequence."""

    value: Any
    line: int
    anchor: str | None
    # Nodes of the document when it began: what lies between is its size.
    began: int
    key: str | None = None
    merging: bool = False
    # Keys written here, as opposed to merged in.
    own: set[str] = field(default_factory=set)


_OPEN = object()


class _Reader:
    def __init__(self, text: bytes, limits: Limits) -> None:
        # Its events alone: neither the resolver nor the constructor of PyYAML takes part.
        self._parser = yaml.CSafeLoader(text)
        self._limits = limits
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._aliased = 0
        self.result = Exact()

    def read(self) -> Exact:
        documents = 0
        while True:
            event = self._event()
            kind = type(event)
            line = event.start_mark.line + 1
            # The most frequent first: there may be a million of them.
            if kind is yaml.ScalarEvent:
                self._count(1, line)
                self._scalar(event, line)
            elif kind is yaml.MappingStartEvent:
                self._open({}, event.anchor, line)
            elif kind is yaml.SequenceStartEvent:
                self._open([], event.anchor, line)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close()
            elif kind is yaml.AliasEvent:
                self._alias(event.anchor, line)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise Unreadable("YAML_SYNTAX", "a second document begins without `---`", line, "write `---`")
            elif kind is yaml.StreamEndEvent:
                return self.result

    def _awaits_key(self) -> bool:
        if not self._stack:
            return False
        frame = self._stack[-1]
        return isinstance(frame.value, dict) and frame.key is None and not frame.merging

    def _event(self) -> Any:
        try:
            return self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            raise _syntax(error) from None
        except yaml.YAMLError as error:
            # A character that YAML does not have.
            raise Unreadable("YAML_SYNTAX", str(error).splitlines()[0], None, "remove the character") from None

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.nodes:
            code = "ALIAS_BOMB" if self._aliased > self._nodes // 2 else "TOO_LARGE"
            what = "with its aliases " if self._aliased else ""
            raise Unreadable(
                code, f"the document {what}holds more than {self._limits.nodes:,} values", line, "split it"
            )

    def _open(self, value: Any, anchor: str | None, line: int) -> None:
        began = self._nodes
        self._count(1, line)
        if len(self._stack) >= self._limits.depth:
            raise Unreadable("TOO_DEEP", f"nested deeper than {self._limits.depth} levels", line, "flatten it")
        if self._awaits_key():
            raise Unreadable("YAML_KEY", "a key is a mapping or a list", line, "keys are text; quote it")
        if anchor:
            self._anchors[anchor] = (_OPEN, 0)
        self._stack.append(_Frame(value, line, anchor, began))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.began)
        self._put(frame.value, frame.line)

    def _scalar(self, event: Any, line: int) -> None:
        if len(event.value) > self._limits.scalar:
            raise Unreadable(
                "TOO_LARGE",
                f"a value of {len(event.value):,} characters; the API server takes no request over 3 MiB",
                line,
                "keep large content out of Kubernetes objects",
            )
        plain = event.implicit[0]
        awaits_key = self._awaits_key()
        if awaits_key and event.value == "<<" and (plain or event.tag == _MERGE_TAG):
            self._stack[-1].merging = True
            return
        try:
            if event.tag is not None:
                value = tagged(event.tag, event.value, plain=plain)
            else:
                value = resolve(event.value) if plain else event.value
            if not awaits_key:
                value = as_json(value)
        except Unreadable as error:
            raise Unreadable(error.code, error.message, line, error.remedy) from None
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, line)

    def _alias(self, anchor: str | None, line: int) -> None:
        if anchor is None or anchor not in self._anchors:
            raise Unreadable("YAML_SYNTAX", "an alias without its anchor", line, "write the anchor before its alias")
        value, size = self._anchors[anchor]
        if value is _OPEN:
            raise Unreadable("ALIAS_BOMB", "an anchor contains itself", line, "remove the alias")
        self._aliased += size
        self._count(size, line)
        # A copy: what the program sees is a tree, as JSON would be.
        self._put(copy.deepcopy(value) if isinstance(value, dict | list) else value, line)

    def _put(self, value: Any, line: int) -> None:
        if not self._stack:
            self.result.value = value
            self.result.empty = False
            return
        frame = self._stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
        elif frame.merging:
            frame.merging = False
            self._merge(frame, value, line)
        elif frame.key is None:
            self._key(frame, value, line)
        else:
            frame.value[frame.key] = value
            frame.key = None

    def _key(self, frame: _Frame, value: Any, line: int) -> None:
        if isinstance(value, dict | list):
            # An alias of one; those written here are refused where they begin.
            raise Unreadable("YAML_KEY", "a key is a mapping or a list", line, "keys are text; quote it")
        try:
            frame.key = key_text(value)
        except Unreadable as error:
            raise Unreadable(error.code, error.message, line, error.remedy) from None
        if frame.key in frame.own and len(self.result.duplicates) < _MOST_DUPLICATES:
            self.result.duplicates.append(Duplicate((*self._path(), frame.key), line))
        frame.own.add(frame.key)

    def _path(self) -> Path:
        steps: list[str | int] = []
        for outer in self._stack[:-1]:
            steps.append(
                len(outer.value) if isinstance(outer.value, list) else outer.key if outer.key is not None else "<<"
            )
        return tuple(steps)

    def _merge(self, frame: _Frame, value: Any, line: int) -> None:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise Unreadable("YAML_SYNTAX", "`<<` merges only mappings", line, "give it an alias of a mapping")
        # The first of several wins; what is written before `<<` is overwritten, as go-yaml does it.
        for source in reversed(sources):
            frame.value.update(source)


def read_exact(text: bytes, limits: Limits = LIMITS) -> Exact:
    """Read the document in `text` (UTF-8, one document). Raises `Unreadable`."""
    return _Reader(text, limits).read()


def _syntax(error: yaml.MarkedYAMLError) -> Unreadable:
    context = error.context or ""
    mark = error.problem_mark or error.context_mark
    if context == "while scanning a simple key":
        # The parser sees that a key has no colon when it has read past it.
        mark = error.context_mark
    message = f"{error.problem or 'not YAML'}{f' {context}' if context else ''}"
    begins = error.context_mark.line + 1 if error.context_mark else None
    line = mark.line + 1 if mark else None
    return Unreadable("YAML_SYNTAX", message, line, "correct the YAML; indent by spaces", begins)
