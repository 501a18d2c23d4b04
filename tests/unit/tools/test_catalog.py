"""The catalog: every tool is pinned once, and what must agree with it elsewhere does."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from slipway.errors import SlipwayError
from tools import catalog, installed
from tools.catalog import GROUPS, Binary, Group, PathRule, module_version

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_every_group_pins_its_modules_by_version_and_checksum(group: Group) -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", module_version(group))
    assert (group.folder / "go.sum").stat().st_size > 0


def test_no_binary_is_built_by_two_groups() -> None:
    names = [binary.name for group in GROUPS for binary in group.binaries]

    assert len(names) == len(set(names))


def test_the_python_packages_have_the_versions_of_the_built_tools() -> None:
    pins = dict(re.findall(r"^([a-z-]+)==(\S+)$", (PROJECT / "requirements.in").read_text(), re.MULTILINE))

    assert f"v{pins['pulumi']}" == module_version(catalog.group_of("pulumi"))
    assert f"v{pins['pulumi-kubernetes']}" == module_version(catalog.group_of("pulumi-resource-kubernetes"))
    assert f"v{pins['pulumi-github']}" == module_version(catalog.group_of("pulumi-resource-github"))


def test_the_kubernetes_libraries_have_one_version_so_that_compiled_packages_are_shared() -> None:
    versions = {
        version
        for name in ("kubernetes", "argocd", "traefik")
        for version in re.findall(r"=> k8s\.io/\S+ (v\S+)", (catalog.HERE / name / "go.mod").read_text())
    }

    assert len(versions) == 1


def test_a_changed_estimate_does_not_build_again(group: Group) -> None:
    dearer = tuple(Binary(b.name, b.package, b.cost * 2, b.stamps) for b in group.binaries)

    assert installed.group_key(Group(group.name, group.module, dearer, version=group.version)) == installed.group_key(
        group
    )


def test_a_missing_tool_is_named_with_the_command_that_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path))
    installed.group_dir.cache_clear()
    with pytest.raises(SlipwayError, match="slipway tools build --group etcd") as failure:
        installed.locate("etcd")
    installed.group_dir.cache_clear()

    assert failure.value.code == "TOOL_MISSING"


@pytest.mark.parametrize(
    ("printed", "fits"),
    [("v4.2.4+g1234", True), ("v3.18.6", False), ("v5.0.0", False), ("no version here", False)],
)
def test_a_tool_on_path_is_used_only_at_a_fitting_version(
    printed: str, fits: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "bin" / "helm"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\necho '{printed}'\n")
    own.chmod(own.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    installed.on_path.cache_clear()
    binary = Binary("helm", "unused", 1, on_path=PathRule(("version", "--short"), (4, 0), (5, 0)))

    assert installed.on_path(binary) == (own if fits else None)
    installed.on_path.cache_clear()
