"""The default Pulumi backend: a private folder in the checkout, its passphrase, and the locks that a crash leaves.

Used only where the user has chosen no backend of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
from pathlib import Path

import psutil

__all__ = ["PASSPHRASE_FILE", "STATE_FOLDER", "has_stale_lock", "make_folder", "make_passphrase"]

PASSPHRASE_FILE = ".pulumi-passphrase"  # noqa: S105 (a file's name)
STATE_FOLDER = ".state"


def make_folder(folder: Path) -> None:
    """The backend's folder, for its owner only; the engine refuses one that does not exist."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_passphrase(file: Path) -> None:
    """A random passphrase, once, for its owner only. The state cannot be read without it: it must survive a crash."""
    if file.exists():
        return
    descriptor, unfinished = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    with os.fdopen(descriptor, "w") as sink:
        sink.write(secrets.token_urlsafe(32) + "\n")
        sink.flush()
        os.fsync(descriptor)
    # A link and not a rename: of two that start at once, the first one's stays.
    with contextlib.suppress(FileExistsError):
        file.hardlink_to(unfinished)
    Path(unfinished).unlink()


def has_stale_lock(folder: Path, stack: str) -> bool:
    """Whether the stack is locked by a process of this machine that is no more, and by no other."""
    locks = sorted(folder.glob(f".pulumi/locks/organization/*/{stack}/*.json"))
    return bool(locks) and all(_is_dead(lock) for lock in locks)


def _is_dead(lock: Path) -> bool:
    try:
        owner = json.loads(lock.read_text())
        return owner["hostname"] == socket.gethostname() and not psutil.pid_exists(owner["pid"])
    except (OSError, ValueError, KeyError):
        # A lock that cannot be read is nobody's business but the engine's.
        return False
