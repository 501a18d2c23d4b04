"""What reading gives: documents with their place, and problems in place of exceptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from slipway.manifests.lines import Source

__all__ = ["LIMITS", "Batch", "Document", "Limits", "Object", "Path", "Problem", "dotted"]

Object = dict[str, Any]
Path = tuple[str | int, ...]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader takes before it gives up; each is far above what an API server would take."""

    # Bytes of a file: a dump of 50,000 objects is about 150 MiB.
    file: int = 256 * MIB
    # Bytes of a YAML document. etcd keeps objects up to 1.5 MiB; a List holds many.
    document: int = 32 * MIB
    # Bytes of one scalar: the API server refuses a whole request above 3 MiB.
    scalar: int = 3 * MIB
    # Mappings and sequences within each other.
    depth: int = 100
    # Scalars, mappings and sequences of a document, aliases counted as what they stand for.
    nodes: int = 1_000_000
    # Documents of a file, empty ones too.
    documents: int = 100_000
    # Problems of a file; what comes after them is not read.
    problems: int = 100
    # Lists within Lists.
    lists: int = 5


LIMITS = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One Kubernetes object and where it was read.

    `file` is the path as the user would name it (`stdin` for standard input, `<folder> (rendered)` for what kustomize
    made). `index` counts the YAML documents of the file that hold something, from 0; the items of a List share it.
    """

    object: Object
    file: str
    index: int
    # None when the object came from no text: a live namespace.
    source: Source | None = field(default=None, repr=False)
    # Where the object stands in its YAML document: ("items", 3) for an item of a List.
    prefix: Path = ()

    def line(self, path: Path = ()) -> int | None:
        """The line of the file, from 1, that holds `path`, or its nearest parent that is there."""
        if self.source is None:
            return None
        node: Any = self.object
        there = 0
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
            there += 1
        return self.source.line((*self.prefix, *path[:there]))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read: where, a stable code, what is wrong, and what to do."""

    file: str
    line: int | None
    code: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


@dataclass(slots=True)
class Batch:
    """What was read. A document with a duplicate key is in `documents` (its last value) and in `problems`."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Files and documents of a folder that are no Kubernetes objects: values files, kustomizations, charts.
    skipped: list[str] = field(default_factory=list)

    def add(self, other: Batch) -> None:
        """Append what another batch holds."""
        self.documents += other.documents
        self.problems += other.problems
        self.skipped += other.skipped

    @property
    def objects(self) -> list[Object]:
        """The objects alone."""
        return [document.object for document in self.documents]

    @property
    def files(self) -> list[str]:
        """The files that documents came from, each once, in the order read."""
        return list(dict.fromkeys(document.file for document in self.documents))


def dotted(path: Iterable[str | int]) -> str:
    """`spec.containers[0].image`; a key that is no plain word is shown as `labels["a.b/c"]`."""
    words: list[str] = []
    for step in path:
        if isinstance(step, int):
            words.append(f"[{step}]")
        elif step.replace("-", "_").isidentifier():
            words.append(f".{step}" if words else step)
        else:
            words.append(f'["{step}"]')
    return "".join(words)
