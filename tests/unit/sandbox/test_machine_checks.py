"""What is asked of the machine before `up`, what is waited for, and how logs are read."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox import logs, network, preflight, wait
from sandbox.listening import Listening, listening
from sandbox.settings import Layout
from sandbox.supervisor import ProcessState, Supervisor
from slipway.errors import SlipwayError, UsageError


@pytest.fixture
def nobody_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.preflight.cgroups.pids", lambda: set[int]())


def test_a_listener_of_this_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert [each.ip for each in listening() if each.port == port and each.protocol == "tcp"] == ["127.0.0.1"]


@pytest.mark.usefixtures("nobody_of_ours")
@pytest.mark.parametrize(
    ("other", "taken"),
    [
        (Listening("tcp", "127.0.0.1", 5000, 1), True),
        (Listening("tcp", "0.0.0.0", 5000, 1), True),
        (Listening("tcp", "::", 5000, 1), True),
        (Listening("tcp", "192.0.2.2", 5000, 1), False),
        (Listening("tcp", "127.0.0.1", 5001, 1), False),
        (Listening("udp", "127.0.0.1", 5000, 1), False),
    ],
    ids=["same", "every IPv4", "every address", "another address", "another port", "another protocol"],
)
def test_a_port_is_taken_by_who_would_get_its_connections(
    monkeypatch: pytest.MonkeyPatch, other: Listening, taken: bool
) -> None:
    monkeypatch.setattr(preflight, "listening", lambda: [other])
    if not taken:
        preflight.ports([("127.0.0.1", 5000)])
        return
    with pytest.raises(SlipwayError, match=r"127\.0\.0\.1:5000 by .*pid 1") as error:
        preflight.ports([("127.0.0.1", 5000)])
    assert error.value.code == "PORT_TAKEN"


def test_a_port_of_our_own_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.preflight.cgroups.pids", lambda: {7})
    monkeypatch.setattr(preflight, "listening", lambda: [Listening("tcp", "127.0.0.1", 5000, 7)])
    preflight.ports([("127.0.0.1", 5000)])


@pytest.mark.usefixtures("nobody_of_ours")
@pytest.mark.parametrize(("free", "memory", "code"), [(9, 8, "DISK_SHORT"), (11, 3, "MEMORY_SHORT")])
def test_a_small_machine_is_told_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, memory: int, code: str
) -> None:
    gib = 1024**3
    monkeypatch.setattr(preflight, "listening", list)
    monkeypatch.setattr(network, "routed_elsewhere", list)
    monkeypatch.setattr("sandbox.preflight.shutil.disk_usage", lambda _: SimpleNamespace(free=free * gib))
    monkeypatch.setattr("sandbox.preflight.psutil.virtual_memory", lambda: SimpleNamespace(available=memory * gib))
    with pytest.raises(SlipwayError) as error:
        preflight.machine(Layout(tmp_path / "not" / "there"))
    assert error.value.code == code
    assert error.value.remedy


@pytest.mark.parametrize(
    ("route", "clash"),
    [
        ({"dst": "default", "dev": "eth0"}, False),
        ({"dst": "192.0.2.0/24", "dev": "eth0"}, False),
        ({"dst": "10.244.0.0/24", "dev": "slipway0"}, False),
        ({"dst": "10.0.0.0/8", "dev": "tun0"}, True),
        ({"dst": "10.96.0.10", "dev": "eth0"}, True),
    ],
    ids=["default", "elsewhere", "our own", "a VPN over all of it", "one address in it"],
)
def test_a_route_clashes_when_it_takes_our_addresses(
    monkeypatch: pytest.MonkeyPatch, route: dict[str, Any], clash: bool
) -> None:
    monkeypatch.setattr(network, "_show", lambda _: [route])
    assert bool(network.routed_elsewhere()) == clash


class FakeSupervisor:
    """States of one process, one after another."""

    def __init__(self, files: Layout, states: list[tuple[str, float]]) -> None:
        self.files = files
        self._states = iter([*states, *[states[-1]] * 1000])

    def states(self) -> dict[str, ProcessState]:
        state, since = next(self._states)
        return {"etcd": ProcessState("etcd", state, 1, since, "")}


def waiting(files: Layout, states: list[tuple[str, float]], answers: Iterator[bool]) -> None:
    wait.wait_for(lambda: next(answers), cast(Supervisor, FakeSupervisor(files, states)), ("etcd",), 60)


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.wait.time.sleep", lambda _: None)


@pytest.mark.usefixtures("no_sleep")
def test_a_process_that_needs_a_second_start_is_waited_for(tmp_path: Path) -> None:
    answers = itertools.chain([False] * 50, itertools.repeat(True))
    waiting(Layout(tmp_path), [("STARTING", 1), *[("BACKOFF", 1)] * 40, ("RUNNING", 2)], answers)


@pytest.mark.usefixtures("no_sleep")
def test_a_process_that_keeps_dying_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    files = Layout(tmp_path)
    files.logs.mkdir()
    (files.logs / "etcd.log").write_text("first\npanic: page 7 is bad\n")
    with pytest.raises(SlipwayError, match="panic: page 7 is bad") as error:
        waiting(files, [("BACKOFF", float(start)) for start in range(9)], itertools.repeat(False))
    assert error.value.where == str(files.logs / "etcd.log")
    assert "slipway sandbox logs etcd" in error.value.remedy


def test_what_is_ready_is_not_announced() -> None:
    told: list[str] = []
    wait.wait_for(lambda: True, cast(Supervisor, None), ("etcd",), 1, lambda: told.append("waiting"))
    assert told == []


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path))
    monkeypatch.setattr("sandbox.preflight.os.geteuid", lambda: 0)
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "etcd.log"
    path.write_text("one\ntwo\nthree\n")
    return path


@pytest.mark.usefixtures("log")
def test_the_end_of_a_log_is_its_last_lines() -> None:
    assert logs.ends("etcd", 2) == {"etcd": ["two", "three"]}
    assert logs.ends(None, 0) == {"etcd": []}


@pytest.mark.usefixtures("log")
def test_an_unknown_process_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="one of: etcd, containerd"):
        logs.ends("nginx", 1)


def test_following_gives_whole_lines_and_survives_rotation(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(text: str) -> None:
        with log.open("a") as file:
            file.write(text)

    def rotate() -> None:
        log.rename(f"{log}.1")
        log.write_text("seven\n")

    steps = iter([lambda: add("fi"), lambda: add("ve\nsix\n"), rotate])
    monkeypatch.setattr("sandbox.logs.time.sleep", lambda _: next(steps)())
    following = logs.follow("etcd")
    assert [next(following) for _ in range(3)] == [("etcd", "five"), ("etcd", "six"), ("etcd", "seven")]
