"""The builder on real Go code: what it makes, what it does again, and what stops it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import SlipwayError
from slipway.paths import cache_dir, mirror_dir
from tools import builder, installed
from tools.catalog import Group, MirrorFile


def test_a_build_makes_stamped_binaries_and_deletes_its_caches(group: Group) -> None:
    built = builder.build([group])

    assert [binary.name for binary in built] == ["one", "two"]
    one = installed.group_dir(group) / "bin" / "one"
    assert subprocess.run([one], capture_output=True, text=True, check=True).stderr == "1.2.3\n"
    assert not (cache_dir() / "go").exists()


def test_a_second_build_compiles_nothing(group: Group) -> None:
    builder.build([group])

    assert builder.build([group]) == []


def test_an_interrupted_build_goes_on_with_what_is_missing(group: Group) -> None:
    broken = group.folder / "two" / "broken.go"
    broken.write_text("package main\n\nfunc (")
    with pytest.raises(SlipwayError, match=r"compiling two failed:\n[^|]*broken\.go") as failure:
        builder.build([group])
    assert failure.value.code == "BUILD_FAILED"
    assert not installed.is_built(group)
    stopped_at = installed.group_dir(group)

    # The key follows the files, so the mended folder would build anew: keep the key to see the half-made group.
    broken.unlink()
    stopped_at.rename(stopped_at.with_name(f"hello-{installed.group_key(group)}"))
    installed.group_dir.cache_clear()
    assert [binary.name for binary in builder.build([group])] == ["two"]


def test_a_changed_file_changes_the_key(group: Group) -> None:
    before = installed.group_key(group)
    (group.folder / "one" / "main.go").write_text("package main\n\nfunc main() {}\n")

    assert installed.group_key(group) != before


def test_two_builds_at_once_compile_once(group: Group, tmp_path: Path) -> None:
    script = tmp_path / "build.py"
    script.write_text(
        "from pathlib import Path\n"
        "from tools import builder, catalog\n"
        "from tools.catalog import Binary, Group\n"
        f"catalog.HERE = Path({str(group.folder.parent)!r})\n"
        "binaries = tuple(Binary(n, f'./{n}', 1, ('main.version={number}',)) for n in ('one', 'two'))\n"
        "print(len(builder.build([Group('hello', 'example.test/hello', binaries, version='v1.2.3')])))\n"
    )
    command = [sys.executable, str(script)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    counts = sorted(process.communicate(timeout=120)[0].strip() for process in both)

    assert counts == ["0", "2"]


def test_too_little_disk_is_said_before_anything_is_built(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 0))
    with pytest.raises(SlipwayError, match="about 2 GB and 0 GB are free") as failure:
        builder.build([group])

    assert failure.value.code == "DISK_SHORT"
    assert not installed.group_dir(group).exists()


def test_a_machine_without_go_is_told_what_to_install(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(SlipwayError, match=r"install Go 1\.26") as failure:
        builder.build([group])

    assert failure.value.code == "NO_GO"


def test_cleaning_keeps_what_this_checkout_uses(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "GROUPS", (group,))
    builder.build([group])
    other = cache_dir() / "tools" / "hello-000000000000"
    other.mkdir()

    assert builder.clean(everything=False) == [other]
    assert installed.is_built(group)
    assert builder.clean(everything=True) == [installed.group_dir(group)]


def test_a_group_without_binaries_lays_its_files_into_the_mirror_once(group: Group) -> None:
    wanted = MirrorFile(group.module, "*/main.go", "hello/{version}/main.go", joined=True)
    files_only = replace(group, binaries=(), mirror=(wanted,))
    assert builder.needed([files_only]) == [files_only]

    assert builder.build([files_only]) == []

    assert (mirror_dir() / "hello" / "v1.2.3" / "main.go").read_text().count("func main()") == 2
    assert builder.needed([files_only]) == []
