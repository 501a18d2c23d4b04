"""Debian packages as the content of images: which ones, at which version, and their files.

The exact closure of each image is resolved by apt against an empty system and unpacked without running maintainer
scripts: seconds, where a bootstrap takes minutes. Where packages come from, and whether they are genuine, is this
machine's apt configuration's business.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from slipway.errors import SlipwayError

__all__ = ["Package", "closure", "download", "lists_signature", "members"]

_LISTS = Path("/var/lib/apt/lists")
_INSTALL = re.compile(r"^Inst (\S+) \((\S+) .*\[(\w+)\]\)", re.MULTILINE)

# (name, version, architecture)
Package = tuple[str, str, str]


def lists_signature(folder: Path = _LISTS) -> str:
    """Changes whenever apt's package lists change, so that resolved versions can be kept until then."""
    if not folder.is_dir() or not any(folder.glob("*_Packages*")):
        raise SlipwayError("apt has no package lists", code="APT_LISTS", where=str(folder), remedy="apt-get update")
    stats = sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in folder.glob("*_*"))
    return hashlib.sha256(json.dumps(stats).encode()).hexdigest()[:16]


def closure(work: Path, packages: Iterable[str], without: Iterable[str]) -> list[Package]:
    """The packages and what they depend on, as apt would install them on an empty system."""
    left_out = set(without)
    wanted = list(packages)
    found: list[Package] = [
        (match[1], match[2], match[3]) for match in _INSTALL.finditer(_apt(work, "--simulate", "install", *wanted))
    ]
    if "*dependencies*" in left_out:
        return sorted(package for package in found if package[0] in wanted)
    return sorted(package for package in found if package[0] not in left_out)


def download(work: Path, packages: Iterable[str]) -> Path:
    """Fetch the packages and their dependencies; what is already there is not fetched again."""
    _apt(work, "--assume-yes", "--download-only", "install", *packages)
    return work / "archives"


def file_name(package: Package) -> str:
    """The name under which apt keeps a package."""
    name, version, architecture = package
    return f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"


def members(archive: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Every file of a package with its content."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as stream:
            for info in stream:
                content = stream.extractfile(info) if info.isreg() else None
                yield info, content.read() if content else b""
        if process.stdout is not None:
            process.stdout.read()
    if process.returncode != 0:
        raise SlipwayError(
            "cannot unpack this package", code="DEB_UNPACK", where=str(archive), remedy=f"rm {archive} and try again"
        )


def _apt(work: Path, *arguments: str) -> str:
    archives = work / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    empty = work / "status"
    empty.touch()
    options = {
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "APT::Get::List-Cleanup": "false",
        "Debug::NoLocking": "true",
        "Dir::Cache::archives": str(archives),
        "Dir::State::status": str(empty),
    }
    settings = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    done = subprocess.run(["apt-get", "-qq", *settings, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SlipwayError(
            f"apt-get failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}",
            code="APT_FAILED",
            remedy="apt-get update, then try again",
        )
    return done.stdout
