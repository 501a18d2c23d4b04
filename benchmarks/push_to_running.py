"""How long from `git push` until the changed application answers through the ingress.

Needs the platform up (`make up`). Pushes a changed ENVIRONMENT of app1's dev overlay N times (default 10, at most
50), each time waits until `GET /` says the new value, and prints the distribution; then restores the overlay. A second
figure shows where the time goes: until Argo CD has compared the new commit (webhook), and the rest is the rollout.

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
LIMIT_S = 90


def _environment(port: int) -> str:
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": HOST}, timeout=2)
        return str(answer.json()["environment"])
    except (httpx.HTTPError, ValueError):
        return ""


def _push(folder: Path, value: str) -> str:
    overlay = folder / "apps/app1/k8s/overlays/dev/kustomization.yaml"
    lines = overlay.read_text().splitlines(keepends=True)
    overlay.write_text(
        "".join(f"      - ENVIRONMENT={value}\n" if "- ENVIRONMENT=" in line else line for line in lines)
    )
    git = ["git", "-C", str(folder), "-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    subprocess.run([*git, "commit", "-qam", f"app1 dev: ENVIRONMENT={value}"], check=True)
    subprocess.run([*git, "push", "-q"], check=True)
    return subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def _measure(folder: Path, value: str, port: int) -> tuple[float, float]:
    commit = _push(folder, value)
    started = time.monotonic()
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
        for number in range(count):
            results.append(_measure(folder, f"dev-{number}", port))
            print(f"push {number + 1:2}: compared {results[-1][0]:5.2f} s, running {results[-1][1]:5.2f} s", flush=True)
        _push(folder, "dev")
    for name, column in (("compared", 0), ("running", 1)):
        values = sorted(row[column] for row in results)
        print(
            f"{name}: min {values[0]:.2f}  median {statistics.median(values):.2f}  max {values[-1]:.2f} s  (n={count})"
        )


if __name__ == "__main__":
    main()
