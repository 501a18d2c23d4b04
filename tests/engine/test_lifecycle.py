"""The whole life of a stack on a real API server: up, up again, refresh, a change, destroy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import Api, Engine, make_engine


@pytest.fixture(scope="module")
def deployed(api: Api, tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> Iterator[Engine]:
    """The stack dev, up on the API server as the sandbox's description says where it is."""
    engine = make_engine(tmp_path_factory.mktemp("lifecycle"), pulumi_home)
    describe(engine, api, webhook_secret="signs")
    engine.init("dev")
    up(engine)
    yield engine
    engine.run("destroy", "-s", "dev", "--yes", "--skip-preview")


def describe(engine: Engine, api: Api, *, webhook_secret: str, kubeconfig: Path | None = None) -> None:
    record = {
        "version": 1,
        "node_ip": "127.0.0.1",
        "kubeconfig": str(kubeconfig or api.kubeconfig),
        "git": {
            "url": "http://10.244.0.1:3080/gitops.git",
            "username": "slipway",
            "password": "writes",
            "reader_username": "argocd",
            "reader_password": "reads-from-git",
        },
        "webhook_secret": webhook_secret,
        "ingress": {"http_port": 30080, "domain": "localhost"},
    }
    folder = engine.project / ".sandbox"
    folder.mkdir(exist_ok=True)
    (folder / "connection.json").write_text(json.dumps(record), encoding="utf-8")


def up(engine: Engine) -> dict[str, int]:
    engine.done("up", "-s", "dev", "--yes", "--skip-preview")
    return engine.changes("dev")


def test_everything_is_declared_on_the_cluster(deployed: Engine, api: Api) -> None:
    outputs = json.loads(deployed.done("stack", "output", "-s", "dev", "--json").stdout)
    assert outputs["mode"] == "online"
    assert outputs["root"] == "argocd/root-dev"
    assert outputs["urls"]["argocd"] == "http://argocd.dev.localhost:30080/"
    api.kubectl("-n", "argocd", "get", "applicationset/root-dev", "appproject/slipway-dev", "deployment/argocd-server")
    api.kubectl("-n", "ingress", "get", "gateway/slipway", "deployment/traefik")


def test_a_second_update_changes_nothing(deployed: Engine) -> None:
    assert set(up(deployed)) == {"same"}


def test_argo_cds_own_keys_in_the_shared_secret_are_left_alone(deployed: Engine, api: Api) -> None:
    secret = json.loads(api.kubectl("-n", "argocd", "get", "secret", "argocd-secret", "-o", "json"))
    assert set(secret["data"]) == {"webhook.github.secret"}
    secret["data"] |= {"admin.password": "YQ==", "server.secretkey": "Yg=="}
    api.kubectl("replace", "--field-manager=argocd-server", "-f", "-", given=json.dumps(secret))
    assert set(up(deployed)) == {"same"}
    refreshed = deployed.done("refresh", "-s", "dev", "--yes", "--skip-preview", "--expect-no-changes")
    assert "unchanged" in refreshed.stdout
    kept = json.loads(api.kubectl("-n", "argocd", "get", "secret", "argocd-secret", "-o", "json"))["data"]
    assert set(kept) == {"admin.password", "server.secretkey", "webhook.github.secret"}


def test_secrets_are_not_readable_in_the_state(deployed: Engine) -> None:
    (state,) = (deployed.project / ".state" / ".pulumi" / "stacks" / "slipway").glob("dev.json")
    assert "reads-from-git" not in state.read_text(encoding="utf-8")


def test_a_kubeconfig_that_moves_replaces_nothing(deployed: Engine, api: Api) -> None:
    moved = api.kubeconfig.with_name("moved")
    moved.write_bytes(api.kubeconfig.read_bytes())
    describe(deployed, api, webhook_secret="signs", kubeconfig=moved)
    assert up(deployed) == {"same": 97, "update": 1}


def test_a_changed_webhook_secret_updates_that_secret_in_place(deployed: Engine, api: Api) -> None:
    up(deployed)
    describe(deployed, api, webhook_secret="signs-anew")
    changes = up(deployed)
    assert set(changes) == {"same", "update"}
    kept = json.loads(api.kubectl("-n", "argocd", "get", "secret", "argocd-secret", "-o", "json"))["data"]
    assert "admin.password" in kept


def test_a_preview_while_the_cluster_is_away_proposes_no_object(deployed: Engine, api: Api, tmp_path: Path) -> None:
    up(deployed)
    away = tmp_path / "away"
    away.write_text(api.kubeconfig.read_text(encoding="utf-8").replace("127.0.0.1:", "127.0.0.2:"), encoding="utf-8")
    described = (deployed.project / ".sandbox" / "connection.json").read_text(encoding="utf-8")
    describe(deployed, api, webhook_secret="signs-anew", kubeconfig=away)
    try:
        result = deployed.done("preview", "-s", "dev")
    finally:
        (deployed.project / ".sandbox" / "connection.json").write_text(described, encoding="utf-8")
    assert "no cluster answers at" in result.stdout + result.stderr
    assert "~ 1 to update" in result.stdout, "only the provider's kubeconfig differs"


def test_destroying_leaves_nothing(deployed: Engine, api: Api) -> None:
    deployed.done("destroy", "-s", "dev", "--yes", "--skip-preview")
    assert not api.kubectl("get", "crd", "-o", "name")
    namespaces = set(api.kubectl("get", "namespaces", "-o", "name").split())
    assert not namespaces & {"namespace/argocd", "namespace/ingress"}
    roles = api.kubectl("get", "clusterroles,clusterrolebindings", "-o", "name")
    assert "argocd" not in roles
    assert "traefik" not in roles
