"""Which Kustomizations are judged, and that none leads the reading out of its repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.checks import kustomizations
from slipway.checks.gather import Gatherer
from slipway.checks.kustomizations import Origins, chain, roots
from slipway.errors import UsageError
from slipway.manifests import Batch

TWICE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  outside: a\n  outside: b\n"


def write(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, "utf-8")
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An application whose overlay builds on a base."""
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    write(tmp_path / "repository/k8s/base/kustomization.yaml", "resources: []\n")
    write(tmp_path / "repository/k8s/overlays/prod/kustomization.yaml", "resources: [../../base]\n")
    return tmp_path / "repository"


def test_an_overlay_is_judged_whatever_builds_on_it(repository: Path) -> None:
    patched = write(repository / "k8s/zz/kustomization.yaml", "resources: [../overlays/prod]\n").parent
    assert roots(repository / "k8s") == [repository / "k8s/overlays/prod", patched]


def test_an_overlay_is_judged_seen_from_its_own_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repository / "k8s/overlays/zz/kustomization.yaml", "resources: [../prod]\n")
    monkeypatch.chdir(repository / "k8s/overlays")
    assert roots(Path()) == [Path("prod"), Path("zz")]


def test_a_kustomization_that_names_itself_is_judged(repository: Path) -> None:
    own = write(repository / "k8s/own/kustomization.yaml", "resources: [.]\n").parent
    assert own in roots(repository / "k8s")


def test_too_many_kustomizations_are_refused_and_not_left_out(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kustomizations, "_MOST", 2)
    assert len(chain(repository / "k8s/overlays/prod")) == 2
    write(repository / "k8s/zz/kustomization.yaml", "resources: [../overlays/prod]\n")
    for find, folder in ((roots, repository / "k8s"), (chain, repository / "k8s/zz")):
        with pytest.raises(UsageError) as error:
            find(folder)
        assert error.value.code == "TOO_MANY"


@pytest.mark.parametrize("resource", ["../../outside", "{outside}", "link", "x" * 5000, "a\\0b", "../" * 1500])
def test_nothing_outside_of_the_repository_is_built_on(repository: Path, tmp_path: Path, resource: str) -> None:
    outside = write(tmp_path / "outside/kustomization.yaml", "resources: []\n").parent
    own = write(repository / "k8s/kustomization.yaml", f'resources: ["{resource.format(outside=outside)}"]\n').parent
    (own / "link").symlink_to(outside)
    assert [one.folder for one in chain(own)] == [own]


@pytest.mark.parametrize("resource", ["../../outside.yaml", "{outside}", "link.yaml", "x" * 5000 + ".yaml"])
def test_no_file_outside_is_read_for_its_duplicate_keys(repository: Path, tmp_path: Path, resource: str) -> None:
    outside = write(tmp_path / "outside.yaml", TWICE)
    text = f'resources: ["inside.yaml", "{resource.format(outside=outside)}"]\n'
    own = write(repository / "k8s/kustomization.yaml", text).parent
    inside = write(own / "inside.yaml", TWICE.replace("outside", "inside"))
    (own / "link.yaml").symlink_to(outside)
    assert [problem.file for problem in Origins(chain(own)).duplicates] == [str(inside)]


def test_a_commit_bounds_its_kustomizations_without_a_git_folder(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    write(tmp_path / "outside/kustomization.yaml", "resources: []\n")
    own = write(tree / "k8s/kustomization.yaml", "resources: [../../outside]\n").parent
    assert len(chain(own, tree)) == 1
    assert len(chain(own)) == 2


@pytest.mark.parametrize("target", ["-", "/etc/hostname", "..", "../other/pod.yaml", "k8s/../../pod.yaml"])
def test_a_target_outside_of_the_commit_is_refused(tmp_path: Path, target: str) -> None:
    write(tmp_path / "pod.yaml", TWICE)
    write(tmp_path / "other/pod.yaml", TWICE)
    tree = write(tmp_path / "tree/k8s/pod.yaml", TWICE).parents[1]
    with pytest.raises(UsageError) as error:
        list(Gatherer(lambda folder: Batch(), here=tree, root=tree).gather([target]))
    assert (error.value.code, error.value.where) == ("CONTRADICTION", target)


@pytest.mark.parametrize("target", ["k8s/pod.yaml", "..k8s/pod.yaml", "k8s/../k8s", "."])
def test_a_target_within_the_commit_is_read(tmp_path: Path, target: str) -> None:
    tree = write(tmp_path / "tree/k8s/pod.yaml", TWICE).parents[1]
    write(tree / "..k8s/pod.yaml", TWICE)
    assert list(Gatherer(lambda folder: Batch(), here=tree, root=tree).gather([target]))
