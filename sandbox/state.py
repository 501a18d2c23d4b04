"""What the sandbox remembers: the machine as it was before the first change, and its random secrets.

`sandbox.json` is written before the first change to the machine and removed after the last one is undone. So it
exists exactly while something may be left to undo.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.files import StateCorrupt, read_json, write_json
from sandbox.settings import LONGEST_STATE_PATH, Layout
from slipway.errors import SlipwayError

__all__ = ["Record", "Secrets", "load", "lock", "prepare", "require_own", "secrets_of"]

LOCK = Path("/run/lock/slipway-sandbox.lock")
VERSION = 1


@dataclass
class Record:
    """The machine before the sandbox: what `down` puts back, and which folders it may remove."""

    created: float
    sysctls: dict[str, str] = field(default_factory=dict)
    # Fixed paths outside the state directory that some component insists on and that were absent before.
    new_paths: list[str] = field(default_factory=list)
    # Packet filter rules that existed before: family -> table -> lines.
    rules: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def save(self, files: Layout) -> None:
        """Write it to `sandbox.json`."""
        write_json(files.record, {"version": VERSION, **self.__dict__})


def load(files: Layout) -> Record | None:
    """The record of a sandbox that is up or was not taken down, if any."""
    if not files.record.exists():
        return None
    value = read_json(files.record)
    if value.pop("version", None) != VERSION:
        raise StateCorrupt(f"not a record of version {VERSION}", files.record)
    try:
        record = Record(**value)
    except TypeError as error:
        raise StateCorrupt(f"not what the sandbox wrote ({error})", files.record) from error
    shaped = isinstance(record.sysctls, dict) and isinstance(record.rules, dict) and isinstance(record.new_paths, list)
    if not shaped:
        raise StateCorrupt("not what the sandbox wrote", files.record)
    return record


@dataclass(frozen=True)
class Secrets:
    """The sandbox's random secrets; none of them exists anywhere else."""

    git_password: str
    git_reader_password: str
    webhook_secret: str
    # 32 bytes in base64: the key that encrypts Kubernetes Secrets in etcd.
    encryption_key: str


def secrets_of(files: Layout) -> Secrets:
    """The secrets, made the first time."""
    if not files.secrets.exists():
        if (files.etcd / "member").exists():
            # Without the key the stored Secrets are noise, and every component that reads one would fail later.
            raise StateCorrupt("missing, while the cluster's data that it encrypts is there", files.secrets)
        made = Secrets(
            git_password=secrets.token_urlsafe(24),
            git_reader_password=secrets.token_urlsafe(24),
            webhook_secret=secrets.token_urlsafe(32),
            encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        )
        write_json(files.secrets, made.__dict__)
    value: dict[str, Any] = read_json(files.secrets)
    try:
        found = Secrets(**value)
    except TypeError as error:
        raise StateCorrupt(f"not what the sandbox wrote ({error})", files.secrets) from error
    if not all(isinstance(text, str) and text for text in value.values()):
        raise StateCorrupt("not what the sandbox wrote", files.secrets)
    return found


def require_own(files: Layout) -> None:
    """Raise when the state directory is somebody else's: `reset` deletes it, and a typing error must not cost more."""
    marks = (files.record, files.secrets, files.pki, files.supervisor)
    if files.root.exists() and any(files.root.iterdir()) and not any(mark.exists() for mark in marks):
        raise SlipwayError(
            "this folder holds something, but no sandbox",
            code="NOT_A_SANDBOX",
            where=str(files.root),
            remedy="set SLIPWAY_SANDBOX_DIR to a folder that is empty or does not exist",
        )


def prepare(files: Layout) -> None:
    """Make the state directory, for its owner only."""
    if len(str(files.root)) > LONGEST_STATE_PATH:
        raise SlipwayError(
            f"the state directory's path has {len(str(files.root))} characters; the kubelet's socket needs it to have "
            f"at most {LONGEST_STATE_PATH}",
            code="PATH_TOO_LONG",
            where=str(files.root),
            remedy="set SLIPWAY_SANDBOX_DIR to a shorter path",
        )
    files.root.mkdir(parents=True, exist_ok=True)
    files.root.chmod(0o700)
    for folder in (files.config, files.supervisor, files.logs, files.run):
        folder.mkdir(exist_ok=True)


@contextmanager
def lock(say: Callable[[str], None], timeout: float = 900) -> Iterator[None]:
    """Hold the machine's one sandbox lock: bridge, ports and rules exist once, whatever the checkout."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    # O_CLOEXEC is Python's default: the supervisor must not inherit the lock and hold it for ever.
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                if time.monotonic() > deadline:
                    raise SlipwayError(
                        f"another sandbox command (pid {holder}) has been running for {timeout:.0f} s",
                        code="LOCKED",
                        where=str(LOCK),
                        remedy=f"wait for it, or end it: kill {holder}",
                    ) from None
                if not told:
                    say(f"waiting for another sandbox command (pid {holder})")
                    told = True
                time.sleep(0.2)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
