"""Folders that kustomize renders, and what is said when it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import tools
from slipway.manifests import render

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n"


@pytest.fixture(scope="session")
def kustomize() -> Path:
    """The real one: `slipway tools build --group kustomize`."""
    return tools.locate("kustomize")


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An application with a base and three overlays."""
    monkeypatch.chdir(tmp_path)
    base = Path("app/k8s/base")
    base.mkdir(parents=True)
    (base / "deployment.yaml").write_text(DEPLOYMENT)
    (base / "kustomization.yaml").write_text("resources: [deployment.yaml]\n")
    for environment in ("dev", "prod", "staging"):
        overlay = Path("app/k8s/overlays") / environment
        overlay.mkdir(parents=True)
        (overlay / "kustomization.yaml").write_text(f"namespace: web-{environment}\nresources: [../../base]\n")
    return Path("app")


def test_an_overlay_is_rendered(app: Path, kustomize: Path) -> None:
    batch = render(app / "k8s/overlays/prod", kustomize)
    (document,) = batch.documents
    assert document.object["metadata"] == {"name": "web", "namespace": "web-prod"}
    assert document.file == "app/k8s/overlays/prod (rendered)"
    assert document.line(("metadata", "namespace")) == 5
    assert batch.problems == []


@pytest.mark.parametrize(
    ("file", "text", "where", "line", "said"),
    [
        ("base/kustomization.yaml", "resources: [gone.yaml]\n", "base/kustomization.yaml", None,
         "kustomize: gone.yaml: no such file or folder"),
        ("base/kustomization.yaml", "resourcez: []\n", "base/kustomization.yaml", None,
         'kustomize: invalid Kustomization: json: unknown field "resourcez"'),
        ("base/deployment.yaml", "a: 'b\n", "base/deployment.yaml", 2,
         "kustomize: deployment.yaml: MalformedYAMLError: yaml: line 2: found unexpected end of stream in File: "
         "deployment.yaml"),
        ("base/deployment.yaml", "a: b\n", "base/deployment.yaml", None,
         "kustomize: deployment.yaml: missing Resource metadata"),
        ("overlays/prod/kustomization.yaml", "resources: [\n", "overlays/prod/kustomization.yaml", 1,
         "kustomize: invalid Kustomization: yaml: line 1: did not find expected node content"),
    ],
)  # fmt: skip
def test_what_kustomize_refuses_is_a_problem(
    app: Path, kustomize: Path, file: str, text: str, where: str, line: int | None, said: str
) -> None:
    (app / "k8s" / file).write_text(text)
    batch = render(app / "k8s/overlays/prod", kustomize)
    assert batch.documents == []
    (problem,) = batch.problems
    assert (problem.file, problem.line, problem.code) == (f"app/k8s/{where}", line, "RENDER_FAILED")
    assert problem.message == said


def test_a_patch_that_is_no_yaml_is_named(app: Path, kustomize: Path) -> None:
    overlay = app / "k8s/overlays/prod"
    (overlay / "patch.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\nmetadata: [\n")
    (overlay / "kustomization.yaml").write_text("resources: [../../base]\npatches: [{path: patch.yaml}]\n")
    (problem,) = render(overlay, kustomize).problems
    assert (problem.file, "patch.yaml" in problem.message) == (str(overlay / "kustomization.yaml"), True)


def test_a_folder_that_is_not_there_is_a_problem(app: Path, kustomize: Path) -> None:
    (problem,) = render("app/k8s/overlays/qa", kustomize).problems
    assert (problem.file, problem.code) == ("app/k8s/overlays/qa", "RENDER_FAILED")


def test_without_kustomize_the_problem_says_so(app: Path) -> None:
    (problem,) = render(app / "k8s/base", Path("no-such-program")).problems
    assert "no-such-program" in problem.message
