"""The Pulumi stack of an environment: its settings, its first creation, and running the engine on it.

The default backend is a folder in the checkout, and the passphrase that encrypts secrets is a random file beside it;
neither is committed. A backend or passphrase that the user has set in the environment is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.errors import SlipwayError
from slipway.platform.backend import PASSPHRASE_FILE, STATE_FOLDER, has_stale_lock, make_folder, make_passphrase
from slipway.run import CommandFailed, run

__all__ = ["ENVIRONMENTS", "Changes", "Stack", "declared"]

ENVIRONMENTS = ("dev", "staging", "prod")
SHOWN_ERRORS = 10
_PASSPHRASE_SETTINGS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")

_FAST = {
    # The engine's garbage collector is a third of its time on a state of this size.
    "GOGC": "400",
    # Without it the engine writes the whole state (20 MB, most of it the ApplicationSet's definition) about twice per
    # resource: 83 resources took 132 s instead of 22 s. What a killed run had made is adopted by the next one, since
    # server-side apply takes over objects that exist.
    "PULUMI_EXPERIMENTAL": "true",
    "PULUMI_SKIP_CHECKPOINTS": "true",
}


@dataclass(frozen=True)
class Changes:
    """What an update did, by operation: `{"create": 71}`; `same` is left out."""

    operations: dict[str, int]

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in sorted(self.operations.items())) or "0 changes"


def declared(project: Path, environment: str, key: str) -> dict[str, Any]:
    """The stack file's own value of a structured key, `{}` when it leaves the default."""
    document = yaml.safe_load((project / f"Pulumi.{environment}.yaml").read_text()) or {}
    value = (document.get("config") or {}).get(f"slipway:{key}")
    return value if isinstance(value, dict) else {}


