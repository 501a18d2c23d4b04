"""The platform's own kinds out of a mirror of upstream's manifests, and the cache of what was made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.schema import Schemas, platform_crds
from slipway.schema import platform as module


def crd(kind: str, **spec: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.argoproj.io"},
        "spec": {
            "group": "argoproj.io",
            "names": {"kind": kind},
            "versions": [{"name": "v1alpha1", "served": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def put(mirror: Path, place: str, *objects: dict[str, Any]) -> None:
    file = mirror / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("---\n" + yaml.safe_dump_all([*objects, {"apiVersion": "v1", "kind": "Pod"}]))


def application(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}, "spec": spec}


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    put(tmp_path / "mirror", "argo-cd/v3.5.3/install.yaml", crd("Application", project={"type": "string"}))
    return tmp_path / "mirror"


def test_the_platforms_kinds_are_checked(mirror: Path, tmp_path: Path) -> None:
    schemas = Schemas(custom=platform_crds(mirror, tmp_path / "cache"))
    assert schemas.check(application(project="a")) == []
    assert [error.path for error in schemas.check(application(projct="a"))] == [("spec", "projct")]


def test_the_newest_version_of_a_manifest_counts(mirror: Path, tmp_path: Path) -> None:
    put(mirror, "argo-cd/v3.10.0/install.yaml", crd("Application", source={"type": "string"}))
    schemas = Schemas(custom=platform_crds(mirror, tmp_path / "cache"))
    assert schemas.check(application(source="a")) == []
    assert schemas.check(application(project="a")) != []


def test_versions_are_compared_as_numbers(tmp_path: Path) -> None:
    places = [tmp_path / f"argo-cd/{version}/install.yaml" for version in ("v3.10.0", "v3.9.2", "v2.14.11")]
    assert sorted(places, key=module._by_version) == places[::-1]


def test_without_a_mirror_nothing_is_known(tmp_path: Path) -> None:
    assert platform_crds(tmp_path / "none", tmp_path / "cache") == []
    assert not Schemas().knows(application())


def test_a_manifest_is_parsed_once(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = platform_crds(mirror, tmp_path / "cache")

    def parse(content: bytes) -> list[Any]:
        raise AssertionError("parsed again")

    monkeypatch.setattr(module, "_documents", parse)
    assert platform_crds(mirror, tmp_path / "cache") == first
    put(mirror, "argo-cd/v3.5.3/install.yaml", crd("AppProject"))
    with pytest.raises(AssertionError, match="parsed again"):
        platform_crds(mirror, tmp_path / "cache")


@pytest.mark.parametrize("content", ["", "[]", "{", '[{"a": 1}]', "null"])
def test_a_broken_cache_is_made_anew(mirror: Path, tmp_path: Path, content: str) -> None:
    first = platform_crds(mirror, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text(content)
    again = platform_crds(mirror, tmp_path / "cache")
    assert again == (first if content != "[]" else [])


def test_a_cache_that_cannot_be_written_only_costs_time(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert [kind.kind for kind in platform_crds(mirror, tmp_path / "cache")] == ["Application"]


def test_a_manifest_that_is_no_yaml_defines_nothing(mirror: Path, tmp_path: Path) -> None:
    (mirror / "argo-cd/v3.5.3/install.yaml").write_text("CustomResourceDefinition: 'a\n")
    assert platform_crds(mirror, tmp_path / "cache") == []
