"""Build the missing tools into the user's cache.

One compile at a time (a Go build already uses every core) while the next group's modules download. Each binary is put
in place when it is done and each group is recorded when it is whole, so that a build that was interrupted goes on
where it stopped. A lock keeps two builds apart: the second waits and then finds everything built. The Go caches are
the builder's own, since they grow to many gigabytes, and are deleted when nothing is left to build.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slipway.console import Step, err, seconds, step
from slipway.errors import SlipwayError
from slipway.paths import cache_dir
from tools.catalog import CORE, GROUPS, Binary, Group, module_version
from tools.installed import group_dir, is_built, on_path
from tools.recipes import after_build, before_build, link_language_host, publish_mirror

__all__ = ["Built", "build", "clean", "needed"]

GO_AT_LEAST = (1, 26)
DISK_GB_PER_COST = 0.022
"""Gigabytes of Go caches per second of build cost: they were seen to grow to 25 GB for 1,150 s of cost."""
TOOLS_GB = 2
HEARTBEAT_S = 60
"""How often a log (no terminal) hears that a long compile is still going."""


@dataclass(frozen=True)
class Built:
    """One binary that this run compiled, with its wall time in seconds."""

    name: str
    group: str
    seconds: float


def needed(groups: Sequence[Group]) -> list[Group]:
    """The groups of which a command is neither in the cache nor on PATH at a fitting version, or that are not whole."""
    return [group for group in groups if _missing(group) or not (is_built(group) or _all_on_path(group))]


def _all_on_path(group: Group) -> bool:
    return bool(group.binaries) and all(map(on_path, group.binaries))


def _check_go() -> str:
    go = shutil.which("go")
    remedy = f"install Go {GO_AT_LEAST[0]}.{GO_AT_LEAST[1]} or newer and put it on PATH"
    if go is None:
        raise SlipwayError("Go is not on PATH, and the tools are built from Go modules", code="NO_GO", remedy=remedy)
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"go(\d+)\.(\d+)", version)
    if not found or (int(found.group(1)), int(found.group(2))) < GO_AT_LEAST:
        raise SlipwayError(f"{version or 'this Go'} is too old to build the tools", code="OLD_GO", remedy=remedy)
    return go


def _check_disk(groups: Sequence[Group]) -> None:
    cost = sum(binary.cost for group in groups for binary in group.binaries)
    need = TOOLS_GB + cost * DISK_GB_PER_COST
    free = shutil.disk_usage(cache_dir()).free / 1e9
    if free < need:
        raise SlipwayError(
            f"building needs about {need:.0f} GB and {free:.0f} GB are free",
            code="DISK_SHORT",
            where=str(cache_dir()),
            remedy="free some space, or set SLIPWAY_CACHE to a folder on a larger disk",
        )


@contextmanager
def _only_builder() -> Iterator[None]:
    """Hold the cache's lock; say so when another build has it."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            err.print("another build of the tools is running; waiting for it to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Workshop:
    """The builder's own Go environment and the scratch copies of the groups' folders."""

    def __init__(self, go: str) -> None:
        self.go = go
        self.root = cache_dir() / "go"
        self.env = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
            "GOMODCACHE": str(self.root / "mod"),
            "GOCACHE": str(self.root / "build"),
            # The compiler's own garbage collection costs more than the memory it saves here.
            "GOGC": os.environ.get("GOGC", "400"),
        }

    def source(self, group: Group) -> Path:
        """A fresh copy of the group's folder: some groups need generated files beside their code."""
        target = self.root / "src" / group.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(group.folder, target)
        return target

    def command(self, group: Group, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [self.go, *words]
        cwd = self.root / "src" / group.name
        done = subprocess.run(argv, cwd=cwd, env=self.env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tail = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise SlipwayError(f"`go {words[0]}` failed for {group.name}:\n{tail}", code="BUILD_FAILED")
        return done

    def module_dir(self, group: Group, module: str) -> Path:
        """Where `module`'s files lie, downloaded if need be."""
        self.command(group, "mod", "download", module)
        return Path(self.command(group, "list", "-m", "-f", "{{.Dir}}", module).stdout.strip())

    def fetch(self, group: Group) -> None:
        """Lay out the group's folder and download just the modules that its commands import."""
        before_build(group, self.source(group), partial(self.module_dir, group))
        if not group.binaries:
            return
        tags = ",".join(sorted({binary.tags for binary in group.binaries if binary.tags}))
        packages = [binary.package for binary in group.binaries]
        self.command(group, "list", "-deps", f"-tags={tags}", "-f", "{{.ImportPath}}", *packages)

    def compile(self, group: Group, binary: Binary, target: Path, current: Step) -> None:
        """Build one command and put it in place whole."""
        version = module_version(group)
        major, minor, *_ = version.lstrip("v").split(".")
        stamps = [s.format(version=version, number=version[1:], major=major, minor=minor) for s in binary.stamps]
        unfinished = target.with_name(f".{binary.name}.new")
        argv = [self.go, "build", "-pgo=off", f"-tags={binary.tags}", "-o", str(unfinished)]
        argv += ["-ldflags", " ".join(["-s -w", *(f"-X {stamp}" for stamp in stamps)]), binary.package]
        log = self.root / f"{binary.name}.log"
        cwd = self.root / "src" / group.name
        started = time.monotonic()
        with log.open("w") as sink, subprocess.Popen(argv, cwd=cwd, env=self.env, stdout=sink, stderr=sink) as process:
            beat = 1.0 if err.is_terminal else HEARTBEAT_S
            while True:
                try:
                    process.wait(timeout=beat)
                    break
                except subprocess.TimeoutExpired:
                    current.say(f"{seconds(time.monotonic() - started)} so far, usually {seconds(binary.cost)}")
        if process.returncode != 0:
            tail = "\n".join(log.read_text().splitlines()[-15:])
            raise SlipwayError(f"compiling {binary.name} failed:\n{tail}", code="BUILD_FAILED", where=str(log))
        unfinished.replace(target)

    def clear(self) -> None:
        """Delete the Go caches."""
        shutil.rmtree(self.root, ignore_errors=True)


def _record(group: Group, timings: list[Built]) -> None:
    record = {
        "group": group.name,
        "module": group.module,
        "version": module_version(group),
        "seconds": {built.name: round(built.seconds, 1) for built in timings},
    }
    file = group_dir(group) / "group.json"
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(record, indent=2) + "\n")
    unfinished.replace(file)


def _missing(group: Group) -> list[Binary]:
    bin_dir = group_dir(group) / "bin"
    return [binary for binary in group.binaries if not on_path(binary) and not (bin_dir / binary.name).is_file()]


def build(groups: Sequence[Group] = CORE, *, keep_caches: bool = False) -> list[Built]:
    """Build what is missing of `groups`; return what was compiled, in order.

    Raises `SlipwayError`: NO_GO, OLD_GO, DISK_SHORT, BUILD_FAILED. Ctrl-C loses at most the compile in progress.
    """
    if not needed(groups):
        _publish(groups)
        return []
    with _only_builder():
        wanted = needed(groups)
        if not wanted:
            return []
        workshop = _Workshop(_check_go())
        _check_disk(wanted)
        done = _build_all(workshop, wanted)
        _publish(groups)
        if not keep_caches:
            with step("deleting the builder's Go caches"):
                workshop.clear()
        return done


def _publish(groups: Sequence[Group]) -> None:
    """Lay out what other parts look for outside the groups' own folders; quick, and mends what was deleted there."""
    publish_mirror(groups)
    link_language_host()


def clean(*, everything: bool) -> list[Path]:
    """Delete the groups that this checkout does not use (other versions), or every one; return what was deleted."""
    used = set() if everything else {group_dir(group) for group in GROUPS}
    with _only_builder():
        doomed = [path for path in sorted((cache_dir() / "tools").glob("*")) if path not in used]
        for path in doomed:
            shutil.rmtree(path)
        shutil.rmtree(cache_dir() / "go", ignore_errors=True)
    return doomed


def _build_all(workshop: _Workshop, wanted: Sequence[Group]) -> list[Built]:
    todo = [(group, binary) for group in wanted for binary in _missing(group)]
    left = sum(binary.cost for _, binary in todo)
    if todo:
        err.print(f"{len(todo)} tools to build, about {seconds(left)} on two cores")
    done: list[Built] = []
    with ThreadPoolExecutor(max_workers=1) as downloader:
        fetches: list[Future[None]] = [downloader.submit(workshop.fetch, group) for group in wanted]
        try:
            for group, fetch in zip(wanted, fetches, strict=True):
                if not fetch.done():
                    with step(f"downloading the modules of {group.name}"):
                        fetch.result()
                fetch.result()
                timings: list[Built] = []
                (group_dir(group) / "bin").mkdir(parents=True, exist_ok=True)
                for binary in _missing(group):
                    place = f"{len(done) + 1} of {len(todo)}, about {seconds(left)} left"
                    with step(f"building {binary.name} {module_version(group)} ({place})") as current:
                        workshop.compile(group, binary, group_dir(group) / "bin" / binary.name, current)
                    left -= binary.cost
                    timings.append(Built(binary.name, group.name, current.elapsed))
                    done.append(timings[-1])
                after_build(group, group_dir(group), partial(workshop.module_dir, group))
                _record(group, timings)
        except BaseException:
            downloader.shutdown(wait=False, cancel_futures=True)
            raise
    return done
