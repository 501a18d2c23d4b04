"""Divide work among forked processes.

A fork has everything that its parent has, so only results travel, and as plain data: classes cost more to pack than
the work that they are the result of.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["cores", "shared"]

T = TypeVar("T")
_PIECE = 1 << 20


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def shared(
    work: Callable[[range], T],
    count: int,
    processes: int,
    *,
    own: float = 1.0,
    pack: Callable[[T], Any] = lambda result: result,
    unpack: Callable[[Any], T] = lambda data: data,
) -> list[T]:
    """What `work` gives for each share of `range(count)`, in order. The first share is done here.

    It is `own` times as large as the others, for the parent has the results to put together as well.

    What comes from another process goes through `pack` there, which gives lists, tuples, dicts, str, bytes and
    numbers, and of these no subclasses; and through `unpack` here. A share whose process failed, for whatever reason,
    is done again here, so an exception of `work` is seen as it is.
    """
    first = count if processes < 2 else int(count * own / (own + processes - 1))
    size = -(-(count - first) // max(1, processes - 1)) or 1
    shares = [range(first), *(range(start, min(start + size, count)) for start in range(first, count, size))]
    children: list[tuple[int, int]] = []
    try:
        children += [_forked(lambda share: pack(work(share)), mine) for mine in shares[1:]]
        done = [work(mine) for mine in shares[:1]]
        for mine in shares[1:]:
            process, reading = children[0]
            data = _all_of(reading)
            del children[0]
            os.close(reading)
            _, status = os.waitpid(process, 0)
            # It comes from a copy of this very process.
            done.append(unpack(marshal.loads(data)) if status == 0 else work(mine))  # noqa: S302
        return done
    finally:
        for process, reading in children:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            os.close(reading)


def _forked(work: Callable[[range], Any], mine: range) -> tuple[int, int]:
    """The child's process id, and the pipe that its result comes by."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    # Nothing of the parent may end with the child: no handler, no buffer of a stream, no temporary folder.
    try:
        gc.disable()
        with os.fdopen(writing, "wb", buffering=0) as stream:
            left = memoryview(marshal.dumps(work(mine)))
            while left:
                left = left[stream.write(left) :]
        os._exit(0)
    finally:
        os._exit(1)


def _all_of(reading: int) -> bytes:
    pieces = []
    while piece := os.read(reading, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)
