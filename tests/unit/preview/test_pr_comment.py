"""`slipway pr-comment` as a person or a job types it: what it prints, writes and posts, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slipway.cli import main
from slipway.preview import MARKER
from tests.unit.preview.cases import GOLDEN, RESULTS
from tests.unit.preview.fake_github import TOKEN, FakeGitHub

PROJECT = Path(__file__).parents[3]


def run(*words: object) -> int:
    return main(["pr-comment", *map(str, words)])


def source(name: str) -> tuple[str, Path]:
    return "--from", RESULTS / f"{name}.json"


def judged(name: str) -> tuple[object, ...]:
    return (*source(name), "--events", RESULTS / f"{name}.events")


@pytest.mark.parametrize(("name", "golden"), [("unchanged", "no-change"), ("prod-deleted", "delete-in-prod")])
def test_the_comment_goes_to_standard_output(name: str, golden: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*source(name)) == 0
    assert capsys.readouterr().out == (GOLDEN / f"{golden}.md").read_text(encoding="utf-8")


def test_the_comment_goes_into_a_file_and_nowhere_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*source("unchanged"), "--output", tmp_path / "comment.md") == 0
    assert (tmp_path / "comment.md").read_bytes() == (GOLDEN / "no-change.md").read_bytes()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (source("program-failed"), "dev: the preview failed"),
        ((*source("cancelled"), "--stack", "staging"), "staging: the preview failed"),
        (judged("policy-mandatory"), "dev: mandatory policies are violated (1)"),
        ((*judged("policy-pack-broken"), "--stack", "prod"), "prod: the preview failed"),
    ],
    ids=["program", "cancelled", "policy", "pack"],
)
def test_what_did_not_pass_ends_with_1_and_a_whole_comment(
    words: tuple[object, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 1
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.out.startswith(MARKER)
    assert "[!CAUTION]" in shown.out


def test_a_preview_without_a_result_is_told_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.json").touch()
    words = [*source("updated"), "--from", tmp_path / "empty.json", "--stack", "dev", "--stack", "prod"]

    assert run(*words) == 1
    assert "The preview of **prod** left no result" in capsys.readouterr().out


def test_advisory_and_not_yet_known_do_not_stop_a_merge() -> None:
    assert run(*judged("policy-unknown")) == 0


def test_without_a_state_the_base_branchs_preview_takes_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = json.loads((RESULTS / "policy-unknown.json").read_text(encoding="utf-8"))
    (tmp_path / "base.json").write_text(
        json.dumps(head | {"steps": [step for step in head["steps"] if not step["urn"].endswith("::later")]}),
        encoding="utf-8",
    )

    assert run(*source("policy-unknown"), "--base-from", tmp_path / "base.json") == 0
    assert "| 1 | 0 | 0 | 0 | 8 | +1, 8 → 9 |" in capsys.readouterr().out


def test_json_is_one_document_with_everything_the_comment_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*judged("policy-mandatory"), "--json") == 1
    summary = json.loads(capsys.readouterr().out)

    assert summary["ok"] is False
    (stack,) = summary["stacks"]
    assert (stack["stack"], stack["state"], stack["size"], stack["cost"]) == (
        "dev",
        "complete",
        {"before": 7, "after": 7},
        0,
    )
    assert stack["counts"]["updated"] == 3
    assert stack["policies"]["findings"][0]["policy"] == "config-map-mutable"
    assert summary["comment"] == {
        "bytes": len((GOLDEN / "policy-mandatory.md").read_bytes()),
        "left_out": 0,
        "posted": None,
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--from"),
        (("--from", "missing.json"), "missing.json: there is no such file"),
        (("--from", "."), "it cannot be read"),
        (("--from", "binary.json"), "it is not text in UTF-8"),
        (("--from", "other.json"), "it has none of"),
        (("--from", "text.json"), "it is not JSON"),
        (("--from", "good.json", "--events", "text.json"), "text.json: line 1: it is not JSON"),
        (("--from", "good.json", "--stack", "dev", "--stack", "prod"), "1 --from and 2 --stack"),
        (("--from", "good.json", "--from", "good.json"), "two results are of the stack 'dev'"),
        (("--from", "good.json", "--stack", "prod"), "of the stack 'dev', not of 'prod'"),
        (("--from", "good.json", "--stack", "a|b"), "is no name of a stack"),
        (("--from", "good.json", "--link", "javascript:alert(1)"), "is no address"),
        (("--from", "good.json", "--link", "https://x) [y](https://z"), "is no address"),
        (("--from", "good.json", "--output", "no/such/folder.md"), "it cannot be written"),
    ],
)
def test_bad_usage_names_the_fault(
    words: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "other.json").write_text('{"version": 3}', encoding="utf-8")
    (tmp_path / "text.json").write_text("error: no stack named 'prod'\nfound\n", encoding="utf-8")
    shutil.copyfile(RESULTS / "updated.json", tmp_path / "good.json")

    assert run(*words) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert "Traceback" not in shown.err


@pytest.fixture
def job(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    """What GitHub Actions sets in a job of a pull request, with the fake in GitHub's place."""
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/platform")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return github


def test_two_runs_with_the_same_result_write_once(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*source("updated"), "--post") == 0
    assert run(*source("updated"), "--post", "--json") == 0

    assert job.writes == ["POST"]
    assert [comment["body"] for comment in job.comments] == [(GOLDEN / "updates.md").read_text(encoding="utf-8")]
    assert json.loads(capsys.readouterr().out)["comment"]["posted"]["done"] == "unchanged"


def test_another_result_takes_the_place_of_the_first(job: FakeGitHub) -> None:
    run(*source("updated"), "--post")
    run(*source("replaced"), "--post")

    assert job.writes == ["POST", "PATCH"]
    assert [comment["body"] for comment in job.comments] == [(GOLDEN / "replaces.md").read_text(encoding="utf-8")]


