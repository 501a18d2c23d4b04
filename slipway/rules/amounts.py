"""What a Pod's containers ask for, and which of them have which fault.

Thousands of containers ask for the same few amounts. So a fault is looked for once in each pair of requests and limits
that occurs, and its rule is told only of the containers that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from slipway.rules.memo import of_last_pod
from slipway.rules.model import Path
from slipway.rules.pods import Container, PodView
from slipway.rules.quantity import quantity
from slipway.rules.shape import mapping

__all__ = ["Amounts", "Fault", "Side", "read"]

Side = dict[Any, int | None]
"""Requests or limits by resource, in billionths; None for what the API server cannot read."""


class Amounts(NamedTuple):
    """A container's requests and limits."""

    container: Container
    requests: Side
    limits: Side

    def written(self, side: str, resource: Any) -> Any:
        """The value as it is written, `side` being `requests` or `limits`."""
        return self.container.spec["resources"][side][resource]

    def path(self, side: str, resource: Any) -> Path:
        """Where it is written."""
        return (*self.container.path, "resources", side, str(resource))


class Fault:
    """A fault that requests and limits may have. As a decorator it turns the test for it into one."""

    def __init__(self, test: Callable[[Side, Side], bool]) -> None:
        self.test = test
        _FAULTS.append(self)

    def among(self, pod: PodView) -> Sequence[Amounts]:
        """The containers of a Pod that have it. Ephemeral ones cannot have resources and are left out."""
        return _found(pod).get(self, ())


_FAULTS: list[Fault] = []


def read(values: Any) -> Side:
    """One side of a `resources` as amounts. Null is no amount; a truth value counts as the number that it equals."""
    return {
        resource: quantity(int(value) if isinstance(value, bool) else value)
        for resource, value in mapping(values).items()
        if value is not None
    }


@of_last_pod
def _found(pod: PodView) -> dict[Fault, list[Amounts]]:
    found: dict[Fault, list[Amounts]] = {}
    for container in pod.containers:
        if container.role == "ephemeral":
            continue
        resources = mapping(container.spec.get("resources"))
        pair = mapping(resources.get("requests")), mapping(resources.get("limits"))
        try:
            requests, limits, faults = _judged(tuple(pair[0].items()), tuple(pair[1].items()))
        except TypeError:  # a list or a mapping where an amount belongs cannot be remembered
            requests, limits, faults = _judge(*pair)
        for fault in faults:
            found.setdefault(fault, []).append(Amounts(container, requests, limits))
    return found


def _judge(requests: Any, limits: Any) -> tuple[Side, Side, tuple[Fault, ...]]:
    pair = read(requests), read(limits)
    return *pair, tuple(fault for fault in _FAULTS if fault.test(*pair))


@lru_cache(maxsize=1024)
def _judged(
    requests: tuple[tuple[Any, Any], ...], limits: tuple[tuple[Any, Any], ...]
) -> tuple[Side, Side, tuple[Fault, ...]]:
    return _judge(dict(requests), dict(limits))
