"""Kustomizations before they are rendered: which there are, what they stand on, and where each object was written.

kustomize says what comes out, not where it came from. So a finding about a rendered object is shown at the file that
the object was written in, found by kind and name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path as File

from slipway.checks.folder import repository_of
from slipway.errors import UsageError
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
    root: File | None = None
    """The repository's root, without links; None where there is no repository."""

    def _named(self) -> Iterator[File]:
        for key in ("resources", "bases", "components"):
            for entry in listing(self.value.get(key)):
                if text(entry) and "://" not in entry:
                    yield self.folder / entry

    @property
    def folders(self) -> list[File]:
        """The local folders that it builds on, those of the repository."""
        return [File(os.path.normpath(path)) for path in self._named() if _within(path, self.root, File.is_dir)]

    @property
    def files(self) -> list[File]:
        """The local manifests that it takes up. kustomize takes none from outside of its folder."""
        root = self.folder.resolve()
        named = (path for path in self._named() if path.suffix in _SUFFIXES)
        return [File(os.path.normpath(path)) for path in named if _within(path, root, File.is_file)]

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


def _within(path: File, root: File | None, there: Callable[[File], bool]) -> bool:
    """Whether it is there and below the root. Its author chose it: it may lead anywhere, or be no path at all."""
    try:
        return there(path) and (root is None or path.resolve().is_relative_to(root))
    except (OSError, ValueError, RuntimeError):
        return False


def kustomization_in(folder: File, root: File | None = None) -> Kustomization | None:
    """The folder's Kustomization; None where there is none, or none that can be read.

    `root`, a path without links, bounds what it builds on.
    """
    for name in FILE_NAMES:
        file = folder / name
        if not file.is_file():
            continue
        try:
            data = file.read_bytes()
            value = read_document(data).value
        except (OSError, Unreadable):
            value = None
        return Kustomization(folder, file, mapping(value), Source(data, 0, len(data), 1), root) if value else None
    return None


def has_kustomization(folder: File) -> bool:
    """Whether kustomize would find one there, readable or not."""
    return any((folder / name).is_file() for name in FILE_NAMES)


def chain(folder: File, root: File | None = None) -> list[Kustomization]:
    """The folder's Kustomization and all that it builds on, each once, the nearest first.

    Nothing outside of `root` is looked at; without it, outside of the repository around the folder.
    Raises `UsageError` (TOO_MANY) for more than 2,000.
    """
    bound = _bound(folder, root)
    found: dict[File, Kustomization] = {}
    waiting = [File(os.path.normpath(folder))]
    while waiting:
        here = waiting.pop(0)
        if here not in found and (own := kustomization_in(here, bound)) is not None:
            found[here] = own
            _refuse_too_many(found, folder)
            waiting += own.folders
    return list(found.values())


def roots(folder: File, root: File | None = None) -> list[File]:
    """The folders below with a Kustomization that is deployed: no other one there builds on it, or it is an overlay.

    Argo CD deploys `overlays/<environment>` as it is, whatever else builds on it. `root` as for `chain`.
    Raises `UsageError` (TOO_MANY) for more than 2,000.
    """
    bound = _bound(folder, root)
    found: list[File] = []
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if not set(FILE_NAMES).isdisjoint(names):
            found.append(File(os.path.normpath(here)))
            _refuse_too_many(found, folder)
    kustomizations = [own for place in found if (own := kustomization_in(place, bound)) is not None]
    below = {base for own in kustomizations for base in own.folders if base != own.folder}
    return [place for place in found if place not in below or _is_overlay(place)]


def _is_overlay(folder: File) -> bool:
    return File(os.path.normpath(File.cwd() / folder)).parent.name == "overlays"


def _bound(folder: File, root: File | None) -> File | None:
    around = root or repository_of(folder)
    return around.resolve() if around is not None else None


def _refuse_too_many(found: Sized, folder: File) -> None:
    if len(found) > _MOST:
        raise UsageError(
            f"more than {_MOST:,} Kustomizations",
            code="TOO_MANY",
            where=str(folder),
            remedy="name the applications' folders",
        )


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
