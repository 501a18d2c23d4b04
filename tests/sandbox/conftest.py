"""Machines, and a sandbox on one. The tools and the images come from the user's cache, so `make up` ran once before."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tools
from tests.sandbox.machine import Machine

WEB = Path(__file__).with_name("web.yaml")
INGRESS = "http://127.0.0.1:30080/etc/hostname"


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine without a sandbox."""
    made = Machine()
    yield made
    made.stop()


@dataclass
class Sandbox:
    """A sandbox's state on a machine, and the command to work on it."""

    machine: Machine
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"SLIPWAY_SANDBOX_DIR": str(self.state)}

    def slipway(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `slipway sandbox ...`."""
        return self.machine.run(sys.executable, "-m", "slipway", "sandbox", *words, env=self.environment, check=check)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `slipway sandbox ...` and do not wait."""
        return subprocess.Popen(
            self.machine.argv(sys.executable, "-m", "slipway", "sandbox", *words),
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def up(self) -> dict[str, Any]:
        return dict(json.loads(self.slipway("up", "--json").stdout))

    def refusal(self, *words: str) -> dict[str, str]:
        """The error of a command that must be refused."""
        done = self.slipway(*words, "--json", check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return dict(json.loads(done.stdout))

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.slipway("status", "--json", check=False).stdout))

    def pid(self, process: str) -> int:
        return int(next(row["pid"] for row in self.status()["processes"] if row["name"] == process))

    def kubectl(self, *words: str) -> str:
        return self.machine.run(
            tools.locate("kubectl"), "--kubeconfig", self.state / "kubeconfig", *words, timeout=120
        ).stdout

    def deploy_web(self) -> None:
        """Two pods behind a Service and the node port, and wait until they answer."""
        self.kubectl("apply", "-f", str(WEB))
        self.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        eventually(self.answers, 20, "the web does not answer")

    def answers(self) -> bool:
        """Whether the web answers through the node port on the loopback address."""
        done = self.machine.run("curl", "-s", "--max-time", "2", INGRESS, check=False)
        return done.returncode == 0 and done.stdout.startswith("web-")


def eventually(condition: Callable[[], bool], timeout: float, what: str) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}, not within {timeout:.0f} s"
        time.sleep(0.1)


@pytest.fixture
def sandbox(machine: Machine) -> Iterator[Sandbox]:
    """A sandbox that was never up."""
    with state_folder() as folder:
        yield Sandbox(machine, folder)
        # Process 1 goes first, so that nothing writes into the folder while it is deleted.
        machine.run("bash", "-c", "kill -9 -1", check=False)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    """A sandbox that is up, with the web on it; for tests that leave it as they found it."""
    made = Machine()
    with state_folder() as folder:
        found = Sandbox(made, folder)
        try:
            found.up()
            found.deploy_web()
            yield found
        finally:
            made.stop()


class state_folder:  # noqa: N801 - used like a function
    """A short path for a state directory: pytest's own would be too long for a socket in it."""

    def __enter__(self) -> Path:
        self._parent = Path(tempfile.mkdtemp(prefix="slipway-"))
        return self._parent / "sandbox"

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._parent)
