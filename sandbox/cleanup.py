"""Taking the node apart: processes, mounts, links, packet filter, kernel settings, cgroups, stray files.

Every part can run on its own and again, on a node that is whole, half made, or long dead, so one function serves
`down`, the repair after a machine stopped, and a failed `up`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

from sandbox import cgroups, firewall, mounts, network
from sandbox.programs import NAMES
from sandbox.settings import Layout
from sandbox.state import Record
from sandbox.supervisor import Supervisor
from slipway.errors import SlipwayError

__all__ = ["STRAY", "give_back", "stop_everything", "stop_system", "sweep"]

Say = Callable[[str], None]
# How long containers may take to stop by themselves. Fits, with the rest, in the 30 s that `down` promises.
POD_GRACE = 8.0
# Fixed paths outside the state directory on which some component insists. Tidied when they were not there before.
STRAY = (
    "/var/lib/kubelet/device-plugins",
    "/var/lib/kubelet",
    "/var/lib/cni/results",
    "/var/lib/cni/cache",
    "/var/lib/cni",
    "/var/log/containers",
    "/run/containerd/s",
    "/run/containerd",
    "/run/xtables.lock",
)
_LEFTOVERS = ("kubelet_internal_checkpoint", "DEPRECATION")
_SHIMS = ("containerd-shim",)


def stop_everything(files: Layout, say: Say) -> None:
    """Stop pods, then the node's processes, then whatever is left in the cgroup."""
    supervisor = Supervisor(files)
    answering = supervisor.pid()
    if answering:
        # First what would start containers again, and the servers that only they and the pods use.
        say("stopping the control plane")
        supervisor.stop([name for name in NAMES if name not in {"containerd", "etcd", "kube-apiserver"}])
    else:
        stop_system(say)
    pods = cgroups.pids(cgroups.PODS)
    if pods:
        say(f"stopping {len(pods)} processes in pods")
        cgroups.stop(pods, POD_GRACE)
    if answering:
        # containerd sees its containers' ends, unmounts them and ends their shims.
        _wait(lambda: not _shims(), 5)
        supervisor.stop(["kube-apiserver", "containerd", "etcd"])
        cgroups.stop({answering}, 10)
    say("stopping what is left")
    survivors = cgroups.stop(cgroups.pids(), 5)
    if survivors:
        raise SlipwayError(
            f"processes of the sandbox cannot be ended: {sorted(survivors)}",
            code="UNKILLABLE",
            remedy="they are stuck in the kernel; restart the machine, then run `slipway sandbox down` again",
        )


def stop_system(say: Say) -> None:
    """Stop what a dead supervisor left running, but let pods and their shims live: the next containerd adopts them."""
    shims = _shims()
    rest = cgroups.pids(cgroups.SYSTEM) - shims
    if rest:
        say(f"stopping {len(rest)} processes whose supervisor is gone")
        # The API server would take a minute for its watches; etcd's log is made to survive a kill.
        cgroups.stop(rest, 3)


def sweep(files: Layout, record: Record | None) -> list[str]:
    """Remove everything but files of the state from a node without processes; returns what could not be removed."""
    left = [f"mount {point}" for point in mounts.unmount_below(files.root)]
    _remove_shim_sockets(files)
    _remove_cni_results(files)
    network.remove_links()
    firewall.remove(record.rules if record else {})
    if not mounts.below(files.root):
        shutil.rmtree(files.run, ignore_errors=True)
    left += [f"cgroup {folder}" for folder in cgroups.remove()]
    return left


def give_back(files: Layout, record: Record | None) -> None:
    """Put back what the node changed outside its state: kernel settings, and stray files on fixed paths."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(files.logs):
            link.unlink()
    if record is not None:
        network.restore_sysctls(record.sysctls)
    for name in STRAY:
        if record is None or name in record.new_paths:
            _prune(Path(name))


def _prune(path: Path) -> None:
    """Remove what the node's components leave on a fixed path, and the folders that are empty then."""
    if path.is_file():
        path.unlink()
        return
    for folder, _, names in os.walk(path, topdown=False):
        for name in names:
            entry = Path(folder, name)
            if name in _LEFTOVERS or _dead_socket(entry):
                entry.unlink()
        # Not empty: somebody else has begun to use it meanwhile.
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _dead_socket(path: Path) -> bool:
    """Whether this is a socket that nobody listens on."""
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _shims() -> set[int]:
    """The live shims: containerd's go-betweens, one per pod."""
    found = set()
    for pid in cgroups.pids(cgroups.SYSTEM):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().startswith(_SHIMS):
                found.add(pid)
    return found


def _remove_shim_sockets(files: Layout) -> None:
    # Shims put their sockets into a fixed folder, which another containerd may use too; each task names its own.
    for address in files.containerd_state.glob("io.containerd.runtime.v2.task/*/*/address"):
        with contextlib.suppress(OSError):
            Path(address.read_text().strip().removeprefix("unix://")).unlink(missing_ok=True)


def _remove_cni_results(files: Layout) -> None:
    # libcni caches results in a fixed folder, for every network of the machine.
    for result in Path("/var/lib/cni/results").glob("*"):
        with contextlib.suppress(OSError, ValueError):
            if str(files.root) in json.dumps(json.loads(result.read_text())):
                result.unlink()


def _wait(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
