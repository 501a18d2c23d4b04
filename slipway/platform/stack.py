"""The Pulumi stack of an environment: its settings, its first creation, and running the engine on it.

The default backend is a folder in the checkout, and the passphrase that encrypts secrets is a random file beside it;
neither is committed. A backend or passphrase that the user has set in the environment is left as it is.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError, UsageError
from slipway.run import run

__all__ = ["ENVIRONMENTS", "Changes", "Stack"]

ENVIRONMENTS = ("dev", "staging", "prod")
PASSPHRASE_FILE = ".pulumi-passphrase"  # noqa: S105 (a file's name)
_PASSPHRASE_SETTINGS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")

SHOWN_ERRORS = 10


@dataclass(frozen=True)
class Changes:
    """What an update did, by operation: `{"create": 71}`; `same` is left out."""

    operations: dict[str, int]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self.operations.items())) or "0 changes"


class Stack:
    """One environment's stack.

    `tools` maps the names `pulumi` and `pulumi-resource-kubernetes` to their paths; `bin_dirs` go on PATH, so that
    the engine finds its language host.
    """

    def __init__(self, project: Path, environment: str, tools: Mapping[str, Path], bin_dirs: list[Path]) -> None:
        if environment not in ENVIRONMENTS:
            raise UsageError(
                f"no environment is called {environment!r}",
                code="UNKNOWN_ENVIRONMENT",
                remedy=f"one of: {', '.join(ENVIRONMENTS)}",
            )
        self.project = project
        self.environment = environment
        self._tools = tools
        self._bin_dirs = bin_dirs

    def settings(self) -> dict[str, str]:
        """The environment variables that the engine needs here and that the user has not set."""
        wanted = {
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # The passphrase belongs to this checkout; its salt is kept in the state, not in the tracked stack file.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            "PULUMI_BACKEND_URL": f"file://{self.project / '.state'}",
        }
        if not any(name in os.environ for name in _PASSPHRASE_SETTINGS):
            wanted["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.project / PASSPHRASE_FILE)
        path = os.pathsep.join([*map(str, self._bin_dirs), os.environ.get("PATH", "")])
        return {"PATH": path} | {name: value for name, value in wanted.items() if name not in os.environ}

    def prepare(self) -> None:
        """Make what the first run needs and later runs find: passphrase, state folder, provider plugin, stack."""
        settings = self.settings()
        if "PULUMI_CONFIG_PASSPHRASE_FILE" in settings:
            _make_passphrase(Path(settings["PULUMI_CONFIG_PASSPHRASE_FILE"]))
        if settings.get("PULUMI_BACKEND_URL", "").startswith("file://"):
            Path(settings["PULUMI_BACKEND_URL"].removeprefix("file://")).mkdir(mode=0o700, exist_ok=True)
        self._install_provider()
        if not self.exists():
            self._create()

    def exists(self) -> bool:
        """Whether the backend knows this stack."""
        return self.environment in self._stacks()

    def up(self, say: Callable[[str], None]) -> Changes:
        """Apply the program; `say` gets each line of the engine's progress."""
        self._stream(["up", "--yes", "--skip-preview", "--suppress-outputs"], say)
        last = json.loads(self._run("stack", "history", "--json", "--page-size", "1").stdout)[0]
        operations = {name: count for name, count in last["resourceChanges"].items() if name != "same"}
        return Changes(operations)

    def destroy(self, say: Callable[[str], None]) -> None:
        """Remove everything that the stack made."""
        self._stream(["destroy", "--yes", "--skip-preview", "--suppress-outputs"], say)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, without the secret ones' values."""
        return dict(json.loads(self._run("stack", "output", "--json").stdout))

    def _stacks(self) -> list[str]:
        return [entry["name"] for entry in json.loads(self._pulumi("stack", "ls", "--json").stdout)]

    def _create(self) -> None:
        # The engine writes the passphrase's salt into the stack file. It gets a scratch project to write to: the
        # tracked file stays as committed, and the state keeps the salt.
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copyfile(self.project / "Pulumi.yaml", Path(scratch) / "Pulumi.yaml")
            self._pulumi("stack", "init", self.environment, "--no-select", cwd=Path(scratch))

    def _install_provider(self) -> None:
        binary = self._tools["pulumi-resource-kubernetes"]
        version = run([binary, "-version"], check=False).stdout.strip() or "4.25.0"
        listed = json.loads(self._pulumi("plugin", "ls", "--json").stdout or "[]")
        if not any(plugin["name"] == "kubernetes" and plugin.get("version") == version for plugin in listed):
            self._pulumi("plugin", "install", "resource", "kubernetes", version, "--file", str(binary))

    def _pulumi(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | self.settings()
        return run([self._tools["pulumi"], *words, "--non-interactive"], env=environment, cwd=cwd or self.project)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._pulumi(*words, "--stack", self.environment)

    def _stream(self, words: list[str], say: Callable[[str], None]) -> None:
        argv = [
            str(self._tools["pulumi"]),
            *words,
            "--stack",
            self.environment,
            "--non-interactive",
            "--color",
            "never",
        ]
        lines: list[str] = []
        with subprocess.Popen(
            [*argv, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=os.environ | self.settings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if text := line.strip():
                    lines.append(text)
                    say(text[:100])
        if process.returncode != 0:
            raise SlipwayError(
                f"`pulumi {words[0]}` failed on {self.environment}:\n" + "\n".join(_diagnostics(lines)),
                code="PULUMI_FAILED",
                remedy="mend what it names and run the same command again: it goes on from there",
            )


def _diagnostics(lines: list[str]) -> list[str]:
    """What the engine's output says went wrong, each thing once; the last lines when it does not say."""
    summary = lines[lines.index("Diagnostics:") + 1 :] if "Diagnostics:" in lines else []
    errors = list(dict.fromkeys(line for line in summary if line.startswith("error: ")))
    told = [line for line in errors if line != "error: update failed"] or errors
    return told[:SHOWN_ERRORS] or lines[-SHOWN_ERRORS:]


def _make_passphrase(file: Path) -> None:
    if file.exists():
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as sink:
        sink.write(secrets.token_urlsafe(32) + "\n")
