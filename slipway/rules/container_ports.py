"""The ports of a Pod's containers, found as the API server finds them (`FindPort` in pkg/api/v1/pod)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.pods import PodView
from slipway.rules.shape import entries, text

__all__ = ["DEFAULT_PROTOCOL", "has_named_port", "ports_of"]

DEFAULT_PROTOCOL = "TCP"


def ports_of(pod: PodView) -> Iterator[dict[str, Any]]:
    """The `ports` entries of the containers that run as long as the Pod does: sidecars too."""
    for container in pod.containers:
        if container.role in ("container", "sidecar"):
            for _, port in entries(container.spec.get("ports")):
                yield port


def has_named_port(pods: Iterable[PodView], name: str, protocol: str) -> bool:
    """Whether one of the Pods has a port of that name that speaks the protocol."""
    for pod in pods:
        for port in ports_of(pod):
            if port.get("name") == name and (text(port.get("protocol")) or DEFAULT_PROTOCOL) == protocol:
                return True
    return False
