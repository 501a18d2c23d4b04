"""Read files, folders and standard input."""

from __future__ import annotations

import gc
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path as FilePath
from typing import NamedTuple

from slipway.errors import UsageError
from slipway.forks import shared
from slipway.manifests.chunks import Chunk, chunks, has_content
from slipway.manifests.content import read_document
from slipway.manifests.lines import Source
from slipway.manifests.model import LIMITS, Batch, Limits, Problem, dotted
from slipway.manifests.objects import collect
from slipway.manifests.parcel import packed, unpacked
from slipway.manifests.unreadable import Unreadable

__all__ = ["KUSTOMIZATIONS", "STDIN", "read", "read_bytes", "walk"]

STDIN = "stdin"
"""How problems and documents name standard input."""

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv"})
KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_BOMS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_WORTH_IT = 512 * 1024
"""From so many bytes on: below, forking costs more than it saves."""
_PIECE = 1 << 20
_UTF8_BOM = b"\xef\xbb\xbf"


def read(paths: Iterable[str | os.PathLike[str]], *, limits: Limits = LIMITS, processes: int = 1) -> Batch:
    """The objects in files and folders; `-` is standard input. Bad content becomes a `Problem`.

    Folders are read in the order of their names, with what is below them. Many files are shared out to `processes`,
    which are forked: for programs without other threads at work. Raises `UsageError` (NOT_FOUND) for a path that is
    not there.
    """
    batch = Batch()
    with _no_collection():
        places = list(_places(paths))
        if processes < 2 or STDIN in {place.name for place in places} or _size(places) < _WORTH_IT:
            _read_places(places, batch, limits)
            return batch

        def read_share(mine: range) -> Batch:
            part = Batch()
            _read_places(places[mine.start : mine.stop], part, limits)
            return part

        for part in shared(read_share, len(places), processes, pack=packed, unpack=unpacked):
            batch.add(part)
    return batch


class _Place(NamedTuple):
    """A file to read, and what was left out on the way to it. A place without a file has only that."""

    name: str
    file: FilePath | None
    walked: bool
    skipped: list[str]


def _places(paths: Iterable[str | os.PathLike[str]]) -> Iterator[_Place]:
    for path in paths:
        if os.fspath(path) == "-":
            yield _Place(STDIN, None, False, [])
            continue
        place = FilePath(path)
        if place.is_dir():
            passed = Batch()
            for file in walk(place, passed):
                yield _Place("", file, True, passed.skipped.copy())
                passed.skipped.clear()
            yield _Place("", None, True, passed.skipped)
        elif place.exists() or place.is_symlink():
            yield _Place("", place, False, [])
        else:
            raise UsageError("no such file or folder", code="NOT_FOUND", where=str(path), remedy="check the path")


def _size(places: Iterable[_Place]) -> int:
    """Bytes of the regular files, as far as they can be seen."""
    size = 0
    for place in places:
        with suppress(OSError):
            size += place.file.stat().st_size if place.file is not None else 0
    return size


