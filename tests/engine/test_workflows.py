"""actionlint, the real one, finds nothing in our workflows, and finds what is wrong in others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import locate

ROOT = Path(__file__).parents[2]
WORKFLOW = """\
on: pull_request
jobs:
  check:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "$TITLE"
        env:
          TITLE: ${{ github.event.pull_request.title }}
"""


def actionlint(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    # The two other linters that it calls where they are on PATH: here the verdict is the same everywhere.
    argv: list[str | Path] = [locate("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *files]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_our_workflows_are_clean() -> None:
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    result = actionlint(ROOT, *files)

    assert len(files) >= 4
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("runs-on", "run-on", 'unexpected key "run-on"'),
        ("ubuntu-24.04", "ubuntu-6.06", 'label "ubuntu-6.06" is unknown'),
        ('echo "$TITLE"', "echo ${{ github.event.pull_request.title }}", "is potentially untrusted"),
        ("github.event.pull_request.title", "github.evnt", 'property "evnt" is not defined'),
        ("    steps:", "    needs: build\n    steps:", 'needs job "build" which does not exist'),
        ("on: pull_request", "on: pull_requests", "unknown Webhook event"),
    ],
)
def test_a_broken_workflow_is_found(tmp_path: Path, before: str, after: str, told: str) -> None:
    broken = tmp_path / "broken.yml"
    assert before in WORKFLOW
    broken.write_text(WORKFLOW.replace(before, after), encoding="utf-8")
    result = actionlint(tmp_path, broken)

    assert result.returncode == 1
    assert told in result.stdout


def test_the_workflow_that_is_broken_was_whole(tmp_path: Path) -> None:
    whole = tmp_path / "whole.yml"
    whole.write_text(WORKFLOW, encoding="utf-8")

    assert actionlint(tmp_path, whole).stdout == ""
