"""Our own applications meet what the platform asks of others, and the gate of the pull request can fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from slipway.cli import main

APPS = Path(__file__).parents[3] / "apps"
TARGETS = {"overall": 92, "schema": 100, "security": 95, "production": 95, "resources": 90}


@pytest.fixture
def apps(tmp_path: Path) -> Path:
    copy = tmp_path / "apps"
    shutil.copytree(APPS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_production_meets_the_targets(capsys: pytest.CaptureFixture[str]) -> None:
    least = [word for name, value in TARGETS.items() for word in (f"--min-{name}", str(value))]
    assert main(["score", str(APPS), "--env", "prod", *least, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["not_assessed"] == 0


def test_the_copy_passes_as_it_is(apps: Path) -> None:
    assert main(["validate", str(apps)]) == 0


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_overlay_that_is_gone_fails(apps: Path, environment: str, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(apps / "app1" / "k8s" / "overlays" / environment)
    assert main(["validate", str(apps)]) == 1
    assert "app-folder-incomplete" in capsys.readouterr().out


def test_an_invalid_manifest_fails_and_is_named(apps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invalid = apps / "app1" / "k8s" / "base" / "invalid.yaml"
    invalid.write_text("apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  ports: eighty\n")
    kustomization = invalid.with_name("kustomization.yaml")
    kustomization.write_text(kustomization.read_text().replace("resources:\n", "resources:\n  - invalid.yaml\n"))
    assert main(["validate", str(apps), "--format", "sarif"]) == 1
    report = json.loads(capsys.readouterr().out)
    places = {
        (result["ruleId"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].rpartition("/")[2])
        for run in report["runs"]
        for result in run["results"]
    }
    assert ("schema-invalid", "invalid.yaml") in places
