"""What stops `up`, with a clear error and the machine as it was."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.sandbox.conftest import Sandbox, state_folder
from tests.sandbox.machine import Machine

CORRUPT = (
    "secrets.json",
    "pki/ca.crt",
    "pki/kubelet.key",
    "pki/sa.pub",
    "etcd/member/snap/db",
    "containerd/io.containerd.metadata.v1.bolt/meta.db",
)


@pytest.fixture(scope="module")
def stopped() -> Iterator[Sandbox]:
    """A sandbox that was up once and is down."""
    machine = Machine()
    with state_folder() as folder:
        try:
            found = Sandbox(machine, folder)
            found.up()
            found.slipway("down")
            yield found
        finally:
            machine.stop()


@pytest.mark.parametrize("name", CORRUPT)
def test_a_truncated_file_is_named_and_nothing_changes(stopped: Sandbox, name: str) -> None:
    path = stopped.state / name
    whole = path.read_bytes()
    # A database reserves more than it uses, so half of one may be whole.
    path.write_bytes(whole[: min(len(whole) // 2, 40_000)])
    before = stopped.machine.snapshot()
    try:
        error = stopped.refusal("up")
        assert error["code"] == "STATE_CORRUPT"
        assert error["where"].startswith(str(path.with_suffix("")))
        assert "slipway sandbox reset" in error["remedy"]
        assert stopped.machine.changes(before) == {}
    finally:
        path.write_bytes(whole)


def test_certificates_that_are_gone_are_not_made_anew_under_a_cluster_that_trusts_them(stopped: Sandbox) -> None:
    pki = stopped.state / "pki"
    aside = pki.rename(stopped.state / "aside")
    try:
        assert stopped.refusal("up")["code"] == "STATE_CORRUPT"
    finally:
        aside.rename(pki)


def test_a_port_in_use_is_told_with_its_holder(stopped: Sandbox) -> None:
    server = subprocess.Popen(
        stopped.machine.argv(sys.executable, "-m", "http.server", "6443"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1)
        before = stopped.machine.snapshot()
        error = stopped.refusal("up")
        assert error["code"] == "PORT_TAKEN"
        assert "10.244.0.1:6443" in error["error"]
        assert "http.server 6443" in error["error"]
        assert stopped.machine.changes(before) == {}
    finally:
        stopped.machine.run("bash", "-c", "kill $(pgrep -f 'http.server 6443')", check=False)
        server.wait(timeout=10)


def test_an_address_range_in_use_is_told_with_its_route(stopped: Sandbox) -> None:
    stopped.machine.run("ip", "route", "add", "10.96.0.0/12", "dev", "eth0")
    try:
        error = stopped.refusal("up")
        assert error["code"] == "ADDRESS_TAKEN"
        assert "10.96.0.0/12 through eth0" in error["error"]
    finally:
        stopped.machine.run("ip", "route", "del", "10.96.0.0/12", "dev", "eth0")


def test_a_corrupt_record_stops_up_and_down_and_reset_is_the_way_out(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    record = sandbox.state / "sandbox.json"
    record.write_text(record.read_text()[:40])
    for command in ("up", "down"):
        error = sandbox.refusal(command)
        assert (error["code"], error["where"]) == ("STATE_CORRUPT", str(record))
    assert sandbox.status()["ok"]
    sandbox.slipway("reset", "--yes")
    # What else there was before the first `up` stood in the record.
    assert sandbox.machine.changes(before).keys() <= {"settings", "files"}


def test_a_damaged_store_that_only_etcd_can_see_is_an_error_with_its_log(sandbox: Sandbox) -> None:
    sandbox.up()
    sandbox.slipway("down")
    before = sandbox.machine.snapshot()
    database = sandbox.state / "etcd" / "member" / "snap" / "db"
    data = bytearray(database.read_bytes())
    # The headers stay; every page behind them is nonsense.
    data[2 * 4096 :] = b"\xff" * (len(data) - 2 * 4096)
    database.write_bytes(data)
    error = sandbox.refusal("up")
    assert error["code"] == "PROCESS_FAILED"
    assert error["where"].endswith("etcd.log")
    assert "slipway sandbox reset" in error["remedy"]
    assert sandbox.machine.changes(before) == {}


def test_a_folder_of_somebody_else_is_neither_used_nor_deleted(sandbox: Sandbox) -> None:
    sandbox.state.mkdir()
    (sandbox.state / "thesis.txt").write_text("years of work")
    for command in (("up",), ("reset", "--yes")):
        assert sandbox.refusal(*command)["code"] == "NOT_A_SANDBOX"
    assert (sandbox.state / "thesis.txt").exists()
