"""What the fixtures cannot say of the rules about Git, Argo CD, kustomize and Pulumi: parts that are missing,
another repository, and whether kustomize itself agrees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi_docker
import pulumi_github
import pytest
import yaml

from slipway.checks.folder import Folder
from slipway.rules import RULES, Engine, Report
from slipway.rules.applications import repository_address
from slipway.rules.cases import cases, good_application
from slipway.rules.dockerfile import read_dockerfile
from slipway.rules.image_name import image_name
from slipway.rules.kustomization import BASE_RENDER, FILE, RENDER, kustomization_object
from slipway.run import run
from tools import locate

REFERENCES = sorted(
    rule.id for rule in RULES.values() if rule.check.__module__.endswith(("references", "object_references"))
)
Object = dict[str, Any]


def ask(rule: str, items: list[Object], **settings: Any) -> Report:
    return Engine([RULES[rule]], strict=True, **settings).run(items)


class Repository(Folder):
    """A folder that Argo CD knows under these addresses."""

    urls = ("https://git.example.com/shop/gitops.git", "git@github.com:acme/gitops.git")


def laid_out(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return root


@pytest.mark.parametrize("rule", REFERENCES)
def test_what_was_not_found_is_no_fault_when_not_all_was_read(rule: str) -> None:
    # Classes and projects are judged by what was read of their own kind, whatever else was left out.
    by_own_kind = {"priority-class-does-not-exist", "storage-class-does-not-exist", "config-key-does-not-exist"}
    for case in cases(rule):
        if not case.passes and rule not in by_own_kind and "cluster issuers" not in case.why:
            report = ask(rule, case.objects(), complete=False)
            assert report.findings == []
            assert report.not_assessed


def application(**source: str) -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": "argocd"},
        "spec": {"project": "shop", "source": {"targetRevision": "main", **source}},
    }


def test_a_path_is_not_assessed_without_a_repository() -> None:
    (skipped,) = ask("application-path-does-not-exist", [application(path="apps/shop")]).not_assessed
    assert "no repository" in skipped.reason


def test_a_path_of_another_repository_is_not_assessed(tmp_path: Path) -> None:
    elsewhere = application(path="apps/shop", repoURL="https://github.com/acme/other.git")
    report = ask("application-path-does-not-exist", [elsewhere], repository=Repository(tmp_path))
    assert report.findings == []
    assert "another repository, github.com/acme/other" in report.not_assessed[0].reason


@pytest.mark.parametrize("url", ["https://git.example.com/shop/gitops", "ssh://git@github.com/acme/gitops.git"])
def test_a_path_of_this_repository_is_looked_up_whatever_form_its_address_has(tmp_path: Path, url: str) -> None:
    report = ask(
        "application-path-does-not-exist", [application(path="apps/Shop", repoURL=url)],
        repository=Repository(laid_out(tmp_path, {"apps/shop/web.yaml": ""})),
    )  # fmt: skip
    (finding,) = report.findings
    assert finding.message == "the repository has no folder 'apps/Shop', but 'apps/shop'"


@pytest.mark.parametrize(
    "url",
    [
        "https://GitHub.com/acme/gitops.git",
        "https://user:token@github.com/acme/gitops/",
        "git@github.com:acme/gitops.git",
        "ssh://git@github.com/acme/gitops",
    ],
)
def test_one_repository_has_one_address(url: str) -> None:
    assert repository_address(url) == "github.com/acme/gitops"


BASE = """
kind: Deployment
apiVersion: apps/v1
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1.0.0"}]}
"""
RENAMED = "resources: [web.yaml]\nimages: [{name: web, newName: ghcr.io/acme/web}]"
PATCHED = "resources: [web.yaml]\npatches: [{path: image.yaml, target: {kind: Deployment}}]"
PATCH = "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'nginx:1'}"
# What lies below an overlay, and the name that it overrides.
OVERRIDES = [
    ({"base/kustomization.yaml": "resources: [web.yaml]"}, "web"),
    ({"base/kustomization.yaml": "resources: [web.yaml]"}, "wep"),
    ({"base/kustomization.yaml": RENAMED}, "web"),
    ({"base/kustomization.yaml": RENAMED}, "ghcr.io/acme/web"),
    ({"base/kustomization.yaml": PATCHED, "base/image.yaml": PATCH}, "nginx"),
    ({"base/kustomization.yaml": "resources: [../middle]", "middle/kustomization.yaml": RENAMED}, "ghcr.io/acme/web"),
]


@pytest.mark.parametrize(("files", "name"), OVERRIDES)
def test_an_override_is_ineffective_exactly_where_kustomize_leaves_the_image(
    tmp_path: Path, files: dict[str, str], name: str
) -> None:
    overlay = {"resources": ["../base"], "images": [{"name": name, "newTag": "9.9.9"}]}
    home = "middle" if "middle/kustomization.yaml" in files else "base"
    laid_out(tmp_path, {**files, f"{home}/web.yaml": BASE, "prod/kustomization.yaml": json.dumps(overlay)})

    rendered = run([locate("kustomize"), "build", tmp_path / "prod"], timeout=60).stdout
    item = kustomization_object(overlay, "prod/kustomization.yaml")
    report = ask("image-override-ineffective", [item], repository=Folder(tmp_path))

    assert report.not_assessed == []
    assert bool(report.findings) == (":9.9.9" not in rendered)


@pytest.mark.parametrize("target", [{"kind": "Deployment"}, {"name": "we.*"}, {"name": "we"}, {"group": "batch"}])
def test_a_patch_is_ineffective_exactly_where_kustomize_ignores_it(tmp_path: Path, target: dict[str, str]) -> None:
    patch = {"target": target, "patch": json.dumps([{"op": "add", "path": "/spec/replicas", "value": 7}])}
    overlay = {"resources": ["../base"], "patches": [patch]}
    files = {"base/kustomization.yaml": "resources: [web.yaml]", "base/web.yaml": BASE}
    laid_out(tmp_path, {**files, "prod/kustomization.yaml": json.dumps(overlay)})

    rendered = run([locate("kustomize"), "build", tmp_path / "prod"], timeout=60).stdout
    item = kustomization_object(overlay, "prod/kustomization.yaml")
    report = ask("patch-target-ineffective", [item], repository=Folder(tmp_path))

    assert bool(report.findings) == ("replicas: 7" not in rendered)


@pytest.mark.parametrize("below", ["helmCharts: [{name: redis}]", "resources: [{]", "resources: [../../outside]"])
def test_an_override_is_not_assessed_where_something_below_cannot_be_followed(tmp_path: Path, below: str) -> None:
    overlay = {"resources": ["../base"], "images": [{"name": "web", "newTag": "9.9.9"}]}
    laid_out(tmp_path, {"base/kustomization.yaml": below})
    report = ask(
        "image-override-ineffective", [kustomization_object(overlay, "prod/kustomization.yaml")],
        repository=Folder(tmp_path),
    )  # fmt: skip
    assert report.findings == []
    assert "web may be in it" in report.not_assessed[0].reason


def test_a_kustomization_whose_folders_go_round_in_circles_ends(tmp_path: Path) -> None:
    laid_out(tmp_path, {"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"})
    item = kustomization_object(
        {"resources": ["../b"], "images": [{"name": "x", "newTag": "1"}]}, "a/kustomization.yaml"
    )
    assert ask("image-override-ineffective", [item], repository=Folder(tmp_path)).not_assessed


def test_shared_yaml_nodes_are_visited_once(tmp_path: Path) -> None:
    # Nine levels of nine aliases each are a billion nodes when they are followed one by one.
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    laid_out(tmp_path, {"base/kustomization.yaml": "resources: [bomb.yaml]", "base/bomb.yaml": bomb})
    overlay = {"resources": ["../base"], "images": [{"name": "x", "newTag": "1"}]}
    item = kustomization_object(overlay, "prod/kustomization.yaml")
    assert ask("image-override-ineffective", [item], repository=Folder(tmp_path)).findings


def test_an_overlay_that_renders_like_its_base_is_found_by_what_both_render() -> None:
    base = yaml.safe_load(BASE)
    overlay = {"resources": ["../base"], "replicas": [{"name": "web", "count": 1}]}
    changed = {**base, "metadata": {"name": "web", "namespace": "prod"}}

    same = kustomization_object(overlay, "prod/kustomization.yaml", render=[dict(base)], base_render=[base])
    different = kustomization_object(overlay, "prod/kustomization.yaml", render=[changed], base_render=[base])

    assert [f.message for f in ask("overlay-without-difference", [same, different]).findings] == [
        "it renders exactly what its base renders"
    ]


def test_a_kustomization_is_named_after_its_folder_and_keeps_what_it_says() -> None:
    document = {"resources": ["web.yaml"], "metadata": {"annotations": {"exempt.slipway.dev/x": "y"}}}
    item = kustomization_object(document, "apps/shop/k8s/base/kustomization.yaml", render=[], base_render=None)

    assert item["kind"] == "Kustomization"
    assert item["metadata"]["name"] == "apps/shop/k8s/base"
    assert item["metadata"]["annotations"] == {
        "exempt.slipway.dev/x": "y",
        FILE: "apps/shop/k8s/base/kustomization.yaml",
    }
    assert not {RENDER, BASE_RENDER} & item["metadata"]["annotations"].keys()
    assert document["metadata"] == {"annotations": {"exempt.slipway.dev/x": "y"}}


def test_a_finding_about_a_secret_does_not_show_it() -> None:
    secret = {"type": "kubernetes:core/v1:Secret", "name": "a", "props": {"stringData": {"password": "hunter2"}}}
    github = {"type": "github:index/actionsSecret:ActionsSecret", "name": "b", "props": {"value": "hunter2"}}
    provider = {"type": "pulumi:providers:github", "name": "c", "props": {"token": "hunter2"}}
    left = {"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "hunter2-changeme"}}

    report = Engine(strict=True).run([secret, github, provider, left])
    own = [f for f in report.findings if f.rule.startswith(("pulumi-", "placeholder-"))]

    assert len(own) == 4
    assert not any("hunter2" in finding.message for finding in own)


def test_every_pulumi_token_of_docker_and_github_exists_in_its_package() -> None:
    known = {
        getattr(value, "pulumi_type", None)
        for package in (pulumi_docker, pulumi_github)
        for value in vars(package).values()
    }
    asked = {kind.removeprefix("pulumi:") for rule in RULES.values() for kind in rule.kinds if "index/" in kind}
    ours = {token for token in asked if token.startswith(("docker:", "github:"))}

    assert len(ours) > 15
    assert ours <= known


def test_the_namespaces_of_two_environments_are_two() -> None:
    twice = [item for _ in range(2) for item in good_application() if item["kind"] == "Namespace"]
    assert len(ask("namespace-declared-twice", twice).findings) == 1
    twice[1]["metadata"]["name"] = "shop-staging"
    assert ask("namespace-declared-twice", twice).findings == []


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("web", ("web", "", "")),
        ("localhost:5000/web", ("localhost:5000/web", "", "")),
        ("localhost:5000/web:1@sha256:ab", ("localhost:5000/web", "1", "sha256:ab")),
        ("ghcr.io/acme/web@sha256:ab", ("ghcr.io/acme/web", "", "sha256:ab")),
    ],
)
def test_an_images_name_has_three_parts(reference: str, parts: tuple[str, str, str]) -> None:
    named = image_name(reference)
    assert (named.repository, named.tag, named.digest) == parts


def test_a_dockerfile_is_read_with_its_arguments_stages_and_continued_lines() -> None:
    read = read_dockerfile(
        "# syntax=docker/dockerfile:1\nARG TAG=3.11 OTHER\nFROM --platform=linux/amd64 python:${TAG} AS Build\n"
        "ENV PORT=80 \\\n    # a comment between\n    MORE=${TAG:-x}\nEXPOSE 1000-1002/tcp\nFROM build\n"
        "EXPOSE $PORT ${UNKNOWN}\nCOPY --from=nowhere:1 / /\n"
    )
    assert [(stage.image, stage.line) for stage in read.bases] == [("python:3.11", 3)]
    assert read.ports == {80, 1000, 1001, 1002}