def _read_places(places: Iterable[_Place], batch: Batch, limits: Limits) -> None:
    for place in places:
        batch.skipped += place.skipped
        if place.file is not None:
            _read_file(place.file, batch, walked=place.walked, limits=limits)
        elif place.name == STDIN:
            _read_stream(batch, limits)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that is read is garbage, and the collector would go through all of it again and again (a quarter)."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def read_bytes(data: bytes, file: str, batch: Batch, *, walked: bool = False, limits: Limits = LIMITS) -> None:
    """Add what the content of `file` holds to the batch. `walked` is explained at `collect`."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            batch.problems.append(Problem(file, 1, "NOT_TEXT", f"it is {name}, not UTF-8", "save it as UTF-8"))
            return
    data = data.removeprefix(_UTF8_BOM)
    if b"\r\n" in data:
        # YAML reads both alike, and the fast reader only one of them.
        data = data.replace(b"\r\n", b"\n")
    is_json = file.endswith(".json")
    index = 0
    found = False
    before = len(batch.problems)
    for count, chunk in enumerate([Chunk(0, len(data), 1)] if is_json else chunks(data)):
        if count >= limits.documents or len(batch.problems) - before >= limits.problems:
            what = "documents" if count >= limits.documents else "problems"
            rest = f"more than {getattr(limits, what):,} {what}: the rest is not read"
            batch.problems.append(Problem(file, chunk.line, "TOO_LARGE", rest, "split it"))
            return
        source = Source(data, chunk.start, chunk.end, chunk.line)
        text = source.text
        if not has_content(text):
            continue
        found = True
        try:
            content = read_document(text, is_json=is_json, limits=limits)
        except Unreadable as error:
            batch.problems.append(_problem(file, chunk.line - 1, text, error))
            continue
        if content.empty or content.value is None:
            continue
        for duplicate in content.duplicates:
            batch.problems.append(
                Problem(
                    file,
                    chunk.line + duplicate.line - 1,
                    "DUPLICATE_KEY",
                    f"the key {dotted(duplicate.path)} is there twice; the last one counts",
                    "remove one of the two",
                )
            )
        collect(content.value, batch, file=file, index=index, source=source, walked=walked, limits=limits)
        index += 1
    if not found and not walked:
        batch.problems.append(Problem(file, 1, "EMPTY", "it holds no document", "name a file with objects"))


def _problem(file: str, before: int, text: bytes, error: Unreadable) -> Problem:
    # What is missing at the end is missed on the line after the last one.
    line = min(error.line or 1, text.rstrip().count(b"\n") + 1)
    message = error.message
    if error.begins is not None and error.begins < line:
        message = f"{message}, which begins in line {before + error.begins}"
    return Problem(file, before + line, error.code, message, error.remedy)


def walk(folder: FilePath, batch: Batch) -> Iterator[FilePath]:
    """The files below `folder` that may hold objects, in order. What is left out is noted in the batch.

    Left out: hidden folders, links to folders, links that lead out of the folder, Helm charts (their templates are no
    YAML before Helm has rendered them), kustomizations, and the values of charts.
    """
    root = folder.resolve()
    for here, folders, names in os.walk(folder):
        place = FilePath(here)
        if "Chart.yaml" in names:
            batch.skipped.append(f"{place}: a Helm chart; read what `helm template` makes of it")
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            file = place / name
            if name in KUSTOMIZATIONS:
                batch.skipped.append(f"{file}: a kustomization")
            elif file.suffix in _SUFFIXES and not name.startswith("."):
                if not file.is_file():
                    batch.skipped.append(f"{file}: no regular file")
                elif file.is_symlink() and not file.resolve().is_relative_to(root):
                    batch.skipped.append(f"{file}: a link that leads out of the folder")
                else:
                    yield file


def _read_file(file: FilePath, batch: Batch, *, walked: bool, limits: Limits) -> None:
    name = str(file)
    try:
        with open(name, "rb", buffering=0) as stream:  # noqa: PTH123 - a path's own `open` takes thrice as long
            # A pipe of the shell is as good as a file; a device or a socket is a mistake.
            status = os.fstat(stream.fileno())
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
                raise OSError(0, "no regular file")
            data = _content(stream, status.st_size, limits.file + 1)  # a pipe's size is 0
    except OSError as error:
        reason = error.strerror or str(error)
        batch.problems.append(Problem(name, None, "NOT_READABLE", f"cannot be read: {reason}", "check the file"))
        return
    _read_limited(data, name, batch, walked=walked, limits=limits)


def _content(stream: io.FileIO, expected: int, most: int) -> bytes:
    """Up to `most` bytes. A buffer for what is expected will do, nearly always."""
    data = stream.read(min(expected + 1, most)) or b""
    if 0 < len(data) == expected:
        return data
    pieces = [data]
    left = most - len(data)
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _read_stream(batch: Batch, limits: Limits) -> None:
    _read_limited(sys.stdin.buffer.read(limits.file + 1), STDIN, batch, walked=False, limits=limits)


def _read_limited(data: bytes, name: str, batch: Batch, *, walked: bool, limits: Limits) -> None:
    if len(data) > limits.file:
        mib = limits.file // (1024 * 1024)
        batch.problems.append(Problem(name, None, "TOO_LARGE", f"larger than {mib} MiB", "split it"))
        return
    read_bytes(data, name, batch, walked=walked, limits=limits)
