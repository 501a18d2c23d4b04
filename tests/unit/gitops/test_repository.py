"""Every operation is one commit on `main` of the repository, or none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slipway.errors import CheckFailed, SlipwayError, UsageError
from slipway.gitops import GitOpsRepository
from slipway.gitops import repository as module
from slipway.images import ImageRef

DIGEST = "sha256:" + "ab" * 32
IMAGE = ImageRef("git-0123456789ab", DIGEST)
OVERLAY = "kind: Kustomization\nresources:\n  - ../../base\nimages:\n  - name: ghcr.io/acme/app1\n    newTag: 1.0.0\n"

# Renders one Deployment with the overlay's image, as kustomize would.
KUSTOMIZE = """\
#!{python}
import pathlib, sys, yaml
folder = pathlib.Path(sys.argv[2])
entry = yaml.safe_load((folder / "kustomization.yaml").read_text())["images"][0]
image = entry["name"] + ":" + entry["newTag"] + ("@" + entry["digest"] if "digest" in entry else "")
base = (folder / "../../base/image").read_text().strip()
containers = [dict(image=image if base == "plain" else base), dict(image="docker.io/library/other:1")]
print(yaml.safe_dump(dict(kind="Deployment", spec=dict(template=dict(spec=dict(containers=containers))))))
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "gitops.git")
    return tmp_path / "gitops.git"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    overlay = root / "apps" / "app1" / "k8s" / "overlays" / "dev"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text(OVERLAY)
    base = root / "apps" / "app1" / "k8s" / "base"
    base.mkdir()
    (base / "image").write_text("plain\n")
    (root / ".gitignore").write_text("*.secret\n__pycache__/\n")
    git(root, "init", "--quiet")
    return root


@pytest.fixture
def gitops(tmp_path: Path, remote: Path) -> GitOpsRepository:
    kustomize = tmp_path / "kustomize"
    kustomize.write_text(KUSTOMIZE.format(python=sys.executable))
    kustomize.chmod(0o755)
    return GitOpsRepository(str(remote), kustomize=kustomize)


@pytest.fixture
def seeded(gitops: GitOpsRepository, checkout: Path) -> GitOpsRepository:
    assert gitops.seed(checkout / "apps")
    return gitops


def test_a_seed_is_the_first_commit_and_holds_what_git_would_commit(
    gitops: GitOpsRepository, checkout: Path, remote: Path
) -> None:
    (checkout / "apps" / "app1" / "token.secret").write_text("secret")
    (checkout / "apps" / "app1" / "link").symlink_to("k8s")
    commit = gitops.seed(checkout / "apps")

    assert commit == gitops.head() == git(remote, "rev-parse", "main")
    assert git(remote, "ls-tree", "-r", "--name-only", "main").splitlines() == [
        "README.md",
        "apps/app1/k8s/base/image",
        "apps/app1/k8s/overlays/dev/kustomization.yaml",
        "apps/app1/link",
    ]


def test_a_repository_with_commits_is_not_seeded_again(seeded: GitOpsRepository, checkout: Path) -> None:
    head = seeded.head()

    assert seeded.seed(checkout / "apps") is None
    assert seeded.head() == head


def test_a_deleted_file_does_not_stop_a_seed(gitops: GitOpsRepository, checkout: Path) -> None:
    git(checkout, "add", ".")
    (checkout / "apps" / "app1" / "k8s" / "base" / "image").unlink()

    assert gitops.seed(checkout / "apps")


