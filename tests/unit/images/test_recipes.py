"""Recipes answer to the names that upstream's manifests use, and admit what differs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox import settings
from sandbox.images import differences
from sandbox.images.build import Image
from sandbox.images.recipes import ARGOCD_VERSION, PYTHON_DECLARED, recipes
from slipway.errors import SlipwayError
from slipway.paths import project_dir

REDIS = "public.ecr.aws/docker/library/redis:8.2.3-alpine"


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path))
    file = tmp_path / "mirror" / "argo-cd" / ARGOCD_VERSION / "install.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"image: quay.io/argoproj/argocd:v3.5.3\n---\n        image: {REDIS}\n", encoding="utf-8")
    return file


@pytest.mark.usefixtures("manifest")
def test_redis_answers_to_the_name_in_argo_cds_own_manifest() -> None:
    assert REDIS in {recipe.reference for recipe in recipes()}


@pytest.mark.usefixtures("manifest")
def test_every_image_is_asked_for_on_a_host_that_the_registry_mirrors() -> None:
    hosts = {recipe.reference.partition("/")[0] for recipe in recipes()}

    assert hosts <= {*settings.MIRRORED_HOSTS, settings.REGISTRY}


def test_without_the_mirror_the_error_says_how_to_get_it(manifest: Path) -> None:
    manifest.unlink()

    with pytest.raises(SlipwayError) as raised:
        recipes()
    assert raised.value.code == "MIRROR_MISSING"
    assert "slipway tools build" in raised.value.remedy


def test_two_redis_images_in_the_manifest_are_an_error_and_not_a_guess(manifest: Path) -> None:
    manifest.write_text(f"image: {REDIS}\nimage: docker.io/library/redis:9\n", encoding="utf-8")

    with pytest.raises(SlipwayError) as raised:
        recipes()
    assert raised.value.code == "MIRROR_MISMATCH"


@pytest.mark.usefixtures("manifest")
def test_what_runs_at_another_version_is_said(tmp_path: Path) -> None:
    packages = {"redis-server": "5:7.0.15-1~deb12u5", "git": "1:2.39.5-0+deb12u2", "python3": "3.11.2-1+b1"}
    found = differences([Image(recipe, tmp_path, "sha256:0", packages) for recipe in recipes()])

    said = {entry["component"]: entry for entry in found}
    assert said["redis"]["declared"] == REDIS
    assert said["redis"]["runs"] == "redis 7.0.15 (Debian 12)"
    assert "git 2.39.5" in said["argocd"]["runs"]
    assert "without its web interface" in said["argocd"]["runs"]
    assert said["python"] | {"reason": ""} == {
        "component": "python",
        "declared": PYTHON_DECLARED,
        "runs": "python 3.11.2 (Debian 12)",
        "reason": "",
    }
    assert all(entry["reason"] for entry in found)


def test_the_declared_base_image_is_the_one_of_the_dockerfile() -> None:
    dockerfile = (project_dir() / "apps" / "app1" / "Dockerfile").read_text("utf-8")

    assert re.findall(r"^ARG BASE_IMAGE=(.+)$", dockerfile, re.MULTILINE) == [PYTHON_DECLARED]
