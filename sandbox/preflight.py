"""What must be true of the machine before the sandbox may start; every refusal names the cause and the remedy."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterable
from pathlib import Path

import psutil

from sandbox import cgroups, network, packages, programs
from sandbox.files import StateCorrupt
from sandbox.listening import listening
from sandbox.settings import LISTENERS, POD_CIDR, REDIRECTED_PORTS, SERVICE_CIDR, Layout
from slipway.errors import SlipwayError

__all__ = ["check_databases", "machine", "require_root", "software"]

GIB = 1024**3
LEAST_DISK = 10 * GIB
LEAST_MEMORY = 4 * GIB
_DNS_PORT = 53
_BOLT_MAGIC = 0xED0CDAED
_BOLT_META = struct.Struct("<IIIIQQQQQ")


def require_root() -> None:
    """Only root can make namespaces, bridges and cgroups."""
    if os.geteuid() != 0:
        raise SlipwayError(
            "the sandbox needs root: it makes network namespaces, a bridge, mounts and cgroups",
            code="NOT_ROOT",
            remedy="run the same command with sudo",
        )


def software(files: Layout) -> list[programs.Program]:
    """Every package and tool is there; returns the programs, located."""
    packages.require()
    return programs.all_programs(files)


def machine(files: Layout) -> None:
    """Ports, address ranges, disk and memory suffice. Asked only while no process of the sandbox runs."""
    ports([*((listener.host, listener.port) for listener in LISTENERS), *REDIRECTED_PORTS])
    clashes = network.routed_elsewhere()
    if clashes:
        raise SlipwayError(
            f"the sandbox's addresses ({POD_CIDR}, {SERVICE_CIDR}) are routed elsewhere: {', '.join(clashes)}",
            code="ADDRESS_TAKEN",
            remedy="take that route away while the sandbox runs (`ip route`), or use another machine",
        )
    free = shutil.disk_usage(_existing(files.root)).free
    if free < LEAST_DISK:
        raise SlipwayError(
            f"{free / GIB:.1f} GiB free on the disk; the sandbox needs {LEAST_DISK / GIB:.0f} GiB",
            code="DISK_SHORT",
            where=str(files.root),
            remedy="free some space, or set SLIPWAY_SANDBOX_DIR to a folder on a larger disk",
        )
    available = psutil.virtual_memory().available
    if available < LEAST_MEMORY:
        raise SlipwayError(
            f"{available / GIB:.1f} GiB of memory available; the sandbox needs {LEAST_MEMORY / GIB:.0f} GiB",
            code="MEMORY_SHORT",
            remedy="end some programs, or use a machine with more memory",
        )


def ports(wanted: Iterable[tuple[str, int]]) -> None:
    """Raise when another process listens where one of ours will, with its name and process id."""
    own = cgroups.pids()
    taken = []
    everybody = listening()
    for host, port in dict.fromkeys(wanted):
        for other in everybody:
            if other.port != port or (other.protocol == "udp" and port != _DNS_PORT) or other.pid in own:
                continue
            if other.ip in {host, "0.0.0.0", "::"}:  # noqa: S104
                taken.append(f"{host}:{port} by {_program(other.pid)}")
                break
    if taken:
        raise SlipwayError(
            f"ports that the sandbox needs are taken: {'; '.join(taken)}",
            code="PORT_TAKEN",
            remedy="end that program, then run the command again",
        )


def check_databases(files: Layout) -> None:
    """Raise `StateCorrupt` when a database file cannot be whole: better now than after a minute of waiting."""
    member = files.etcd / "member"
    database = member / "snap" / "db"
    if not database.exists() and any(member.glob("wal/*.wal")):
        raise StateCorrupt("etcd's database is missing beside its log", database)
    for path in (database, files.containerd / "io.containerd.metadata.v1.bolt" / "meta.db"):
        if path.exists():
            _check_bolt(path)


def _check_bolt(database: Path) -> None:
    # bbolt's first two pages are copies of its header; the newer one counts. A header names the page size and the
    # first page number never used, so the file must reach up to there.
    page = os.sysconf("SC_PAGE_SIZE")
    with database.open("rb") as file:
        head = file.read(2 * page)
    headers = []
    for offset in (16, page + 16):
        if len(head) >= offset + _BOLT_META.size:
            magic, _, page_size, _, _, _, _, high_water, transaction = _BOLT_META.unpack_from(head, offset)
            if magic == _BOLT_MAGIC:
                headers.append((transaction, page_size, high_water))
    if not headers:
        raise StateCorrupt("not a database", database)
    _, page_size, high_water = max(headers)
    size = database.stat().st_size
    if size < page_size * high_water:
        raise StateCorrupt(f"truncated: {size} bytes of at least {page_size * high_water}", database)


def _program(pid: int | None) -> str:
    if pid is None:
        return "a process that the kernel does not name"
    try:
        process = psutil.Process(pid)
        return f"{process.name()} (pid {pid}: {' '.join(process.cmdline())[:80]})"
    except psutil.Error:
        return f"pid {pid}"


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