def test_a_folder_outside_of_git_is_refused(gitops: GitOpsRepository, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()

    with pytest.raises(UsageError) as raised:
        gitops.seed(tmp_path / "plain")
    assert raised.value.code == "NOT_A_CHECKOUT"


def test_an_image_is_one_file_and_a_message_of_four_fields(seeded: GitOpsRepository, remote: Path) -> None:
    commit = seeded.set_image("app1", "dev", IMAGE, trigger="a test")

    assert commit == seeded.head()
    changed = git(remote, "show", "--format=", "--name-only", "main")
    assert changed == "apps/app1/k8s/overlays/dev/kustomization.yaml"
    subject, _, body = git(remote, "log", "-1", "--format=%B", "main").partition("\n\n")
    assert subject == "app1 dev: git-0123456789ab"
    assert body.splitlines() == [
        "environment: dev",
        "component: app1",
        f"image: ghcr.io/acme/app1:git-0123456789ab@{DIGEST}",
        "trigger: a test",
    ]
    assert seeded.image("app1", "dev") == IMAGE


def test_the_same_image_again_is_no_commit(seeded: GitOpsRepository) -> None:
    seeded.set_image("app1", "dev", IMAGE)
    head = seeded.head()

    assert seeded.set_image("app1", "dev", IMAGE) is None
    assert seeded.head() == head


def test_an_image_that_does_not_arrive_in_the_rendered_manifests_is_not_pushed(
    gitops: GitOpsRepository, checkout: Path
) -> None:
    (checkout / "apps" / "app1" / "k8s" / "base" / "image").write_text("ghcr.io/acme/app1:fixed\n")
    head = gitops.seed(checkout / "apps")

    with pytest.raises(CheckFailed) as raised:
        gitops.set_image("app1", "dev", IMAGE)
    assert "ghcr.io/acme/app1:fixed" in raised.value.what
    assert gitops.head() == head


def test_a_push_that_lost_a_race_is_done_again_on_top_of_the_winner(
    seeded: GitOpsRepository, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = module.with_image
    raced: list[str] = []

    def with_a_racing_commit(text: str, app: str, image: ImageRef) -> str:
        if not raced:
            git(tmp_path, "clone", "--quiet", str(remote), "other")
            (tmp_path / "other" / "notes").write_text("faster")
            git(tmp_path / "other", "add", ".")
            git(tmp_path / "other", "commit", "--quiet", "-m", "faster")
            git(tmp_path / "other", "push", "--quiet", "origin", "main")
            raced.append("done")
        return plain(text, app, image)

    monkeypatch.setattr(module, "with_image", with_a_racing_commit)
    commit = seeded.set_image("app1", "dev", IMAGE)

    assert git(remote, "log", "--format=%s", "main").splitlines()[:2] == ["app1 dev: git-0123456789ab", "faster"]
    assert commit == seeded.head()


@pytest.mark.parametrize(("app", "env"), [("app1", "qa"), ("app2", "dev")])
def test_an_unknown_overlay_lists_the_known_ones(seeded: GitOpsRepository, app: str, env: str) -> None:
    with pytest.raises(UsageError) as raised:
        seeded.set_image(app, env, IMAGE)
    assert "app1 dev" in raised.value.remedy


def test_an_empty_repository_asks_for_a_seed(gitops: GitOpsRepository) -> None:
    assert gitops.head() == ""
    with pytest.raises(SlipwayError) as raised:
        gitops.set_image("app1", "dev", IMAGE)
    assert raised.value.code == "NOT_SEEDED"


def test_a_callers_own_git_variables_do_not_redirect_a_commit(
    checkout: Path, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))

    assert GitOpsRepository(str(remote)).head() == ""


def test_a_clone_is_a_working_copy_with_the_helper_and_no_password(seeded: GitOpsRepository, tmp_path: Path) -> None:
    target = tmp_path / "work"
    commit = seeded.clone(target, "!helper")

    assert commit == git(target, "rev-parse", "HEAD")
    assert git(target, "config", "credential.helper") == "!helper"
    with pytest.raises(UsageError):
        seeded.clone(target)


def test_a_clone_into_a_file_is_refused_and_the_file_stays(seeded: GitOpsRepository, tmp_path: Path) -> None:
    target = tmp_path / "README.md"
    target.write_text("mine")

    with pytest.raises(UsageError) as raised:
        seeded.clone(target)
    assert raised.value.code == "NOT_A_FOLDER"
    assert target.read_text() == "mine"
