"""The real engine on a copy of the program, and a real API server for the tests that change something.

The API server is etcd, kube-apiserver and kube-controller-manager on free ports of the loopback, without a node: the
program's objects are stored and checked, and no container runs. It needs neither root nor the sandbox.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import locate

ROOT = Path(__file__).parents[2]
PROGRAM = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.staging.yaml", "Pulumi.prod.yaml", "__main__.py")


@dataclass
class Engine:
    """`pulumi` in a copy of the project, with a backend of its own. Nothing of the checkout is written to."""

    project: Path
    home: Path
    pulumi: Path

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, whatever its exit code."""
        return subprocess.run(
            [self.pulumi, *words, "--non-interactive", "--color", "never"],
            cwd=self.project,
            env=self._environment() | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def done(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command that must succeed."""
        result = self.run(*words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    def init(self, stack: str) -> None:
        """Make the stack; its salt is left out of the stack file, as `slipway up` does it."""
        scratch = self.project.parent / f"init-{stack}"
        scratch.mkdir()
        shutil.copyfile(self.project / "Pulumi.yaml", scratch / "Pulumi.yaml")
        subprocess.run(
            [self.pulumi, "stack", "init", stack, "--no-select", "--non-interactive"],
            cwd=scratch,
            env=self._environment(),
            capture_output=True,
            check=True,
            timeout=60,
        )

    def configure(self, stack: str, values: dict[str, Any]) -> None:
        """Write these values over the stack file's."""
        file = self.project / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        document["config"] = {**(document.get("config") or {}), **values}
        file.write_text(yaml.safe_dump(document), encoding="utf-8")

    def changes(self, stack: str) -> dict[str, int]:
        """What the last update did, by operation."""
        history = json.loads(self.done("stack", "history", "-s", stack, "--json", "--page-size", "1").stdout)
        found: dict[str, int] = history[0]["resourceChanges"]
        return found

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "KUBE", "SLIPWAY_SANDBOX"))
        }
        bins = dict.fromkeys(
            str(locate(name).parent) for name in ("pulumi-language-python", "pulumi-resource-kubernetes")
        )
        return kept | {
            "PATH": os.pathsep.join([*bins, os.environ.get("PATH", "")]),
            "PULUMI_HOME": str(self.home),
            "PULUMI_BACKEND_URL": f"file://{self.project / '.state'}",
            "PULUMI_CONFIG_PASSPHRASE": "for this test only",
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # The state of three large definitions is 20 MB; written once instead of 160 times.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's own folder, apart from the user's."""
    return tmp_path_factory.mktemp("pulumi-home")


@pytest.fixture
def engine(tmp_path: Path, pulumi_home: Path) -> Engine:
    """The engine on a fresh copy of the program."""
    return make_engine(tmp_path, pulumi_home)


def make_engine(folder: Path, pulumi_home: Path) -> Engine:
    """Copy the program below `folder` and make its backend."""
    project = folder / "project"
    project.mkdir()
    for name in PROGRAM:
        content = (ROOT / name).read_text(encoding="utf-8")
        # A plain `pulumi up` in the checkout leaves the salt of its own passphrase in the stack file.
        kept = [line for line in content.splitlines(keepends=True) if not line.startswith("encryptionsalt:")]
        (project / name).write_text("".join(kept), encoding="utf-8")
    shutil.copytree(ROOT / "components", project / "components", ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".venv").symlink_to(sys.prefix)
    (project / ".state").mkdir()
    return Engine(project, pulumi_home, locate("pulumi"))


@dataclass(frozen=True)
class Api:
    """A running API server."""

    kubeconfig: Path

    def kubectl(self, *words: str, given: str | None = None) -> str:
        """Run kubectl; its standard output."""
        result = subprocess.run(
            [locate("kubectl"), "--kubeconfig", self.kubeconfig, *words],
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API server with nothing on it, gone at the end."""
    folder = tmp_path_factory.mktemp("api")
    started: list[subprocess.Popen[bytes]] = []
    try:
        yield _start(folder, started)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGKILL)
            process.wait()


def _start(folder: Path, started: list[subprocess.Popen[bytes]]) -> Api:
    client, peer, api, manager = _free_ports(4)
    token = secrets.token_urlsafe(24)
    (folder / "tokens.csv").write_text(f'{token},admin,1,"system:masters"\n', encoding="utf-8")
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    api_kubeconfig = Api(folder / "kubeconfig")
    access = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [
            {"name": "test", "cluster": {"server": f"https://127.0.0.1:{api}", "insecure-skip-tls-verify": True}}
        ],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "users": [{"name": "admin", "user": {"token": token}}],
    }
    api_kubeconfig.kubeconfig.write_text(yaml.safe_dump(access), encoding="utf-8")

    def start(name: str, *flags: str) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            started.append(subprocess.Popen([locate(name), *flags], cwd=folder, stdout=log, stderr=log))

    start(
        "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    )
    start(
        "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{client}",
        "--bind-address=127.0.0.1",
        f"--secure-port={api}",
        f"--cert-dir={folder / 'certificates'}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://test.invalid",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        "--service-cluster-ip-range=10.97.0.0/16",
        "--endpoint-reconciler-type=none",
        # As in the sandbox: whether privileged Pods are admitted is for policies to say.
        "--allow-privileged=true",
    )
    _wait_until_ready(api_kubeconfig, folder / "kube-apiserver.log")
    # Namespaces are emptied and removed by it.
    start(
        "kube-controller-manager",
        f"--kubeconfig={api_kubeconfig.kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={manager}",
        "--leader-elect=false",
        f"--service-account-private-key-file={key}",
    )
    return api_kubeconfig


def _wait_until_ready(api: Api, log: Path) -> None:
    for _ in range(120):
        try:
            if api.kubectl("get", "--raw", "/readyz") == "ok":
                return
        except AssertionError:
            time.sleep(0.5)
    raise AssertionError(f"the API server is not ready:\n{log.read_text(encoding='utf-8')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [found.getsockname()[1] for found in sockets]
    for found in sockets:
        found.close()
    return ports
