"""Keeps what several rules want to know of one Pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from slipway.rules.pods import PodView

__all__ = ["of_last_pod"]

T = TypeVar("T")


def of_last_pod(compute: Callable[[PodView], T]) -> Callable[[PodView], T]:
    """`compute`, with its answer for the Pod that was asked about last: a Pod's rules are asked one after the other.

    The Pod and its answer are replaced together, so threads may cost each other a computation and nothing else.
    """
    kept: tuple[PodView | None, T | None] = (None, None)

    def ask(pod: PodView) -> T:
        nonlocal kept
        known, answer = kept
        if known is not pod or answer is None:
            answer = compute(pod)
            kept = (pod, answer)
        return answer

    return ask