class Stack:
    """One environment's stack.

    `tools` maps the names `pulumi` and `pulumi-resource-kubernetes` to their paths; `bin_dirs` go on PATH, so that
    the engine finds its language host; `provider` is the Kubernetes provider's version, `others` those of further
    providers by name, each with its `pulumi-resource-<name>` in `tools`.
    """

    def __init__(
        self,
        project: Path,
        environment: str,
        tools: Mapping[str, Path],
        bin_dirs: list[Path],
        provider: str = "",
        others: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self.environment = environment
        self._tools = tools
        self._bin_dirs = bin_dirs
        self._providers = {"kubernetes": provider, **(others or {})}
        self._outputs: dict[str, Any] | None = None

    def settings(self) -> dict[str, str]:
        """The environment variables that the engine needs here and that the user has not set."""
        wanted = {
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # A plugin that is missing is our mistake: say so at once instead of looking for it on the network.
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # The passphrase belongs to this checkout; its salt is kept in the state, not in the tracked stack file.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            "PULUMI_BACKEND_URL": f"file://{self.project / STATE_FOLDER}",
        }
        if not any(name in os.environ for name in _PASSPHRASE_SETTINGS):
            wanted["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(self.project / PASSPHRASE_FILE)
        path = os.pathsep.join([*map(str, self._bin_dirs), os.environ.get("PATH", "")])
        return {"PATH": path} | {name: value for name, value in wanted.items() if name not in os.environ}

    def prepare(self) -> None:
        """Make what the first run needs and later runs find: passphrase, state folder, provider plugin, stack."""
        settings = self.settings()
        if "PULUMI_CONFIG_PASSPHRASE_FILE" in settings:
            make_passphrase(Path(settings["PULUMI_CONFIG_PASSPHRASE_FILE"]))
        if (folder := self._state_folder()) is not None:
            make_folder(folder)
        self._install_providers()
        if not self.exists():
            self._create()
        elif folder is not None and has_stale_lock(folder, self.environment):
            self._pulumi("cancel", self.environment, "--yes")

    def exists(self) -> bool:
        """Whether the backend knows this stack."""
        try:
            self.outputs()
        except CommandFailed as failure:
            if "no stack named" in failure.output:
                return False
            raise
        return True

    def made_for(self, kubeconfig: Path) -> bool:
        """Whether the stack's objects are in this cluster: a sandbox that was reset is another one."""
        authority = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority-data"]
        known = self.outputs().get("cluster", {}).get("fingerprint")
        return known in (None, hashlib.sha256(authority.encode()).hexdigest()[:12])

    def up(self, say: Callable[[str], None], *, refresh: bool = False) -> Changes:
        """Apply the program; `say` gets each line of the engine's progress.

        With `refresh`, what the state claims is looked up in the cluster first.
        """
        words = ["up", "--yes", "--skip-preview", "--suppress-outputs", *(["--refresh"] if refresh else [])]
        self._stream(words, say)
        last = json.loads(self._pulumi("stack", "history", "--stack", self.environment, "--json").stdout)[0]
        operations = {name: count for name, count in last["resourceChanges"].items() if name != "same"}
        return Changes(operations)

    def preview(self, *options: str, events: Path | None = None) -> int:
        """Show what an update would change, on this process's own output; returns the engine's exit status.

        The engine's events go to the file `events`.
        """
        with self._stack_file() as file:
            argv = [str(self._tools["pulumi"]), "preview", "--stack", self.environment, "--config-file", str(file)]
            environment = os.environ | _FAST | self.settings()
            if events is not None:
                argv += ["--event-log", str(events.absolute())]
                # The engine knows the option only then; its own Automation API sets it too.
                environment["PULUMI_DEBUG_COMMANDS"] = "true"
            done = subprocess.run(
                [*argv, *options, "--non-interactive"], cwd=self.project, env=environment, check=False
            )
            return done.returncode

    def destroy(self, say: Callable[[str], None]) -> None:
        """Remove everything that the stack made."""
        self._stream(["destroy", "--yes", "--skip-preview", "--suppress-outputs"], say)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs before this run's update, without the secret ones' values.

        Asked once: the engine reads the whole state to answer, which takes a second.
        """
        if self._outputs is None:
            shown = self._pulumi("stack", "output", "--stack", self.environment, "--json").stdout
            self._outputs = dict(json.loads(shown))
        return self._outputs

    def _state_folder(self) -> Path | None:
        """The default backend's folder, unless the user has chosen another backend."""
        backend = self.settings().get("PULUMI_BACKEND_URL", "")
        return Path(backend.removeprefix("file://")) if backend else None

    def _create(self) -> None:
        # The engine writes the passphrase's salt into the stack file. It gets a scratch project to write to: the
        # tracked file stays as committed, and the state keeps the salt.
        with tempfile.TemporaryDirectory() as scratch:
            shutil.copyfile(self.project / "Pulumi.yaml", Path(scratch) / "Pulumi.yaml")
            self._pulumi("stack", "init", self.environment, "--no-select", cwd=Path(scratch))

    def _install_providers(self) -> None:
        listed = json.loads(self._pulumi("plugin", "ls", "--json").stdout or "[]")
        installed = {(plugin["name"], plugin.get("version")) for plugin in listed}
        for name, version in self._providers.items():
            if (name, version) not in installed:
                binary = self._tools[f"pulumi-resource-{name}"]
                self._pulumi("plugin", "install", "resource", name, version, "--file", str(binary))

    def _pulumi(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | self.settings()
        return run([self._tools["pulumi"], *words, "--non-interactive"], env=environment, cwd=cwd or self.project)

    @contextmanager
    def _stack_file(self) -> Iterator[Path]:
        """A copy of the stack file without a salt: the engine adds one to whatever file it is given."""
        name = f"Pulumi.{self.environment}.yaml"
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / name
            text = (self.project / name).read_text()
            copy.write_text(re.sub(r"^encryptionsalt:.*\n?", "", text, flags=re.MULTILINE))
            yield copy

    def _stream(self, words: list[str], say: Callable[[str], None]) -> None:
        lines: list[str] = []
        with self._stack_file() as file:
            argv = [str(self._tools["pulumi"]), *words, "--stack", self.environment, "--config-file", str(file)]
            with subprocess.Popen(
                [*argv, "--non-interactive", "--color", "never"],
                cwd=self.project,
                env=os.environ | _FAST | self.settings(),
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
