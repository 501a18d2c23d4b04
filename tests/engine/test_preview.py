"""`pulumi preview` and `pulumi up` where no cluster answers, and with mistakes in the configuration."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.engine.conftest import Engine

ROOT = Path(__file__).parents[2]


def text(result: object) -> str:
    return str(getattr(result, "stdout", "")) + str(getattr(result, "stderr", ""))


@pytest.mark.parametrize(("stack", "count"), [("dev", 98), ("staging", 19), ("prod", 19)])
def test_a_preview_without_a_cluster_shows_everything_and_says_that_it_is_offline(
    engine: Engine, stack: str, count: int
) -> None:
    engine.init(stack)
    result = engine.done("preview", "-s", stack)
    assert "there is no sandbox (no .sandbox/connection.json): previewing offline" in text(result)
    assert f"+ {count} to create" in text(result)
    assert f"organization/slipway/{stack}" not in text(result)


def test_a_preview_asks_no_other_cluster_that_happens_to_be_around(engine: Engine, tmp_path: Path) -> None:
    asked: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, peer = other.accept()
                except TimeoutError:
                    continue
                asked.append(peer)
                connection.close()

        listener = threading.Thread(target=listen)
        listener.start()
        kubeconfig = tmp_path / "kubeconfig"
        server = f"https://127.0.0.1:{other.getsockname()[1]}"
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "other",
                    "clusters": [{"name": "other", "cluster": {"server": server}}],
                    "contexts": [{"name": "other", "context": {"cluster": "other", "user": "other"}}],
                    "users": [{"name": "other", "user": {}}],
                }
            ),
            encoding="utf-8",
        )
        engine.init("staging")
        try:
            result = engine.run("preview", "-s", "staging", KUBECONFIG=str(kubeconfig))
        finally:
            over.set()
            listener.join()
    assert result.returncode == 0, text(result)
    assert not asked


def test_an_update_without_a_cluster_is_refused_and_changes_nothing(engine: Engine) -> None:
    engine.init("dev")
    result = engine.run("up", "-s", "dev", "--yes", "--skip-preview")
    assert result.returncode != 0
    assert "there is no sandbox to deploy to" in text(result)
    assert "slipway sandbox up" in text(result)
    assert "Traceback" not in text(result)
    left = json.loads(engine.done("stack", "export", "-s", "dev").stdout)["deployment"].get("resources", [])
    assert [item["type"] for item in left] in ([], ["pulumi:pulumi:Stack"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"slipway:clutser": {}}, "unknown key `slipway:clutser`; did you mean 'cluster'?"),
        ({"slipway:sync": {"automated": "yes"}}, "`slipway:sync.automated` is 'yes' (text); allowed: true or false"),
        (
            {"slipway:cluster": {"provider": "kidn"}},
            "`slipway:cluster.provider` is 'kidn' (text); allowed: sandbox, existing",
        ),
        (
            {
                "slipway:cluster": {"provider": "existing", "kubeconfig": "nowhere.yaml"},
                "slipway:gitops": {"url": "https://git.example.org/gitops.git"},
            },
            "`slipway:cluster.kubeconfig` is 'nowhere.yaml': there is no file",
        ),
    ],
    ids=["unknown-key", "wrong-type", "unknown-provider", "unreadable-kubeconfig"],
)
def test_a_mistake_in_the_stack_file_is_named_without_a_traceback(
    engine: Engine, values: dict[str, object], says: str
) -> None:
    engine.init("dev")
    engine.configure("dev", values)
    result = engine.run("preview", "-s", "dev")
    assert result.returncode != 0
    assert f"Pulumi.dev.yaml: {says}" in text(result)
    assert "Traceback" not in text(result)


def test_a_scalar_from_the_command_line_is_checked_like_one_from_the_file(engine: Engine) -> None:
    engine.init("dev")
    engine.done("config", "set", "-s", "dev", "platform", "instal")
    result = engine.run("preview", "-s", "dev")
    assert "`slipway:platform` is 'instal' (text); allowed: install, attach; did you mean 'install'?" in text(result)


def test_a_nested_value_from_the_command_line_keeps_its_type(engine: Engine) -> None:
    engine.init("staging")
    engine.done("config", "set", "-s", "staging", "--path", "ingress.replicas", "2")
    engine.done("config", "set", "-s", "staging", "--path", "sync.automated", "true")
    engine.done("preview", "-s", "staging")


def test_an_encrypted_nested_value_is_read_and_not_shown(engine: Engine) -> None:
    engine.init("staging")
    for key, value in (("url", "https://git.example.org/gitops.git"), ("username", "reader")):
        engine.done("config", "set", "-s", "staging", "--path", f"gitops.{key}", value)
    engine.done("config", "set", "-s", "staging", "--secret", "--path", "gitops.password", "reads-from-git")
    assert "reads-from-git" not in (engine.project / "Pulumi.staging.yaml").read_text(encoding="utf-8")
    result = engine.done("preview", "-s", "staging", "--diff")
    assert "https://git.example.org/gitops.git" in text(result)
    assert "reads-from-git" not in text(result)
