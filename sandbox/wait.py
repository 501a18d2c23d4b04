"""Waiting for a server to answer, with an eye on the process that should make it answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sandbox.files import RESET
from sandbox.supervisor import Supervisor
from slipway.errors import SlipwayError

__all__ = ["tail", "wait_for"]

# A process that failed this often in a row will not recover by being started again.
_HOPELESS = 4


def wait_for(
    condition: Callable[[], bool],
    own: Supervisor,
    names: Iterable[str],
    timeout: float,
    tell: Callable[[], None] = lambda: None,
) -> None:
    """Wait until `condition` holds; raise, with the end of its log, when a process it rests on does not stay up.

    `tell` is called once, and only when there is something to wait for.
    """
    if condition():
        return
    tell()
    deadline = time.monotonic() + timeout
    # One failed start is one start time, however often it is looked at.
    failures: dict[str, set[float]] = {name: set() for name in names}
    pause = 0.05
    while not condition():
        states = own.states()
        late = time.monotonic() > deadline
        for name, starts in failures.items():
            now = states.get(name)
            if now is not None and now.state in {"BACKOFF", "EXITED"}:
                starts.add(now.since)
            if late or now is None or now.state == "FATAL" or len(starts) >= _HOPELESS:
                raise failed(own, name)
        time.sleep(pause)
        pause = min(pause * 1.3, 0.3)


def failed(own: Supervisor, name: str) -> SlipwayError:
    """The error for a process that does not stay up."""
    log = own.files.logs / f"{name}.log"
    return SlipwayError(
        f"{name} does not come up; the end of its log:\n{tail(log, 8)}",
        code="PROCESS_FAILED",
        where=str(log),
        remedy=f"the whole log: `slipway sandbox logs {name}`; if its data is damaged, {RESET}",
    )


def tail(path: Path, lines: int) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 200 * 1024))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:] if lines else [])
