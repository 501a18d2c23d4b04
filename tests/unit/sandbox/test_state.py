"""What the sandbox remembers survives a power cut, and what did not is told."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from sandbox import files as sandbox_files
from sandbox import mounts, packages, preflight, state
from sandbox.files import StateCorrupt
from sandbox.settings import Layout
from slipway.errors import SlipwayError


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "s")


def test_a_write_that_changes_nothing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    assert sandbox_files.write(path, "text")
    before = path.stat()
    assert not sandbox_files.write(path, "text")
    assert path.stat().st_ino == before.st_ino
    assert sandbox_files.write(path, "other")
    assert [each.name for each in path.parent.iterdir()] == ["b"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    sandbox_files.write(path, "old")

    def power_cut(*_: object) -> None:
        raise OSError("no power")

    monkeypatch.setattr("sandbox.files.os.fsync", power_cut)
    with pytest.raises(OSError, match="no power"):
        sandbox_files.write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_record_comes_back_as_it_was(layout: Layout) -> None:
    assert state.load(layout) is None
    record = state.Record(1.5, {"net/ipv4/ip_forward": "0"}, ["/var/lib/cni"], {"ipv4": {"nat": ["-N X"]}})
    record.save(layout)
    assert state.load(layout) == record


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 2}', '{"version": 1}', '{"version": 1, "created": 1, "sysctls": []}'],
    ids=["empty", "cut", "a list", "a later version", "nothing in it", "wrong form"],
)
def test_a_record_that_the_sandbox_did_not_write_is_an_error(layout: Layout, text: str) -> None:
    layout.root.mkdir()
    layout.record.write_text(text)
    with pytest.raises(StateCorrupt, match="slipway sandbox reset") as error:
        state.load(layout)
    assert error.value.where == str(layout.record)


def test_secrets_are_random_and_stay(layout: Layout, tmp_path: Path) -> None:
    layout.root.mkdir()
    first = state.secrets_of(layout)
    assert state.secrets_of(layout) == first
    assert layout.secrets.stat().st_mode & 0o777 == 0o600
    other = Layout(tmp_path / "other")
    other.root.mkdir()
    assert not set(state.secrets_of(other).__dict__.values()) & set(first.__dict__.values())


def test_secrets_are_not_made_anew_under_data_that_they_encrypt(layout: Layout) -> None:
    (layout.etcd / "member").mkdir(parents=True)
    with pytest.raises(StateCorrupt, match="missing"):
        state.secrets_of(layout)


def test_a_path_too_long_for_a_socket_is_told_before_anything_is_made(tmp_path: Path) -> None:
    long = Layout(tmp_path / ("x" * 80))
    with pytest.raises(SlipwayError, match="SLIPWAY_SANDBOX_DIR") as error:
        state.prepare(long)
    assert error.value.code == "PATH_TOO_LONG"
    assert not long.root.exists()


def test_a_folder_with_something_else_in_it_is_not_ours(layout: Layout) -> None:
    state.require_own(layout)
    layout.root.mkdir()
    state.require_own(layout)
    (layout.root / "thesis.txt").touch()
    with pytest.raises(SlipwayError, match="no sandbox"):
        state.require_own(layout)


def bolt(*, page_size: int = 4096, pages: int, high_water: int, magic: int = 0xED0CDAED) -> bytes:
    """A database file's two header pages and the rest."""
    data = bytearray(page_size * pages)
    for page in (0, 1):
        header = struct.pack("<IIIIQQQQQ", magic, 2, page_size, 0, 0, 0, 0, high_water, page)
        data[page * page_size + 16 : page * page_size + 16 + len(header)] = header
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a database"),
        (b"\0" * 9000, "not a database"),
        (bolt(pages=4, high_water=4, magic=1), "not a database"),
        (bolt(pages=4, high_water=5), "truncated: 16384 bytes of at least 20480"),
    ],
    ids=["empty", "zeros", "other file", "cut"],
)
def test_a_database_that_cannot_be_whole_is_named(layout: Layout, content: bytes, message: str) -> None:
    database = layout.etcd / "member" / "snap" / "db"
    database.parent.mkdir(parents=True)
    database.write_bytes(content)
    with pytest.raises(StateCorrupt, match=message) as error:
        preflight.check_databases(layout)
    assert error.value.where == str(database)


def test_a_whole_database_and_none_at_all_are_fine(layout: Layout) -> None:
    preflight.check_databases(layout)
    database = layout.etcd / "member" / "snap" / "db"
    database.parent.mkdir(parents=True)
    database.write_bytes(bolt(pages=8, high_water=5))
    preflight.check_databases(layout)


def test_a_log_without_its_database_is_told(layout: Layout) -> None:
    wal = layout.etcd / "member" / "wal"
    wal.mkdir(parents=True)
    (wal / "0000.wal").touch()
    with pytest.raises(StateCorrupt, match="missing beside its log"):
        preflight.check_databases(layout)


def test_only_root_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.preflight.os.geteuid", lambda: 1000)
    with pytest.raises(SlipwayError, match="sudo") as error:
        preflight.require_root()
    assert error.value.code == "NOT_ROOT"


def test_mounts_are_found_innermost_first_and_with_blanks_in_their_names() -> None:
    table = "\n".join(
        f"1 0 0:1 / {point} rw - tmpfs tmpfs rw"
        for point in ("/", "/s", "/s/a", r"/s/a/with\040blank", "/sandbox", "/s/b")
    )
    assert mounts.below(Path("/s"), table) == ["/s/b", "/s/a/with blank", "/s/a"]


def test_a_package_that_was_removed_but_not_purged_is_missing(tmp_path: Path) -> None:
    blocks = [f"Package: {name}\nStatus: install ok installed\n" for name in packages.NEEDED if name != "runc"]
    status = tmp_path / "status"
    status.write_text("\n".join([*blocks, "Package: runc\nStatus: deinstall ok config-files\n"]))
    assert packages.missing(status) == ["runc"]


def test_missing_packages_come_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", lambda: ["runc", "buildah"])
    with pytest.raises(SlipwayError, match="install -y --no-install-recommends runc buildah") as error:
        packages.require()
    assert error.value.code == "PACKAGE_MISSING"


def test_services_are_forbidden_while_packages_are_installed_and_free_again_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "policy-rc.d"
    seen: list[str] = []

    def fails(*_: object, **__: object) -> None:
        seen.append(policy.read_text())
        raise SlipwayError("no network")

    monkeypatch.setattr(packages, "POLICY", policy)
    monkeypatch.setattr(packages, "missing", lambda: ["runc"])
    monkeypatch.setattr(packages, "run", fails)
    monkeypatch.setattr("sandbox.packages.os.geteuid", lambda: 0)
    with pytest.raises(SlipwayError, match="no network"):
        packages.install()
    assert seen == ["#!/bin/sh\nexit 101\n"]
    assert not policy.exists()


def test_a_policy_of_the_machines_owner_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    monkeypatch.setattr(packages, "POLICY", policy)
    monkeypatch.setattr(packages, "missing", lambda: ["runc"])
    monkeypatch.setattr(packages, "run", lambda *_, **__: None)
    monkeypatch.setattr("sandbox.packages.os.geteuid", lambda: 0)
    assert packages.install() == ["runc"]
    assert policy.read_text() == "theirs"


def test_json_that_is_no_object_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps([1]))
    with pytest.raises(StateCorrupt, match="not a JSON object"):
        sandbox_files.read_json(path)
