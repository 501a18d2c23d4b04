"""Who listens where on this machine."""

from __future__ import annotations

from dataclasses import dataclass

import psutil

__all__ = ["Listening", "listening"]


@dataclass(frozen=True)
class Listening:
    """A TCP or UDP address that some process listens on; `pid` is None when the kernel does not say whose it is."""

    protocol: str
    ip: str
    port: int
    pid: int | None


def listening() -> list[Listening]:
    """Every address that a process of this machine listens on."""
    found = []
    for protocol, kinds in {"tcp": ("tcp4", "tcp6"), "udp": ("udp4", "udp6")}.items():
        for kind in kinds:
            for connection in psutil.net_connections(kind):
                # A UDP socket has no state; one without a peer receives from everybody.
                waiting = psutil.CONN_LISTEN if protocol == "tcp" else psutil.CONN_NONE
                if connection.status == waiting and connection.laddr and not connection.raddr:
                    ip, port = connection.laddr
                    found.append(Listening(protocol, str(ip), int(port), connection.pid))
    return found
