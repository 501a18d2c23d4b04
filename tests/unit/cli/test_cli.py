"""The command line: help that teaches, errors without tracebacks, and the exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from slipway.cli import app, main


def commands(root: typer.Typer) -> list[list[str]]:
    """Every command's words."""
    own = [[command.name or command.callback.__name__.replace("_", "-")] for command in root.registered_commands]
    for group in root.registered_groups:
        own += [[str(group.name), *words] for words in commands(group.typer_instance)]
    return own


@pytest.mark.parametrize("words", commands(app), ids=" ".join)
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
