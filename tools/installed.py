"""Find a tool: the user's own when its version fits, else the one built into the user's cache."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.paths import cache_dir
from tools.catalog import GROUPS, Binary, Group, PathRule, group_of, module_version

__all__ = ["Tool", "bin_dirs", "group_dir", "group_key", "inventory", "is_built", "locate", "on_path"]


@dataclass(frozen=True)
class Tool:
    """A tool as `slipway tools list` shows it. `source` is `PATH`, `built` or `missing`."""

    name: str
    group: str
    version: str
    module: str
    source: str
    path: Path | None


def _recipe(group: Group) -> tuple[object, ...]:
    """What the catalog says that changes the result; the estimate of the time does not."""
    binaries = [(binary.name, binary.package, binary.stamps, binary.tags) for binary in group.binaries]
    return (group.name, group.version, binaries, group.mirror)


def group_key(group: Group) -> str:
    """Twelve hex digits over everything that decides what the group builds: its files and its recipe."""
    digest = hashlib.sha256(repr(_recipe(group)).encode())
    for file in sorted(path for path in group.folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(group.folder)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def group_dir(group: Group) -> Path:
    """Where the finished group stands: `<cache>/tools/<group>-<key>`."""
    return cache_dir() / "tools" / f"{group.name}-{group_key(group)}"


def is_built(group: Group) -> bool:
    """Whether the group was finished at its present key. The record is written last."""
    return (group_dir(group) / "group.json").is_file()


def _version_on_path(path: str, rule: PathRule) -> tuple[int, int] | None:
    try:
        done = subprocess.run([path, *rule.command], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v?(\d+)\.(\d+)\.\d+", done.stdout)
    return (int(found.group(1)), int(found.group(2))) if found and done.returncode == 0 else None


@cache
def on_path(binary: Binary) -> Path | None:
    """The user's own command when there is one and its version fits; never one from our cache."""
    if binary.on_path is None:
        return None
    path = shutil.which(binary.name)
    if path is None or Path(path).resolve().is_relative_to(cache_dir().resolve()):
        return None
    version = _version_on_path(path, binary.on_path)
    fits = version is not None and binary.on_path.at_least <= version < binary.on_path.below
    return Path(path) if fits else None


def _find(group: Group, binary: Binary) -> Tool:
    version = module_version(group)
    if path := on_path(binary):
        return Tool(binary.name, group.name, version, group.module, "PATH", path)
    built = group_dir(group) / "bin" / binary.name
    if built.is_file():
        return Tool(binary.name, group.name, version, group.module, "built", built)
    return Tool(binary.name, group.name, version, group.module, "missing", None)


def inventory() -> list[Tool]:
    """Every tool of the catalog, in build order."""
    return [_find(group, binary) for group in GROUPS for binary in group.binaries]


def locate(name: str) -> Path:
    """The path of the command `name`. Raises `SlipwayError` (TOOL_MISSING) when it is not built yet."""
    group = group_of(name)
    binary = next(binary for binary in group.binaries if binary.name == name)
    tool = _find(group, binary)
    if tool.path is None:
        raise SlipwayError(
            f"the tool `{name}` ({group.module} {tool.version}) is not built",
            code="TOOL_MISSING",
            remedy=f"`slipway tools build --group {group.name}` builds it into the user cache",
        )
    return tool.path


def bin_dirs() -> list[Path]:
    """The folders to put on PATH so that every command that we built is found.

    Providers stay out: the engine warns about a plugin on PATH, and finds those that were installed into its home.
    """
    folders = [group_dir(group) / "bin" for group in GROUPS if not _is_provider(group)]
    return [folder for folder in folders if folder.is_dir()]


def _is_provider(group: Group) -> bool:
    return all(binary.name.startswith("pulumi-resource-") for binary in group.binaries)
