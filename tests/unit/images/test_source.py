"""A tag names the sources: the same sources, the same tag; other sources, another tag."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.images import source_of


def git(project: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    done = subprocess.run(["git", *identity, *arguments], cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    app = tmp_path / "apps" / "app1"
    (app / "src").mkdir(parents=True)
    (app / "Dockerfile").write_text("FROM scratch\n")
    (app / "src" / "app1.py").write_text("print(1)\n")
    (app / "k8s").mkdir()
    (app / "k8s" / "deployment.yaml").write_text("kind: Deployment\n")
    return tmp_path


@pytest.fixture
def committed(project: Path) -> Path:
    git(project, "init", "--quiet")
    (project / ".gitignore").write_text("__pycache__/\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "one")
    return project


def test_a_clean_checkout_is_named_by_its_commit(committed: Path) -> None:
    assert source_of("app1", committed).tag == f"git-{git(committed, 'rev-parse', 'HEAD')[:12]}"


def test_a_commit_elsewhere_keeps_the_tag(committed: Path) -> None:
    before = source_of("app1", committed).tag
    (committed / "apps" / "app1" / "k8s" / "deployment.yaml").write_text("kind: StatefulSet\n")
    git(committed, "commit", "--quiet", "-am", "two")

    assert source_of("app1", committed).tag == before


def test_a_commit_to_the_sources_changes_the_tag(committed: Path) -> None:
    before = source_of("app1", committed).tag
    (committed / "apps" / "app1" / "src" / "app1.py").write_text("print(2)\n")
    git(committed, "commit", "--quiet", "-am", "two")

    assert source_of("app1", committed).tag != before


def test_an_edited_work_tree_is_dirty_by_its_content(committed: Path) -> None:
    clean = source_of("app1", committed).tag
    file = committed / "apps" / "app1" / "src" / "app1.py"
    file.write_text("print(2)\n")
    first = source_of("app1", committed).tag
    file.write_text("print(3)\n")
    second = source_of("app1", committed).tag
    file.write_text("print(1)\n")

    assert first.startswith(f"{clean}-dirty-")
    assert second not in (first, clean)
    assert source_of("app1", committed).tag == clean


def test_a_new_source_file_counts_and_byte_code_does_not(committed: Path) -> None:
    clean = source_of("app1", committed).tag
    cached = committed / "apps" / "app1" / "src" / "__pycache__" / "app1.pyc"
    cached.parent.mkdir()
    cached.write_bytes(b"code")
    assert source_of("app1", committed).tag == clean

    (committed / "apps" / "app1" / "src" / "new.py").write_text("")
    assert "-dirty-" in source_of("app1", committed).tag


def test_without_any_commit_the_content_names_the_image(project: Path) -> None:
    git(project, "init", "--quiet")
    first = source_of("app1", project).tag
    (project / "apps" / "app1" / "src" / "app1.py").write_text("print(2)\n")

    assert first.startswith("git-000000000000-dirty-")
    assert source_of("app1", project).tag != first


def test_an_unknown_app_lists_the_known_ones(project: Path) -> None:
    with pytest.raises(UsageError) as raised:
        source_of("app2", project)
    assert "app1" in raised.value.remedy
