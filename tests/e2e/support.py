"""A platform that is up, and ways to look at it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tools

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Platform:
    """A platform that is up: its report, its settings, and a way to run the command on it."""

    report: dict[str, Any]
    environment: dict[str, str]
    state: Path

    def slipway(self, *words: str) -> subprocess.CompletedProcess[str]:
        return slipway(self.environment, *words)

    def kubectl(self, *words: str) -> Any:
        """The JSON that kubectl prints for these words."""
        argv = [str(tools.locate("kubectl")), "--kubeconfig", str(self.state / "kubeconfig"), *words, "-o", "json"]
        return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)

    @property
    def connection(self) -> dict[str, Any]:
        return dict(json.loads((self.state / "connection.json").read_text()))


def slipway(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, from the checkout."""
    argv = [sys.executable, "-m", "slipway", *words]
    return subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def eventually(check: Callable[[], bool], timeout: float, what: str) -> float:
    """Wait until `check` holds; return the seconds it took."""
    started = time.monotonic()
    while not check():
        if time.monotonic() - started > timeout:
            pytest.fail(f"{what}: not within {timeout:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - started
