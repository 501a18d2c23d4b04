"""What runs, since when, where it listens, and whether it is as it should be."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox import api, cgroups, firewall, network, preflight
from sandbox.files import StateCorrupt, read_json
from sandbox.listening import listening
from sandbox.programs import NAMES
from sandbox.settings import NODE_IP, Layout, layout
from sandbox.supervisor import Supervisor

__all__ = ["ProcessRow", "Status", "status"]

# The only addresses that a process of the node may listen on.
LOCAL = ("127.0.0.1", "::1", NODE_IP)


@dataclass(frozen=True)
class ProcessRow:
    """One process of the node."""

    name: str
    state: str
    pid: int
    uptime: float
    listens: list[str]
    detail: str


@dataclass
class Status:
    """The sandbox at one moment. `problems` is empty when everything is as it should be."""

    state_dir: str
    up: bool
    processes: list[ProcessRow] = field(default_factory=list)
    node_ready: bool = False
    node_message: str = ""
    pods: int = 0
    pods_not_ready: list[str] = field(default_factory=list)
    versions: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The status as plain data, for `--json`."""
        return {
            **self.__dict__,
            "processes": [row.__dict__ for row in self.processes],
            "ok": not self.problems,
        }


def status() -> Status:
    """Look at the sandbox; changes nothing."""
    preflight.require_root()
    files = layout()
    found = Status(state_dir=str(files.root), up=False)
    supervisor = Supervisor(files)
    states = supervisor.states()
    if not states:
        return _not_running(found)
    found.up = True
    addresses = _addresses()
    now = time.time()
    for name in NAMES:
        state = states.get(name)
        if state is None:
            found.problems.append(f"{name} is not known to the supervisor")
            continue
        uptime = now - state.since if state.pid else 0.0
        row = ProcessRow(name, state.state, state.pid, round(uptime, 1), addresses.get(state.pid, []), state.detail)
        found.processes.append(row)
        if state.state != "RUNNING":
            found.problems.append(f"{name} is {state.state}: {state.detail}")
        found.problems += [f"{name} listens on {at}, beyond this machine" for at in row.listens if not _local(at)]
    _look_at_cluster(files, found)
    if not firewall.guarded():
        found.problems.append("the packet filter's guard is gone: `slipway sandbox up` puts it back")
    return found


def _not_running(found: Status) -> Status:
    left = cgroups.pids()
    if left:
        found.problems.append(
            f"the supervisor does not answer, but {len(left)} of its processes live: `slipway sandbox up` repairs that"
        )
    elif network.bridge_exists():
        found.problems.append("nothing runs, but traces are left: `slipway sandbox up` or `down` removes them")
    else:
        found.problems.append("the sandbox is down: `slipway sandbox up` starts it")
    return found


def _look_at_cluster(files: Layout, found: Status) -> None:
    try:
        found.versions = list(read_json(files.connection).get("versions", []))
    except StateCorrupt as error:
        found.problems.append(f"{error.where}: {error.what}; `slipway sandbox up` writes it again")
    try:
        found.node_ready, found.node_message = api.node(files)
    except OSError as error:
        found.node_message = f"cannot be asked: {error}"
    if not found.node_ready:
        found.problems.append(f"the node is not Ready: {found.node_message}")
    listed = api.get(files, "/api/v1/pods") if found.node_ready else None
    for pod in listed["items"] if listed else []:
        found.pods += 1
        if not pod_ready(pod):
            found.pods_not_ready.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}")


def pod_ready(pod: dict[str, Any]) -> bool:
    """Whether a pod is Ready, or has done its work."""
    if pod["status"].get("phase") == "Succeeded":
        return True
    conditions = {row["type"]: row["status"] for row in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"


def _addresses() -> dict[int, list[str]]:
    """Addresses by the process that listens there; one that takes both TCP and UDP is named once."""
    found: dict[int, set[str]] = {}
    for each in listening():
        if each.pid:
            found.setdefault(each.pid, set()).add(f"{each.ip}:{each.port}")
    return {pid: sorted(texts) for pid, texts in found.items()}


def _local(address: str) -> bool:
    return address.rpartition(":")[0] in LOCAL
