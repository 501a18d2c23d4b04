"""Whether a cluster is there is asked quickly, and believed only when something answers."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pulumi
import pytest

from components.access import Access
from components.cluster import answers, require
from components.errors import ProgramError

SANDBOX = Access("sandbox", "slipway-sandbox", "https://192.0.2.1:6443", "/nowhere/kubeconfig", None)
EXISTING = Access("existing", "existing:main", "https://192.0.2.1:6443", "/home/somebody/.kube/config", "main")
ABSENT = Access("sandbox", "slipway-sandbox", "https://192.0.2.1:6443", None, None, "there is no sandbox")


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


@pytest.fixture
def server() -> Iterator[str]:
    class Refuses(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(401)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refuses) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_server_that_refuses_the_question_is_there(server: str) -> None:
    assert answers(server)


def test_a_closed_port_is_no_cluster() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert not answers(f"https://127.0.0.1:{port}")


def test_a_port_that_accepts_and_says_nothing_is_no_cluster_and_costs_little_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        assert not answers(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2)
        assert time.monotonic() - started < 2


def test_a_preview_without_a_cluster_goes_on_and_says_so(warnings: list[str]) -> None:
    assert not require(SANDBOX, preview=True, probe=lambda _: False)
    (said,) = warnings
    assert said.startswith("no cluster answers at https://192.0.2.1:6443: previewing offline")


def test_a_missing_sandbox_is_not_even_asked(warnings: list[str]) -> None:
    def probe(server: str) -> bool:
        raise AssertionError(f"{server} was asked")

    assert not require(ABSENT, preview=True, probe=probe)
    assert warnings[0].startswith("there is no sandbox: previewing offline")


@pytest.mark.parametrize(
    ("access", "remedy"), [(SANDBOX, "slipway sandbox up"), (EXISTING, "slipway:cluster.kubeconfig")]
)
def test_an_update_without_a_cluster_is_refused_with_a_remedy(access: Access, remedy: str) -> None:
    with pytest.raises(ProgramError) as caught:
        require(access, preview=False, probe=lambda _: False)
    assert "no cluster answers at https://192.0.2.1:6443" in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("preview", [True, False])
def test_a_cluster_that_answers_is_used(warnings: list[str], preview: bool) -> None:
    assert require(EXISTING, preview=preview, probe=lambda _: True)
    assert not warnings
