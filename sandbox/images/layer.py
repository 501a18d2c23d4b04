"""A layer: the files of an image, written the same way every time.

Sorted, without times, and with every path of the merged /usr put where it belongs, so that the same recipe gives the
same digest on every machine.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slipway.errors import SlipwayError

__all__ = ["Layer", "LayerFile"]

_MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_DROPPED = (
    "boot/", "etc/alternatives/README", "etc/cron", "etc/init.d/", "etc/systemd/", "etc/update-motd.d/", "usr/games/",
    "usr/include/", "usr/lib/systemd/", "usr/lib/x86_64-linux-gnu/gconv/", "usr/share/bash-completion/",
    "usr/share/bug/", "usr/share/doc/", "usr/share/doc-base/", "usr/share/info/", "usr/share/lintian/",
    "usr/share/locale/", "usr/share/man/", "usr/share/menu/", "usr/share/perl", "var/cache/", "var/lib/dpkg/",
)  # fmt: skip


@dataclass(frozen=True)
class LayerFile:
    """A finished layer on disk."""

    path: Path
    # Of the compressed file: the blob's name.
    digest: str
    size: int
    # Of the tar inside: the image configuration's `diff_ids`.
    diff_id: str


@dataclass
class _Entry:
    info: tarfile.TarInfo
    source: bytes | Path = b""


@dataclass
class Layer:
    """The files of one image, by path."""

    entries: dict[str, _Entry] = field(default_factory=dict)

    def add_package(self, info: tarfile.TarInfo, content: bytes) -> None:
        """A file out of a Debian package; documentation and the like are dropped."""
        path = _merged(_normal(info.name))
        if not path or f"{path}/".startswith(_DROPPED) or path.startswith(_DROPPED):
            return
        if info.islnk():
            info.linkname = _merged(_normal(info.linkname))
        if info.isdir() and path in self.entries:
            return
        self._put(path, info, content)

    def add_bytes(self, path: str, content: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """A file with this content."""
        info = tarfile.TarInfo()
        info.mode, info.uid, info.gid = mode, uid, gid
        self._put(path, info, content)

    def add_file(self, path: str, source: Path, mode: int = 0o755) -> None:
        """A file of this machine; it is read when the layer is written."""
        info = tarfile.TarInfo()
        info.mode = mode
        self._put(path, info, source)

    def add_folder(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """An empty folder."""
        info = tarfile.TarInfo()
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, uid, gid
        self._put(path, info)

    def add_link(self, path: str, target: str) -> None:
        """A symbolic link."""
        info = tarfile.TarInfo()
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        self._put(path, info)

    def merge_usr(self) -> None:
        """Debian's merged /usr: the old names are links."""
        for name in _MERGED:
            if any(path.startswith(f"usr/{name}/") for path in self.entries):
                self.add_link(name, f"usr/{name}")

    def content(self, path: str) -> bytes:
        """What a file holds."""
        source = self.entries[path].source
        return source.read_bytes() if isinstance(source, Path) else source

    def write(self, target: Path) -> LayerFile:
        """Write the layer as a compressed tar."""
        self._add_parents()
        blob, plain = hashlib.sha256(), hashlib.sha256()
        with target.open("wb") as raw:
            tee = _Tee(raw.write, blob.update)
            # Level 1: the registry is on this machine, so time counts and size hardly does.
            with gzip.GzipFile(filename="", fileobj=tee, mode="wb", compresslevel=1, mtime=0) as packed:
                inner = _Tee(packed.write, plain.update)
                with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                    # A hard link must come after the file it names.
                    for path in sorted(self.entries, key=lambda path: (self.entries[path].info.islnk(), path)):
                        self._write_entry(archive, path)
        return LayerFile(target, f"sha256:{blob.hexdigest()}", target.stat().st_size, f"sha256:{plain.hexdigest()}")

    def _write_entry(self, archive: tarfile.TarFile, path: str) -> None:
        entry = self.entries[path]
        if isinstance(entry.source, Path):
            entry.info.size = entry.source.stat().st_size
            with entry.source.open("rb") as stream:
                archive.addfile(entry.info, stream)
        else:
            archive.addfile(entry.info, io.BytesIO(entry.source))

    def _put(self, path: str, given: tarfile.TarInfo, source: bytes | Path = b"") -> None:
        info = tarfile.TarInfo(path)
        info.type, info.linkname = given.type, given.linkname
        info.mode, info.uid, info.gid = given.mode & 0o7777, given.uid, given.gid
        info.size = len(source) if isinstance(source, bytes) else 0
        if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
            raise SlipwayError("only files, folders and links belong in an image", code="IMAGE_ENTRY", where=path)
        self.entries[path] = _Entry(info, source)

    def _add_parents(self) -> None:
        for path in list(self.entries):
            for parent in PurePosixPath(path).parents:
                name = str(parent)
                if name != "." and name not in self.entries:
                    self.add_folder(name)


class _Tee(io.RawIOBase):
    """Passes what is written on to several receivers."""

    def __init__(self, *receivers: Callable[[bytes], object]) -> None:
        self._receivers = receivers

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        for receive in self._receivers:
            receive(data)
        return len(data)


def _normal(name: str) -> str:
    return name.removeprefix(".").strip("/") if name.startswith(("./", "/")) or name == "." else name


def _merged(path: str) -> str:
    return f"usr/{path}" if path.split("/", 1)[0] in _MERGED else path
