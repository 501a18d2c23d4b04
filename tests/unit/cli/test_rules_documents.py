"""docs/rules.md and docs/score.md: their commands exist, and so do the rules and exemptions that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from slipway.checks import read_exemptions
from slipway.cli import main
from slipway.rules import RULES, Category, Severity
from slipway.rules.exemptions import annotated
from slipway.score import CAP, SHARES, WEIGHTS

DOCS = Path(__file__).parents[3] / "docs"
RULES_DOC, SCORE_DOC = (DOCS / name for name in ("rules.md", "score.md"))
COMMANDS = [
    line.partition(" #")[0].strip()
    for file in (RULES_DOC, SCORE_DOC)
    for block in re.findall(r"```\n(.*?)```", file.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("slipway ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_the_documents_is_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    # With --help every option is parsed, and nothing runs.
    assert main([*shlex.split(command)[1:], "--help"]) == 0, capsys.readouterr().err


def test_there_are_commands_in_the_documents() -> None:
    assert len(COMMANDS) >= 10


def test_the_rules_that_are_named_exist() -> None:
    text = RULES_DOC.read_text("utf-8")
    named = re.findall(r"rules show ([a-z-]+)", text) + re.findall(r"exempt\.slipway\.dev/([a-z-]+):", text)

    assert len(named) >= 2
    assert set(named) <= set(RULES)


def test_the_exemptions_that_are_shown_exempt(tmp_path: Path) -> None:
    on_object, in_file = re.findall(r"```yaml\n(.*?)```", RULES_DOC.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "exemptions.yaml"
    file.write_text(in_file)
    key, value = re.findall(r"(exempt\S+): \"(.*)\"", on_object)[0]

    assert len(read_exemptions(file)) == 1
    assert len(annotated({"kind": "Service", "metadata": {"name": "a", "annotations": {key: value}}})) == 1


def test_the_formula_is_the_one_that_is_computed() -> None:
    text = SCORE_DOC.read_text("utf-8")

    for severity in Severity:
        assert f"| {severity} | {WEIGHTS[severity]} |" in text
    assert " + ".join(f"{SHARES[c] / 100:.2f} * {c}" for c in SHARES) in text
    assert set(SHARES) == set(Category)
    assert f"at most **{CAP}**" in text
