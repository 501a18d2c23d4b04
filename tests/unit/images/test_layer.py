"""A layer holds what it should, in an order that unpacks, and is the same file every time."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path

import pytest

from sandbox.images.layer import Layer, LayerFile
from slipway.errors import SlipwayError


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime, info.uname = kind, link, mode, 1_700_000_000, "root"
    return info


def names(file: LayerFile) -> list[str]:
    with tarfile.open(file.path) as archive:
        return archive.getnames()


def example() -> Layer:
    layer = Layer()
    layer.add_package(member("./bin/zz", tarfile.LNKTYPE, "./usr/lib/zz"), b"")
    layer.add_package(member("./usr/lib/zz", mode=0o755), b"program")
    layer.add_package(member("./lib64/ld.so", tarfile.SYMTYPE, "/lib/ld-2.so"), b"")
    layer.add_package(member("./usr/share/doc/zz/copyright"), b"text")
    layer.add_bytes("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
    layer.merge_usr()
    return layer


def test_the_same_files_give_the_same_digest(tmp_path: Path) -> None:
    first, second = example().write(tmp_path / "a"), example().write(tmp_path / "b")

    assert first.digest == second.digest
    assert first.path.read_bytes() == second.path.read_bytes()


def test_digests_name_the_file_and_the_tar_inside(tmp_path: Path) -> None:
    written = example().write(tmp_path / "layer")
    packed = written.path.read_bytes()

    assert written.digest == "sha256:" + hashlib.sha256(packed).hexdigest()
    assert written.diff_id == "sha256:" + hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert written.size == len(packed)


def test_no_time_and_no_owner_name_of_the_making_machine_is_kept(tmp_path: Path) -> None:
    with tarfile.open(example().write(tmp_path / "layer").path) as archive:
        assert {(entry.mtime, entry.uname) for entry in archive} == {(0, "")}


def test_files_of_the_old_root_folders_move_below_usr_and_leave_links(tmp_path: Path) -> None:
    file = example().write(tmp_path / "layer")

    assert {"usr/bin/zz", "usr/lib64/ld.so", "bin", "lib64"} <= set(names(file))
    with tarfile.open(file.path) as archive:
        assert archive.getmember("bin").linkname == "usr/bin"


def test_a_hard_link_comes_after_the_file_it_names(tmp_path: Path) -> None:
    order = names(example().write(tmp_path / "layer"))

    assert order.index("usr/bin/zz") > order.index("usr/lib/zz")


def test_every_folder_comes_before_what_is_in_it(tmp_path: Path) -> None:
    order = names(example().write(tmp_path / "layer"))

    for path in order:
        if "/" in path:
            assert order.index(path.rpartition("/")[0]) < order.index(path)


def test_documentation_is_left_out(tmp_path: Path) -> None:
    assert not any("doc" in name for name in names(example().write(tmp_path / "layer")))


def test_a_device_is_refused() -> None:
    with pytest.raises(SlipwayError, match="only files"):
        Layer().add_package(member("./dev/null", tarfile.CHRTYPE), b"")
