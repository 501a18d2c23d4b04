"""The supervisor of the node's processes: its configuration, its start, and its XML-RPC interface.

PyPI's supervisord keeps the processes running and rotates their logs. It is spoken to over its Unix socket, which
only root can open.
"""

from __future__ import annotations

import http.client
import os
import resource
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import cgroups
from sandbox.configs import render
from sandbox.files import write
from sandbox.programs import Program
from sandbox.settings import CGROUP, Layout
from slipway.errors import SlipwayError

__all__ = ["ProcessState", "Supervisor", "write_config"]

_ALREADY_STARTED, _NOT_RUNNING = 60, 70


@dataclass(frozen=True)
class ProcessState:
    """One process as the supervisor sees it."""

    name: str
    state: str
    pid: int
    since: float
    detail: str


class _UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        # A new connection each time: a supervisor that was killed must not be spoken to over a dead one.
        return _UnixConnection(str(self._path), timeout=60)

    def send_headers(self, connection: http.client.HTTPConnection, headers: list[tuple[str, str]]) -> None:
        super().send_headers(connection, [*headers, ("Host", "supervisor")])


def write_config(files: Layout, programs: Iterable[Program]) -> bool:
    """Write supervisord's configuration; true when it changed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    rows = [
        {
            "name": program.name,
            "command": program.command,
            "environment": program.settings(),
            "stop_seconds": program.stop_seconds,
        }
        for program in programs
    ]
    text = render(
        "supervisord.conf.j2",
        socket=files.supervisor_socket,
        logs=files.logs,
        run=files.run,
        root=files.root,
        open_files=min(65536, hard) if hard != resource.RLIM_INFINITY else 65536,
        programs=rows,
    )
    return write(files.supervisor / "supervisord.conf", text)


class Supervisor:
    """The supervisord of one sandbox."""

    def __init__(self, files: Layout) -> None:
        self.files = files
        proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(files.supervisor_socket))
        self._rpc: Any = proxy

    def pid(self) -> int:
        """The supervisor's process id, 0 when it does not answer."""
        try:
            return int(self._rpc.supervisor.getPID())
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return 0

    def launch(self, timeout: float = 15) -> None:
        """Start supervisord as the subreaper of the sandbox's cgroup, and wait until it answers."""
        self.files.supervisor_socket.unlink(missing_ok=True)
        cgroups.create()
        groups = [str(root / CGROUP / cgroups.SYSTEM / "cgroup.procs") for root in cgroups.roots()]
        configuration = self.files.supervisor / "supervisord.conf"
        log = self.files.logs / "supervisord.out"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", str(Path(__file__).with_name("launch.py")), str(configuration), *groups],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.files.root,
                env={"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout
        while not self.pid():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SlipwayError(
                    f"the supervisor did not start: {log.read_text(errors='replace').strip()[-500:]}",
                    code="SUPERVISOR_FAILED",
                    where=str(log),
                    remedy="`slipway sandbox down`, then `slipway sandbox up`",
                )
            time.sleep(0.02)

    def reload(self) -> None:
        """Take over a changed configuration: programs that changed are stopped and replaced, the rest run on."""
        added, changed, removed = self._rpc.supervisor.reloadConfig()[0]
        for name in [*changed, *removed]:
            self.stop([name])
            self._rpc.supervisor.removeProcessGroup(name)
        for name in [*added, *changed]:
            self._rpc.supervisor.addProcessGroup(name)

    def states(self) -> dict[str, ProcessState]:
        """Every process; empty when the supervisor does not answer."""
        try:
            rows = self._rpc.supervisor.getAllProcessInfo()
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return {}
        return {
            row["name"]: ProcessState(
                row["name"], row["statename"], row["pid"], float(row["start"]), row["spawnerr"] or row["description"]
            )
            for row in rows
        }

    def start(self, names: Iterable[str]) -> None:
        """Start these processes without waiting for them; one that runs stays as it is."""
        for name in names:
            with _tolerating(_ALREADY_STARTED):
                self._rpc.supervisor.startProcess(name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop these processes at once and wait until all of them are gone."""
        wanted = set(names)
        for name in wanted:
            with _tolerating(_NOT_RUNNING):
                self._rpc.supervisor.stopProcess(name, False)
        # The supervisor itself kills what outlives its stopwaitsecs; this only bounds the waiting.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            running = {
                state.name
                for state in self.states().values()
                if state.name in wanted and state.state in {"RUNNING", "STARTING", "STOPPING", "BACKOFF"}
            }
            if not running:
                return
            time.sleep(0.05)


@contextmanager
def _tolerating(code: int) -> Iterator[None]:
    try:
        yield
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != code:
            raise
