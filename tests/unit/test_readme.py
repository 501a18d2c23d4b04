"""What the README tells people to type exists: every `slipway` command with its options, every `make` target."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slipway.cli import main

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()
BLOCKS = [text for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S) if not language]
LINES = [line.split("#")[0].strip().removeprefix(".venv/bin/") for block in BLOCKS for line in block.splitlines()]


def typed(program: str) -> list[str]:
    """The lines of the README's blocks that run `program`."""
    return sorted({line for line in LINES if line.startswith(f"{program} ")})


@pytest.mark.parametrize("line", typed("slipway"))
def test_a_command_of_the_readme_exists(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(line.replace("<tag>", "TAG"))[1:]
    command = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
    options = [word for word in words if word.startswith("--")]
    status = main([*command, "--help"])
    shown = capsys.readouterr().out
    if status != 0:
        status = main([command[0], "--help"])
        shown = capsys.readouterr().out

    assert status == 0
    assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("line", typed("make"))
def test_a_target_of_the_readme_exists(line: str) -> None:
    assert re.search(rf"^{line.split()[1]}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


def test_the_readme_holds_commands_and_no_placeholder() -> None:
    assert len(typed("slipway")) > 8
    assert "@@" not in README
