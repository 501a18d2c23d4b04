"""The stack's settings: what is set for the engine, and what the user's own environment decides."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from slipway.platform import stack
from slipway.platform.backend import has_stale_lock, make_passphrase
from slipway.platform.stack import Stack


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in list(os.environ):
        if name.startswith("PULUMI_"):
            monkeypatch.delenv(name)
    return Stack(tmp_path, "dev", {}, [])


def test_the_users_own_backend_and_passphrase_are_left_alone(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "theirs")

    assert {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(own.settings()) == set()


def test_the_default_passphrase_is_random_private_and_made_once(own: Stack) -> None:
    file = Path(own.settings()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    make_passphrase(file)
    first = file.read_text()
    make_passphrase(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert len(first) > 40
    assert file.read_text() == first


def test_an_error_of_the_engine_is_told_once_and_without_its_progress() -> None:
    lines = ["+ creating", "Diagnostics:", "kubernetes:core/v1:Service (traefik):", "error: port is allocated"]
    lines += ["pulumi:pulumi:Stack (dev):", "error: update failed", "error: port is allocated", "Resources:"]

    assert stack._diagnostics(lines) == ["error: port is allocated"]


def test_an_engine_that_died_without_diagnostics_is_quoted() -> None:
    assert stack._diagnostics(["starting", "panic: out of memory"]) == ["starting", "panic: out of memory"]


@pytest.mark.parametrize(("pid", "hostname", "stale"), [(2**22, "", True), (0, "", False), (2**22, "elsewhere", False)])
def test_only_a_lock_of_a_dead_process_of_this_machine_is_stale(
    pid: int, hostname: str, stale: bool, tmp_path: Path
) -> None:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "slipway" / "dev"
    folder.mkdir(parents=True)
    assert not has_stale_lock(tmp_path, "dev")
    lock = {"pid": pid or os.getpid(), "hostname": hostname or socket.gethostname()}
    (folder / "one.json").write_text(json.dumps(lock))

    assert has_stale_lock(tmp_path, "dev") is stale
