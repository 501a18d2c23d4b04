"""Kustomizations before they are rendered: which there are, what they stand on, and where each object was written.

kustomize says what comes out, not where it came from. So a finding about a rendered object is shown at the file that
the object was written in, found by kind and name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as File

from slipway.manifests import Batch, Document, Problem, read
from slipway.manifests.content import read_document
from slipway.manifests.lines import Source
from slipway.manifests.unreadable import Unreadable
from slipway.rules import Object, Path, group_kind
from slipway.rules.kustomization import kustomization_object
from slipway.rules.kustomize_tree import FILE_NAMES
from slipway.rules.shape import entries, listing, mapping, name_of, text

__all__ = ["Kustomization", "Origins", "Rendered", "chain", "kustomization_in", "roots"]

_MOST = 2000
"""Kustomizations of one target: more are a mistake, such as a home folder."""
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Kustomization:
    """A `kustomization.yaml` as it is written."""

    folder: File
    file: File
    value: Object
    source: Source

    def _named(self) -> Iterator[File]:
        for key in ("resources", "bases", "components"):
            for entry in listing(self.value.get(key)):
                if text(entry) and "://" not in entry:
                    yield self.folder / entry

    @property
    def folders(self) -> list[File]:
        """The local folders that it builds on."""
        return [File(os.path.normpath(path)) for path in self._named() if path.is_dir()]

    @property
    def files(self) -> list[File]:
        """The local manifests that it takes up."""
        return [File(os.path.normpath(path)) for path in self._named() if path.suffix in _SUFFIXES and path.is_file()]

    def document(self, root: File, render: Iterable[Object] | None, base: Iterable[Object] | None) -> Document:
        """The Kustomization in the form that its rules take, with its file's path from the repository's root."""
        try:
            name = self.file.resolve().relative_to(root).as_posix()
        except ValueError:
            name = self.file.name
        item = kustomization_object(
            self.value,
            name,
            render=None if render is None else list(render),
            base_render=None if base is None else list(base),
        )
        return Document(item, str(self.file), 0, self.source)


def kustomization_in(folder: File) -> Kustomization | None:
    """The folder's Kustomization; None where there is none, or none that can be read."""
    for name in FILE_NAMES:
        file = folder / name
        if not file.is_file():
            continue
        try:
            data = file.read_bytes()
            value = read_document(data).value
        except (OSError, Unreadable):
            value = None
        return Kustomization(folder, file, mapping(value), Source(data, 0, len(data), 1)) if value else None
    return None


def has_kustomization(folder: File) -> bool:
    """Whether kustomize would find one there, readable or not."""
    return any((folder / name).is_file() for name in FILE_NAMES)


def chain(folder: File) -> list[Kustomization]:
    """The folder's Kustomization and all that it builds on, each once, the nearest first."""
    found: dict[File, Kustomization] = {}
    waiting = [File(os.path.normpath(folder))]
    while waiting and len(found) < _MOST:
        here = waiting.pop(0)
        if here not in found and (own := kustomization_in(here)) is not None:
            found[here] = own
            waiting += own.folders
    return list(found.values())


def roots(folder: File) -> list[File]:
    """The folders below with a Kustomization that no other one there builds on."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if not set(FILE_NAMES).isdisjoint(names):
            found.append(File(os.path.normpath(here)))
        if len(found) >= _MOST:
            break
    below = {base for place in found if (own := kustomization_in(place)) is not None for base in own.folders}
    return [place for place in found if place not in below]


class Origins:
    """Where the objects of a Kustomization were written, and what is wrong in those files."""

    def __init__(self, kustomizations: Iterable[Kustomization]) -> None:
        self._chain = list(kustomizations)
        batch = Batch()
        for own in self._chain:
            batch.add(read([str(file) for file in own.files]))
        # kustomize itself takes the last of two equal keys and says nothing.
        self.duplicates: list[Problem] = [p for p in batch.problems if p.code == "DUPLICATE_KEY"]
        self._documents: dict[tuple[str, str], Document] = {}
        for document in batch.documents:
            self._documents.setdefault((group_kind(document.object), name_of(document.object)), document)
        self._affixed = any(own.value.get(key) for own in self._chain for key in ("namePrefix", "nameSuffix"))

    def of(self, document: Document) -> Document | Rendered:
        """The rendered document with the place where its object was written, where that is known."""
        kind, name = group_kind(document.object), name_of(document.object)
        if (written := self._documents.get((kind, name))) is not None:
            return Rendered(document.object, written)
        if self._affixed:
            near = [found for (k, n), found in self._documents.items() if k == kind and n and n in name]
            if len(near) == 1:
                return Rendered(document.object, near[0])
        return self._generated(document, kind, name) or document

    def _generated(self, document: Document, kind: str, name: str) -> Rendered | None:
        generator = {"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}.get(kind)
        for own in self._chain if generator else ():
            for index, entry in entries(own.value.get(generator or "")):
                if text(entry.get("name")) and text(entry["name"]) in name:
                    at = (generator or "", index)
                    return Rendered(document.object, Document(own.value, str(own.file), 0, own.source), at)
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """An object that kustomize made, at the place where it was written."""

    object: Object
    written: Document
    at: Path | None = None
    """The entry that generates it."""

    @property
    def file(self) -> str:
        """The file that holds the object as its author wrote it."""
        return self.written.file

    def line(self, path: Path = ()) -> int | None:
        """The line of the path there, or of its nearest parent that is written there."""
        return self.written.line(path if self.at is None else self.at)
