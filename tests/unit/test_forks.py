"""Work that is divided gives what undivided work gives, whatever becomes of a process."""

from __future__ import annotations

import os
import signal

import pytest

from slipway.forks import shared


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100])
@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("own", [0.5, 1.0])
def test_every_number_is_in_one_share_and_in_order(count: int, processes: int, own: float) -> None:
    parts = shared(lambda mine: list(mine), count, processes, own=own)
    assert [number for part in parts for number in part] == list(range(count))


def test_results_travel_packed() -> None:
    parts = shared(lambda mine: {*mine}, 6, 3, pack=sorted, unpack=set)
    assert parts == [{0, 1}, {2, 3}, {4, 5}]


def test_the_share_of_a_killed_process_is_done_here() -> None:
    here = os.getpid()

    def work(mine: range) -> list[int]:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return list(mine)

    assert shared(work, 4, 2) == [[0, 1], [2, 3]]


def test_an_exception_in_another_process_is_raised_here() -> None:
    def work(mine: range) -> int:
        return 1 // (1 - mine.start // 2)

    with pytest.raises(ZeroDivisionError):
        shared(work, 4, 2)


def test_an_exception_here_leaves_no_process_behind() -> None:
    def work(mine: range) -> int:
        if mine.start:
            signal.pause()
        raise LookupError("mine")

    with pytest.raises(LookupError):
        shared(work, 4, 2)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
