"""The processes' logs: their ends, and what is added to them while somebody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sandbox import preflight
from sandbox.programs import NAMES
from sandbox.settings import layout
from sandbox.wait import tail
from slipway.errors import UsageError

__all__ = ["SOURCES", "ends", "follow"]

SOURCES = (*NAMES, "supervisord")


def ends(process: str | None, lines: int) -> dict[str, list[str]]:
    """The last lines of one process's log, or of every log that there is."""
    return {name: tail(path, lines).splitlines() for name, path in _paths(process).items() if path.exists()}


def follow(process: str | None, poll: float = 0.3) -> Iterator[tuple[str, str]]:
    """Every line that is added from now on, with its process; for ever. A rotated log is read on from its new file."""
    return _added({name: (path, _inode(path), _size(path)) for name, path in _paths(process).items()}, poll)


def _added(places: dict[str, tuple[Path, int, int]], poll: float) -> Iterator[tuple[str, str]]:
    while True:
        for name, (path, inode, offset) in places.items():
            if _inode(path) != inode or _size(path) < offset:
                inode, offset = _inode(path), 0
            if _size(path) > offset:
                with path.open("rb") as file:
                    file.seek(offset)
                    data = file.read(1024 * 1024)
                # A line that is still being written waits for its end.
                whole = data[: data.rfind(b"\n") + 1]
                offset += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    yield name, line
            places[name] = (path, inode, offset)
        time.sleep(poll)


def _paths(process: str | None) -> dict[str, Path]:
    preflight.require_root()
    if process is not None and process not in SOURCES:
        raise UsageError(
            f"no process is called {process!r}", code="UNKNOWN_PROCESS", remedy=f"one of: {', '.join(SOURCES)}"
        )
    folder = layout().logs
    return {name: folder / f"{name}.log" for name in SOURCES if process in {None, name}}


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
