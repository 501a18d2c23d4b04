"""The cgroup `slipway`: everything the sandbox runs is below it, and nothing else is.

`slipway/system` holds the supervisor, its children and the containers' shims; the kubelet makes `slipway/kubepods`
for pods. So "all processes of the sandbox" is a question to the kernel, not to a process table of names: it stays
right when a supervisor died and its children were orphaned.

With cgroup v1 there is one tree per controller and a process is in one place of each; with v2 there is one tree.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.settings import CGROUP
from slipway.errors import SlipwayError

__all__ = ["PODS", "SYSTEM", "alive", "create", "kill", "pids", "remove", "roots", "stop", "wait_gone"]

SYSTEM = "system"
PODS = "kubepods"


def roots() -> list[Path]:
    """Every mounted cgroup hierarchy, v1 controllers and v2 alike."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mountpoint, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            found.append(Path(mountpoint))
    return found


def create(name: str = SYSTEM) -> None:
    """Make `slipway` and `slipway/<name>` in every hierarchy, ready for processes and for children."""
    hierarchies = roots()
    for root in hierarchies:
        # With v1 beside it, v2 only watches processes; alone it must be told to hand controllers down.
        if len(hierarchies) == 1 and (root / "cgroup.controllers").exists():
            _hand_down(root)
        for folder in (root / CGROUP, root / CGROUP / name):
            folder.mkdir(exist_ok=True)
            # A v1 cpuset starts empty and refuses processes until it has processors and memory nodes.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (folder / setting).exists() and (root / "cpuset.cpu_exclusive").exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())


def _hand_down(root: Path) -> None:
    wanted = " ".join(f"+{controller}" for controller in (root / "cgroup.controllers").read_text().split())
    for folder in (root, root / CGROUP):
        folder.mkdir(exist_ok=True)
        try:
            (folder / "cgroup.subtree_control").write_text(wanted)
        except OSError as error:
            raise SlipwayError(
                f"the kernel does not hand cgroup controllers down ({error.strerror})",
                code="CGROUPS",
                where=str(folder),
                remedy="in a container, start it with its own init in a child cgroup; or run on the machine itself",
            ) from error


def _tree(name: str) -> Iterator[Path]:
    """The cgroup's directories in every hierarchy, children before their parents."""
    for root in roots():
        top = root / CGROUP / name if name else root / CGROUP
        for folder, _, _ in os.walk(top, topdown=False):
            yield Path(folder)


def pids(name: str = "") -> set[int]:
    """The live processes in `slipway/<name>` and below, zombies left out."""
    found: set[int] = set()
    for folder in _tree(name):
        try:
            found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
        except OSError:
            # The group went away, or is a v2 threaded one, between the listing and the reading.
            continue
    return {pid for pid in found if pid and alive(pid)}


def alive(pid: int) -> bool:
    """Whether a process still is one. A zombie is not: process 1 of a small virtual machine may never reap it.

    Unless it has other threads: the first one ends before them, and until the last is gone the process holds its
    ports.
    """
    try:
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return letter not in {"Z", "X"} or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return False


def kill(targets: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that still exists."""
    for pid in targets:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_gone(targets: Iterable[int], timeout: float) -> set[int]:
    """Wait until these processes are gone; returns those that are still there."""
    left = set(targets)
    deadline = time.monotonic() + timeout
    while left:
        left = {pid for pid in left if alive(pid)}
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return left


def stop(targets: Iterable[int], grace: float) -> set[int]:
    """Ask these processes to stop, wait `grace` seconds, then kill the rest; returns those that survive even that."""
    left = set(targets)
    kill(left, signal.SIGTERM)
    left = wait_gone(left, grace)
    kill(left, signal.SIGKILL)
    return wait_gone(left, 5)


def remove() -> list[Path]:
    """Remove the whole cgroup from every hierarchy; returns what could not be removed."""
    left = []
    for folder in _tree(""):
        for attempt in range(20):
            try:
                folder.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                # The kernel drops a dead process's membership a moment after the process is gone.
                if attempt == 19:
                    left.append(folder)
                time.sleep(0.05)
    return left
