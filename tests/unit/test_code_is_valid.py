"""Every tracked file is what its name says: Python compiles, shell parses, YAML reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
FILES = [ROOT / name for name in TRACKED.split("\0") if name and (ROOT / name).is_file()]


def _first_line(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.readline(200).decode("utf-8", "replace")


SHELL = [file for file in FILES if file.suffix == ".sh" or ("bash" in _first_line(file) and "#!" in _first_line(file))]
YAML = [file for file in FILES if file.suffix in (".yaml", ".yml") and "malformed" not in file.parts]


def test_every_python_file_compiles() -> None:
    for file in (file for file in FILES if file.suffix == ".py"):
        compile(file.read_bytes(), str(file), "exec")


def test_there_is_shell_to_check() -> None:
    assert ROOT / ".ci" / "run" in SHELL


@pytest.mark.parametrize("file", SHELL, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_shell_script_parses(file: Path) -> None:
    checked = subprocess.run(["bash", "-n", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_every_yaml_file_reads() -> None:
    for file in YAML:
        list(yaml.compose_all(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
