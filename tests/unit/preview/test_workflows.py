"""The workflows: pinned, with the least permissions, able to fail, and calling only what exists.

actionlint reads their syntax (tests/engine/test_workflows.py); these are the rules that it does not know.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.cli import main

PROJECT = Path(__file__).parents[3]
WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted((PROJECT / ".github/actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]

READ = {"contents": "read"}
# Every job that may do more than read the repository, and what for.
MORE = {("preview", "comment"): READ | {"issues": "write"}}

USES = re.compile(r"^\s*(?:- )?uses: (.*)$", re.MULTILINE)
PINNED = re.compile(r"(?P<action>actions/[a-z-]+)@(?P<commit>[0-9a-f]{40}) # (?P<version>v\d+\.\d+\.\d+)")


def document(file: Path) -> dict[str, Any]:
    """The workflow; YAML 1.1 reads its key `on` as true."""
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in loaded.items()}


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    """Each job with its workflow's name and its own."""
    return [(file.stem, name, job) for file in WORKFLOWS for name, job in document(file)["jobs"].items()]


def steps() -> list[dict[str, Any]]:
    """The steps of all jobs and of our own actions."""
    return [
        *(step for _, _, job in jobs() for step in job["steps"]),
        *(step for file in ACTIONS for step in document(file)["runs"]["steps"]),
    ]


def scripts() -> list[str]:
    """What the steps run in a shell."""
    return [step["run"] for step in steps() if "run" in step]


def commands(program: str) -> list[str]:
    """The commands of all scripts that run `program`, with lines that are continued joined."""
    lines = [line.strip() for script in scripts() for line in script.replace("\\\n", " ").splitlines()]
    return [found[0] for line in lines if (found := re.search(rf"(?:^|\(){re.escape(program)} [^|>)]*", line))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name + "/" + file.name)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(file: Path) -> None:
    for used in USES.findall(file.read_text(encoding="utf-8")):
        assert used == "./.github/actions/setup" or PINNED.fullmatch(used), used


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for found in PINNED.finditer(file.read_text(encoding="utf-8")):
            pins.setdefault(found["action"], set()).add(f"{found['commit']} {found['version']}")

    assert len(pins) >= 5
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_grants_nothing_by_itself(file: Path) -> None:
    assert document(file)["permissions"] == {}


@pytest.mark.parametrize(("workflow", "name", "job"), jobs(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_job_has_the_least_permissions_and_an_end(workflow: str, name: str, job: dict[str, Any]) -> None:
    assert job["permissions"] == MORE.get((workflow, name), READ)
    assert 0 < job["timeout-minutes"] <= 120


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_its_turn_and_a_shell_that_stops_at_errors(file: Path) -> None:
    workflow = document(file)

    assert workflow["concurrency"]["group"]
    # Named like this, GitHub runs it with -e and -o pipefail.
    assert workflow["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name + "/" + file.name)
def test_no_failure_is_swallowed(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    for word in ("|| true", "||true", "|| :", "continue-on-error", "set +e", "--exit-zero", "always()"):
        assert word not in text


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_strangers_code_runs_with_our_secrets(file: Path) -> None:
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(document(file)["on"])


def test_what_a_stranger_writes_reaches_no_script_but_through_the_environment() -> None:
    assert [script for script in scripts() if "${{" in script] == []


def test_secrets_are_given_to_single_steps_by_name() -> None:
    named = {
        secret for file in FILES for secret in re.findall(r"secrets(?:\.\w+|\[)", file.read_text(encoding="utf-8"))
    }

    assert named == {"secrets.PULUMI_CONFIG_PASSPHRASE", "secrets.KUBECONFIG"}
    assert [name for _, name, job in jobs() if "secrets" in str(job.get("env", "")) or "secrets" in job] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_pull_requests_code_is_given_no_secret(file: Path) -> None:
    if "pull_request" in document(file)["on"]:
        assert "secrets." not in file.read_text(encoding="utf-8")


def test_beside_the_token_that_may_write_runs_the_base_branchs_code() -> None:
    (comment,) = [job for _, name, job in jobs() if name == "comment"]
    tool, change = [step["with"] for step in comment["steps"] if step.get("uses", "").startswith("actions/checkout@")]

    assert tool["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert change["path"] == "change"
    assert comment["permissions"] == {"contents": "read", "issues": "write"}


def test_what_may_write_runs_no_program_of_the_pull_request_under_the_engine() -> None:
    (comment,) = [job for _, name, job in jobs() if name == "comment"]

    assert not re.search(r"slipway (preview|up|env)|pulumi ", str([step.get("run") for step in comment["steps"]]))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_pushes_count_on_main_only(file: Path) -> None:
    triggers = document(file)["on"]
    if "push" in triggers:
        assert triggers["push"] == {"branches": ["main"]}


def test_every_checkout_leaves_no_token_behind_and_has_the_history_where_it_is_compared() -> None:
    for _, name, job in jobs():
        checkouts = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        compares = re.search(r"--base-ref|--history|origin/|git diff|merge-base", str(job["steps"]))
        assert all(checkout["persist-credentials"] is False for checkout in checkouts)
        # The last one is the change itself.
        assert checkouts[-1].get("fetch-depth") == (0 if compares else None), name


def test_only_a_whole_preview_of_every_stack_passes() -> None:
    workflow = document(PROJECT / ".github/workflows/preview.yml")["jobs"]

    assert workflow["preview"]["strategy"]["matrix"]["environment"] == ["dev", "staging", "prod"]
    assert workflow["preview"]["strategy"]["fail-fast"] is False
    assert "preview" in workflow["comment"]["needs"]
    assert workflow["comment"]["if"] == "${{ !cancelled() }}"
    assert any("for environment in dev staging prod" in str(step.get("run")) for step in workflow["comment"]["steps"])


@pytest.mark.parametrize("command", sorted(set(commands(".venv/bin/slipway"))))
def test_a_slipway_command_of_a_workflow_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()[1:]
    path = [word for word in words[:2] if re.fullmatch(r"[a-z][a-z-]*", word)]
    shown = ""
    for end in range(len(path), 0, -1):
        if main([*path[:end], "--help"]) == 0:
            shown = capsys.readouterr().out
            break
        capsys.readouterr()

    assert shown, command
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert [option for option in options if option not in shown] == []


def test_the_options_that_the_comment_is_made_with_exist(capsys: pytest.CaptureFixture[str]) -> None:
    text = (PROJECT / ".github/workflows/preview.yml").read_text(encoding="utf-8")
    script = text[text.index("words=(") :]
    main(["pr-comment", "--help"])
    shown = capsys.readouterr().out

    options = set(re.findall(r"(?<=[\s(])--[a-z-]+", script))
    assert options >= {"--from", "--stack", "--events", "--base-from", "--base-ref", "--post", "--output"}
    assert [option for option in options if option not in shown] == []


def test_every_other_command_of_the_workflows_exists() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = [command.split()[1] for command in commands("make")]

    assert set(targets) >= {"check", "venv"}
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
    assert commands(".venv/bin/pytest")
    for command in (*commands(".venv/bin/pytest"), *commands("bash")):
        assert (PROJECT / command.split()[-1]).exists(), command


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name + "/" + file.name)
def test_the_tool_groups_of_a_job_exist(file: Path) -> None:
    for groups in re.findall(r"^\s+groups: ([a-z].*)$", file.read_text(encoding="utf-8"), re.MULTILINE):
        for group in groups.split():
            assert (PROJECT / "tools" / group / "go.mod").is_file(), group
