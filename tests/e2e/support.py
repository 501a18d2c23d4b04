"""A platform that is up, and ways to look at it."""

from __future__ import annotations

import json
import os
import re
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
    stack_files: str
    """The tracked stack files as they were before."""
    machine: dict[str, list[str]]
    """What `machine` said before."""

    def slipway(self, *words: str) -> subprocess.CompletedProcess[str]:
        return slipway(self.environment, *words)

    def kubectl(self, *words: str) -> Any:
        """The JSON that kubectl prints for these words."""
        argv = [str(tools.locate("kubectl")), "--kubeconfig", str(self.state / "kubeconfig"), *words, "-o", "json"]
        return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)

    def pulumi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the engine on dev, with a copy of its stack file: it would write a salt into the tracked one."""
        copy = self.state.parent / "Pulumi.dev.yaml"
        copy.write_text((PROJECT / copy.name).read_text())
        path = os.pathsep.join([*map(str, tools.bin_dirs()), self.environment["PATH"]])
        environment = self.environment | {"PATH": path, "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true"}
        argv = [tools.locate("pulumi"), *words, "--stack", "dev", "--config-file", copy, "--non-interactive"]
        return subprocess.run(argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)

    @property
    def connection(self) -> dict[str, Any]:
        return dict(json.loads((self.state / "connection.json").read_text()))


def machine() -> dict[str, list[str]]:
    """What a sandbox may leave on a machine: mounts, links, network namespaces, packet rules and cgroups."""

    def lines(*argv: str) -> list[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    # Tables that are empty may or may not be listed; rules and chains of our own are what counts.
    rules = [line for line in lines("iptables-save") if line.startswith("-A") or " - [" in line]
    return {
        "mounts": sorted(line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()),
        "links": sorted(line.split(": ")[1] for line in lines("ip", "-o", "link")),
        "network namespaces": sorted(lines("ip", "netns", "list")),
        "rules": sorted(re.sub(r"\[\d+:\d+\]", "", line) for line in rules),
        "cgroups": sorted(str(path) for depth in ("", "*/") for path in Path("/sys/fs/cgroup").glob(f"{depth}slipway")),
    }


def stack_files() -> str:
    """The text of the three tracked stack files."""
    return "".join((PROJECT / f"Pulumi.{name}.yaml").read_text() for name in ("dev", "staging", "prod"))


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
