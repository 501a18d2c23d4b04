"""app1 as a process: the command of its image, started, asked and stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

SOURCE = Path(__file__).parent.parent / "src"
DOCKERFILE = Path(__file__).parent.parent / "Dockerfile"
LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - app1 - (DEBUG|INFO|WARNING|ERROR|CRITICAL) - .+$")


@dataclass
class Running:
    process: subprocess.Popen[str]
    http: int
    metrics: int
    started_in: float = 0.0
    lines: list[str] = field(default_factory=list)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=5) as answer:
            return bytes(answer.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _command() -> list[str]:
    """The image's own command, with this interpreter's gunicorn."""
    found = re.search(r"^CMD (\[.+\])$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    program, *arguments = json.loads(found[1])
    return [sys.executable, "-m", program, *arguments]


@pytest.fixture
def app1() -> Iterator[Running]:
    http, metrics = _free_port(), _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "ENVIRONMENT": "dev",
        "HTTP_PORT": str(http),
        "METRICS_PORT": str(metrics),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    begun = time.monotonic()
    process = subprocess.Popen(
        _command(), cwd=SOURCE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running = Running(process, http, metrics)
    assert process.stdout is not None
    output = process.stdout
    reader = threading.Thread(target=lambda: running.lines.extend(map(str.rstrip, output)))
    reader.start()
    try:
        while True:
            try:
                running.get("/health")
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, running.lines
                assert time.monotonic() - begun < 20, running.lines
                time.sleep(0.02)
        running.started_in = time.monotonic() - begun
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        reader.join(10)
        output.close()


def test_app1_health_answers_within_five_seconds_of_the_start(app1: Running) -> None:
    assert app1.started_in < 5
    assert json.loads(app1.get("/health")) == {"status": "ok"}


def test_app1_index_of_the_process_names_its_environment(app1: Running) -> None:
    assert json.loads(app1.get("/")) == {"app": "app1", "environment": "dev", "version": "1.0.0"}


def test_app1_metrics_are_prometheus_text_with_gc_and_request_families(app1: Running) -> None:
    app1.get("/")
    with urllib.request.urlopen(f"http://127.0.0.1:{app1.metrics}/metrics", timeout=5) as answer:
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}

    collected = families["python_gc_objects_collected"].samples
    assert {sample.labels["generation"] for sample in collected} == {"0", "1", "2"}
    assert {sample.name for sample in collected} == {"python_gc_objects_collected_total"}
    served = families["app1_http_requests"].samples
    assert any(sample.labels.get("route") == "/" and sample.labels.get("status") == "200" for sample in served)


def test_app1_logformat_holds_for_every_line(app1: Running) -> None:
    app1.process.send_signal(signal.SIGTERM)
    app1.process.wait(10)

    wrong = [line for line in app1.lines if not LINE.match(line)]
    assert wrong == []
    assert any(line.endswith(f"- INFO - Metrics server started on port {app1.metrics}") for line in app1.lines)


def test_app1_stops_gracefully_and_finishes_the_request_it_has(app1: Running) -> None:
    with socket.create_connection(("127.0.0.1", app1.http), timeout=10) as busy:
        busy.sendall(b"GET / HTTP/1.1\r\nHost: app1\r\n")
        time.sleep(0.3)
        app1.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        busy.sendall(b"Connection: close\r\n\r\n")
        answer = busy.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert app1.process.wait(10) == 0
