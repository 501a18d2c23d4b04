"""The command line: help that teaches, errors without tracebacks, and the exit statuses."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console

from sandbox import packages
from slipway import console
from slipway.cli import COMMANDS, application, main
from slipway.commands import shared


def commands(root: typer.Typer) -> list[list[str]]:
    """Every command's words."""
    own = [[command.name or command.callback.__name__.replace("_", "-")] for command in root.registered_commands]
    for group in root.registered_groups:
        own += [[str(group.name), *words] for words in commands(group.typer_instance)]
    return own


@pytest.mark.parametrize("words", commands(application()), ids=" ".join)
def test_every_command_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) > 4


def test_an_unknown_command_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fly"]) == 2
    assert "fly" in capsys.readouterr().err


def test_an_unknown_tool_group_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "build", "--group", "docker"]) == 2
    assert "etcd, kubernetes, argocd" in capsys.readouterr().err


def test_without_a_sandbox_the_error_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path))
    assert main(["smoke", "app1", "dev"]) == 1
    assert "slipway sandbox up" in capsys.readouterr().err


def test_an_error_is_json_when_json_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path))
    main(["smoke", "app1", "dev", "--json"])

    assert json.loads(capsys.readouterr().out)["code"] == "NO_SANDBOX"


@pytest.mark.parametrize("words", [["up", "prdo"], ["smoke", "app1", "production"], ["preview", "DEV"]])
def test_an_unknown_environment_is_refused_before_anything_else(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "one of: dev, staging, prod" in capsys.readouterr().err


def test_a_failed_check_prints_one_json_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path))
    # A port on which nothing listens.
    (tmp_path / "connection.json").write_text('{"ingress": {"http_port": 1, "domain": "localhost"}}')
    shared.connection.cache_clear()
    status = main(["smoke", "app1", "dev", "--json"])
    shared.connection.cache_clear()

    assert status == 1
    assert json.loads(capsys.readouterr().out)["passed"] == 0


def test_apt_lists_are_fetched_even_when_every_package_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(packages, "missing", list)
    monkeypatch.setattr(packages, "install", lambda: ran.append("install") or [])

    assert main(["sandbox", "packages", "--install"]) == 0
    assert ran == ["install"]


@pytest.mark.parametrize("text", ["[/x]", "[diff: ~spec]", "[red]"])
def test_what_other_programs_say_is_shown_as_it_is(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(console, "err", Console(stderr=True, file=screen, force_terminal=True))
    with console.step(f"title {text}") as current:
        current.say(text)
        current.result = text

    assert f"title {text}: {text}" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())


def test_a_port_forward_says_its_mappings_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("slipway.commands.platform.tools.locate", lambda name: tmp_path / name)

    assert main(["port-forward", "app1", "dev", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:8081/ → 8080" in shown
    assert "http://127.0.0.1:9091/ → 9090" in shown
    assert "--namespace app1-dev port-forward service/app1 8081:8080 9091:9090" in shown


def test_the_packages_that_the_program_is_written_against_are_installed() -> None:
    for package in ("pulumi", "pulumi_kubernetes", "pulumi_github", "pulumi_docker"):
        assert importlib.util.find_spec(package) is not None


def test_the_code_of_one_command_is_enough_for_it() -> None:
    asked = "import sys; from slipway.cli import application; application(['rules']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert "slipway.commands.rules" in loaded
    assert "slipway.commands.sandbox" not in loaded


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_found_where_the_table_says(name: str) -> None:
    alone = application([name])
    assert {words[0] for words in commands(alone)} == {name}
