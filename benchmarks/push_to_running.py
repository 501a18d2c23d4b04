"""How long from `git push` until the changed application answers through the ingress.

Needs the platform up (`make up`). Pushes a changed ENVIRONMENT of app1's dev overlay N times (default 10, at most
50), each time waits until `GET /` says the new value, and prints the distribution; then restores the overlay, also
when it was stopped. The clock starts before `git push`. A second figure shows where the time goes: until Argo CD has
compared the new commit (webhook), and the rest is the rollout.

    .venv/bin/python benchmarks/push_to_running.py [N]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from slipway.commands.shared import cluster, connection
from slipway.platform import application

HOST = "app1.dev.localhost"
OVERLAY = "apps/app1/k8s/overlays/dev/kustomization.yaml"
LIMIT_S = 90


def _environment(port: int) -> str:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": HOST}, timeout=2)
        return str(answer.json()["environment"])
    except (httpx.HTTPError, ValueError):
        return ""


def _git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    argv = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _commit(folder: Path, text: str, message: str) -> str:
    (folder / OVERLAY).write_text(text)
    if _git(folder, "status", "--porcelain"):
        _git(folder, "commit", "-qam", message)
    return _git(folder, "rev-parse", "HEAD")


def _with_environment(text: str, value: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(f"      - ENVIRONMENT={value}\n" if "- ENVIRONMENT=" in line else line for line in lines)


def _measure(folder: Path, text: str, value: str, port: int) -> tuple[float, float]:
    commit = _commit(folder, _with_environment(text, value), f"app1 dev: ENVIRONMENT={value}")
    started = time.monotonic()
    _git(folder, "push", "-q")
    compared = 0.0
    while time.monotonic() - started < LIMIT_S:
        if not compared:
            seen = application(cluster(), "app1-dev")
            if seen and seen.revision == commit:
                compared = time.monotonic() - started
        if _environment(port) == value:
            return compared, time.monotonic() - started
        time.sleep(0.05)
    raise SystemExit(f"{value} was not running within {LIMIT_S} s")


def main() -> None:
    count = min(int(sys.argv[1]) if len(sys.argv) > 1 else 10, 50)
    port = connection()["ingress"]["http_port"]
    results: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "gitops"
        subprocess.run([sys.executable, "-m", "slipway", "gitops", "clone", str(folder)], check=True)
        before = (folder / OVERLAY).read_text()
        try:
            for number in range(count):
                compared, running = _measure(folder, before, f"dev-{number}", port)
                results.append((compared, running))
                print(f"push {number + 1:2}: compared {compared:5.2f} s, running {running:5.2f} s", flush=True)
        finally:
            _commit(folder, before, "app1 dev: ENVIRONMENT as before")
            _git(folder, "push", "-q")
    for name, column in (("compared", 0), ("running", 1)):
        values = sorted(row[column] for row in results)
        print(
            f"{name}: min {values[0]:.2f}  median {statistics.median(values):.2f}  max {values[-1]:.2f} s  (n={count})"
        )


if __name__ == "__main__":
    main()
