"""Where upstream's manifests and images come from, and what is said when they are not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.errors import ProgramError
from components.sources import SOURCES, find, load, mirror_dir, resolve


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_version_is_exact(source: object) -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", getattr(source, "version"))  # noqa: B009 - parametrised objects are untyped


def test_no_name_stands_for_two_sources() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)


def test_upstream_is_the_release_itself() -> None:
    for source in SOURCES:
        if source.kind == "manifest":
            assert source.upstream.startswith("https://")
            assert source.version in resolve(source.name, "upstream")


@pytest.mark.parametrize("mode", ["upstream", "mirror"])
def test_an_image_keeps_its_name_in_every_mode(mode: str) -> None:
    image = resolve("traefik", "mirror" if mode == "mirror" else "upstream")
    assert image == "docker.io/library/traefik:v3.7.10"


def test_the_mirror_is_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SLIPWAY_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert mirror_dir() == tmp_path / "slipway" / "mirror"
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "own"))
    assert mirror_dir() == tmp_path / "own" / "mirror"


def test_a_location_takes_the_place_of_the_cache(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_CACHE", "/nowhere")
    assert resolve("argo-cd", "mirror", str(mirror)) == str(mirror / "argo-cd/v3.5.3/install.yaml")


def test_a_missing_file_names_itself_and_the_command_that_fetches_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path))
    with pytest.raises(ProgramError, match=r"the mirror has no argo-cd v3\.5\.3") as caught:
        resolve("argo-cd", "mirror")
    assert str(tmp_path / "mirror/argo-cd/v3.5.3/install.yaml") in str(caught.value)
    assert "slipway tools build" in str(caught.value)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(ProgramError, match=r"did you mean 'argo-cd'"):
        find("argocd")


def test_the_objects_are_those_of_the_file(mirror: Path) -> None:
    kinds = [item["kind"] for item in load("gateway-api", "mirror", str(mirror))]
    assert kinds.count("CustomResourceDefinition") == 10
    assert kinds[-1] == "ValidatingAdmissionPolicy"


@pytest.mark.parametrize(("content", "says"), [("{ not: [yaml", "is not YAML"), ("---\n---\n", "no Kubernetes object")])
def test_a_damaged_manifest_is_refused(mirror: Path, content: str, says: str) -> None:
    (mirror / "argo-cd/v3.5.3/install.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ProgramError, match=says):
        load("argo-cd", "mirror", str(mirror))
