"""Files that survive a power cut: written beside, flushed, then renamed over the old one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError

__all__ = ["StateCorrupt", "read_json", "write", "write_json"]

RESET = "run `slipway sandbox reset`: it deletes the sandbox's state, and the next `slipway sandbox up` starts afresh"


class StateCorrupt(SlipwayError):
    """A file of the sandbox's state cannot be what the sandbox wrote."""

    def __init__(self, what: str, where: Path) -> None:
        super().__init__(what, code="STATE_CORRUPT", where=str(where), remedy=RESET)


def write(path: Path, content: str | bytes, *, mode: int = 0o600) -> bool:
    """Make `path` hold `content`; true when that changed it. A reader sees the old file or the new one."""
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.read_bytes() == data and (path.stat().st_mode & 0o777) == mode:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as temporary:
            temporary.write(data)
            os.fchmod(temporary.fileno(), mode)
            temporary.flush()
            os.fsync(temporary.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return True


def sync_directory(path: Path) -> None:
    """Flush a directory, so that a rename in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any, *, mode: int = 0o600) -> bool:
    """Make `path` hold `value` as JSON; true when that changed it."""
    return write(path, json.dumps(value, indent=2, sort_keys=True) + "\n", mode=mode)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; `StateCorrupt` when it does not hold one."""
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise StateCorrupt(f"not readable as JSON ({error})", path) from error
    if not isinstance(value, dict):
        raise StateCorrupt("not a JSON object", path)
    return value
