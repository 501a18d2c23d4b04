"""Ask an application's endpoints through the ingress, as a user would."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["Probe", "smoke", "wait_until_it_answers"]

METRICS_SHOWN_IN = ("dev",)
"""Elsewhere only the cluster's monitoring sees an application's metrics (apps/*/k8s/overlays)."""


@dataclass(frozen=True)
class Probe:
    """One endpoint's answer. `status` is 0 when nothing answered; `took` is in seconds."""

    url: str
    status: int
    ok: bool
    detail: str
    took: float


def _health(answer: httpx.Response) -> bool:
    return bool(answer.json() == {"status": "ok"})


def _index(app: str, environment: str) -> Callable[[httpx.Response], bool]:
    def check(answer: httpx.Response) -> bool:
        body = answer.json()
        return isinstance(body, dict) and bool(
            body.get("app") == app and body.get("environment") == environment and body.get("version")
        )

    return check


def _metrics(answer: httpx.Response) -> bool:
    return "\npython_gc_objects_collected_total{" in answer.text


def _ask(client: httpx.Client, address: str, host: str, path: str, check: Callable[[httpx.Response], bool]) -> Probe:
    import httpx

    url = f"http://{host}:{address.rpartition(':')[2]}{path}"
    started = time.monotonic()
    try:
        # By address and Host header: only browsers and curl know that names under `localhost` are this machine.
        answer = client.get(f"http://{address}{path}", headers={"Host": host})
        ok = answer.status_code == 200 and check(answer)
        detail = "" if ok else answer.text[:200]
        return Probe(url, answer.status_code, ok, detail, time.monotonic() - started)
    except (httpx.HTTPError, ValueError) as error:
        return Probe(url, 0, False, str(error) or type(error).__name__, time.monotonic() - started)


def smoke(app: str, environment: str, *, address: str, host: str) -> list[Probe]:
    """Ask `/health` and `/` of `host` at `address` (`ip:port`), and `/metrics` where the ingress shows them."""
    # A quarter of the time that every command of ours takes to start, and few ask anything of the network.
    import httpx

    endpoints = {"/health": _health, "/": _index(app, environment)}
    if environment in METRICS_SHOWN_IN:
        endpoints["/metrics"] = _metrics
    with httpx.Client(timeout=5, trust_env=False) as client:
        return [_ask(client, address, host, path, check) for path, check in endpoints.items()]


def wait_until_it_answers(
    app: str, environment: str, *, address: str, host: str, timeout: float, say: Callable[[str], None]
) -> list[Probe]:
    """Ask until every endpoint is right or `timeout` seconds are over; the last answers are returned either way."""
    deadline = time.monotonic() + timeout
    while True:
        probes = smoke(app, environment, address=address, host=host)
        bad = [probe for probe in probes if not probe.ok]
        if not bad or time.monotonic() > deadline:
            return probes
        say(f"{bad[0].url}: {bad[0].status or bad[0].detail}")
        time.sleep(0.5)