def test_a_failed_preview_is_posted_before_the_command_fails(job: FakeGitHub) -> None:
    assert run(*source("program-failed"), "--post") == 1
    assert "The preview of **dev** failed" in job.comments[0]["body"]


def test_a_given_pull_request_goes_before_the_one_of_the_job(job: FakeGitHub) -> None:
    job.numbers = {9}

    assert run(*source("updated"), "--post", "--pull-request", 9) == 0


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("GITHUB_TOKEN", "", "NO_GITHUB"),
        ("GITHUB_REPOSITORY", "", "NO_GITHUB"),
        ("GITHUB_REF", "refs/heads/main", "NO_PULL_REQUEST"),
        ("GITHUB_API_URL", "http://api.github.com", "PLAIN_HTTP"),
    ],
)
def test_what_is_missing_to_post_is_named(
    name: str,
    value: str,
    code: str,
    job: FakeGitHub,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)

    assert run(*source("updated"), "--post") == 2
    assert code in capsys.readouterr().err
    assert job.asked == []


def test_a_refused_token_is_an_error_that_does_not_show_it(
    job: FakeGitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-wrong-token")

    assert run(*source("updated"), "--post") == 1
    shown = capsys.readouterr()
    assert "does not know the token" in shown.err
    assert "a-wrong-token" not in shown.err + shown.out


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with our stack files and our application, committed, as the command's project."""
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    shutil.copytree(PROJECT / "apps/app1/k8s", tmp_path / "apps/app1/k8s")
    shutil.copytree(PROJECT / "apps/app1/k8s", tmp_path / "apps/app2/k8s")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgSign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "before"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    monkeypatch.setenv("SLIPWAY_PROJECT_DIR", str(tmp_path))
    return tmp_path


def test_what_argo_cd_prunes_is_seen_against_the_base(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = checkout / "apps/app1/k8s/base/kustomization.yaml"
    text = base.read_text(encoding="utf-8")
    base.write_text(
        text.replace("  - poddisruptionbudget.yaml\n", "").replace("LOG_LEVEL=info", "LOG_LEVEL=debug"),
        encoding="utf-8",
    )
    shutil.rmtree(checkout / "apps/app2/k8s/overlays/dev")

    assert run(*source("unchanged"), "--base-ref", "HEAD", "--json") == 0
    dev, staging, prod = json.loads(capsys.readouterr().out)["prunes"]
    for environment, automatic in ((dev, True), (staging, False), (prod, False)):
        name = environment["name"]
        lost = {item["kind"]: item for item in environment["objects"]}
        assert environment["automatic"] is automatic
        assert set(lost) == {"ConfigMap", "PodDisruptionBudget.policy"}
        assert lost["PodDisruptionBudget.policy"]["namespace"] == f"app1-{name}"
        assert lost["ConfigMap"]["successor"].startswith("app1-config-")
        assert environment["unknown"] == []
    assert (dev["applications"], staging["applications"]) == (["app2"], [])


def test_the_script_of_the_job_posts_what_there_is_and_fails_for_what_is_missing(
    checkout: Path, job: FakeGitHub
) -> None:
    workflow = yaml.safe_load((PROJECT / ".github/workflows/preview.yml").read_text(encoding="utf-8"))
    (script,) = [
        step["run"] for step in workflow["jobs"]["comment"]["steps"] if step.get("name") == "Write the comment"
    ]
    (checkout / ".venv").symlink_to(sys.prefix)
    for name, environment in (("unchanged", "dev"), ("prod-deleted", "prod")):
        (checkout / f"results/preview-{environment}").mkdir(parents=True)
        shutil.copyfile(RESULTS / f"{name}.json", checkout / f"results/preview-{environment}/preview.json")
    settings = {"BASE": "HEAD", "COMMIT": "3d3c42e5aac5", "RUN": "https://github.com/acme/platform/actions/runs/1"}
    argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    for may_post in ("false", "true"):
        result = subprocess.run(
            argv,
            cwd=checkout,
            env=os.environ | settings | {"MAY_POST": may_post},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 1, result.stderr
        assert "staging: the preview left no result" in result.stderr
        assert len(job.comments) == (may_post == "true")

    assert job.comments[0]["body"] == (checkout / "comment.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([✅❌]) \| \*\*(\w+)\*\* \|", job.comments[0]["body"], re.MULTILINE)
    assert rows == [("✅", "dev"), ("❌", "staging"), ("✅", "prod")]


def test_an_overlay_that_no_longer_renders_fails_and_is_told(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "apps/app1/k8s/base/service.yaml").unlink()

    assert run(*source("unchanged"), "--base-ref", "HEAD") == 1
    shown = capsys.readouterr()
    assert "prod: what Argo CD prunes is not known" in shown.err
    assert "app1, after: " in shown.out
    assert str(checkout) not in shown.out


def test_an_unknown_base_is_bad_usage(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*source("unchanged"), "--base-ref", "no-such-branch") == 2
    assert "no-such-branch" in capsys.readouterr().err


def test_the_checkout_is_left_as_it_was(checkout: Path) -> None:
    (checkout / "notes.txt").write_text("mine", encoding="utf-8")
    run(*source("unchanged"), "--base-ref", "HEAD")

    status = subprocess.run(["git", "status", "--short"], cwd=checkout, capture_output=True, text=True, check=True)
    worktrees = subprocess.run(["git", "worktree", "list"], cwd=checkout, capture_output=True, text=True, check=True)
    assert status.stdout == "?? notes.txt\n"
    assert len(worktrees.stdout.splitlines()) == 1
