"""Argo CD is upstream's release with the settings that we name, and with nothing else changed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from components.argocd import ArgoCDArgs, customised
from components.errors import ProgramError
from components.manifests import Object, drop, key, patch


def args(objects: Sequence[Object], **changes: Any) -> ArgoCDArgs:
    values: dict[str, Any] = {
        "dex": False,
        "reconciliation_seconds": 60,
        "exec_timeout_seconds": 180,
        "webhook_secret": SecretStr("signs"),
        "host": "argocd.dev.localhost",
        "wait": False,
    }
    return ArgoCDArgs(objects=objects, **{**values, **changes})


def one(objects: Sequence[Object], kind: str, name: str) -> Object:
    (found,) = [item for item in objects if key(item) == (kind, name)]
    return found


def test_dex_is_left_out_with_everything_that_is_its_own(argo_cd_objects: list[Object]) -> None:
    names = {key(item) for item in customised(args(argo_cd_objects))}
    assert not [name for name in names if "dex" in name[1]]
    kept = {key(item) for item in customised(args(argo_cd_objects, dex=True))}
    assert len([name for name in kept if "dex" in name[1]]) == 4


def test_git_is_looked_at_within_two_minutes_without_a_webhook(argo_cd_objects: list[Object]) -> None:
    settings = one(customised(args(argo_cd_objects)), "ConfigMap", "argocd-cm")["data"]
    total = sum(int(settings[name].removesuffix("s")) for name in settings if name.startswith("timeout."))
    assert settings["timeout.reconciliation"] == "60s"
    assert total <= 120


def test_upstreams_own_settings_stay(argo_cd_objects: list[Object]) -> None:
    settings = one(customised(args(argo_cd_objects)), "ConfigMap", "argocd-cm")["data"]
    assert settings["resource.exclusions"] == "upstream's"


def test_callers_are_more_patient_than_the_repo_servers_own_limit(argo_cd_objects: list[Object]) -> None:
    objects = customised(args(argo_cd_objects))
    (container,) = one(objects, "Deployment", "argocd-repo-server")["spec"]["template"]["spec"]["containers"]
    assert {"name": "ARGOCD_EXEC_TIMEOUT", "value": "180s"} in container["env"]
    assert {"name": "A", "value": "b"} in container["env"]
    parameters = one(objects, "ConfigMap", "argocd-cmd-params-cm")["data"]
    assert int(parameters["controller.repo.server.timeout.seconds"]) > 180


def test_the_shared_secret_gets_the_webhooks_key_and_no_other(argo_cd_objects: list[Object]) -> None:
    secret = one(customised(args(argo_cd_objects)), "Secret", "argocd-secret")
    assert secret["data"] == {"webhook.github.secret": base64.b64encode(b"signs").decode()}
    without = one(customised(args(argo_cd_objects, webhook_secret=None)), "Secret", "argocd-secret")
    assert "data" not in without


def test_pods_follow_a_setting_that_is_read_only_at_start(argo_cd_objects: list[Object]) -> None:
    def checksum(**changes: Any) -> str:
        server = one(customised(args(argo_cd_objects, **changes)), "Deployment", "argocd-server")
        return str(server["spec"]["template"]["metadata"]["annotations"]["slipway.dev/parameters"])

    assert checksum() == checksum()
    assert checksum() != checksum(host=None)


def test_the_applicationset_controller_starts_when_the_servers_key_is_there(argo_cd_objects: list[Object]) -> None:
    controller = one(customised(args(argo_cd_objects)), "Deployment", "argocd-applicationset-controller")
    (container,) = controller["spec"]["template"]["spec"]["containers"]
    references = [variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "valueFrom" in variable]
    assert references == [{"name": "argocd-secret", "key": "server.secretkey"}], "it would never receive a webhook"


def test_the_server_speaks_http_only_behind_the_gateway(argo_cd_objects: list[Object]) -> None:
    def parameters(**changes: Any) -> dict[str, str]:
        data: dict[str, str] = one(customised(args(argo_cd_objects, **changes)), "ConfigMap", "argocd-cmd-params-cm")[
            "data"
        ]
        return data

    assert parameters()["server.insecure"] == "true"
    assert "server.insecure" not in parameters(host=None)


def test_everything_else_is_upstreams(argo_cd_objects: list[Object]) -> None:
    changed = {("ConfigMap", "argocd-cm"), ("ConfigMap", "argocd-cmd-params-cm"), ("Secret", "argocd-secret")}
    upstream = {key(item): item for item in argo_cd_objects}
    for item in customised(args(argo_cd_objects, dex=True)):
        if key(item) in changed or item["kind"] in ("Deployment", "StatefulSet"):
            continue
        metadata = {name: value for name, value in item["metadata"].items() if name != "namespace"}
        assert {**item, "metadata": metadata} == upstream[key(item)]


def test_the_objects_that_were_loaded_are_not_changed(argo_cd_objects: list[Object]) -> None:
    before = repr(argo_cd_objects)
    customised(args(argo_cd_objects))
    assert repr(argo_cd_objects) == before


def test_a_release_without_what_we_patch_is_refused(argo_cd_objects: list[Object]) -> None:
    with pytest.raises(ProgramError, match="no ConfigMap argocd-cm: upstream has changed"):
        patch(
            [item for item in argo_cd_objects if key(item)[1] != "argocd-cm"], {("ConfigMap", "argocd-cm"): dict.clear}
        )
    with pytest.raises(ProgramError, match="matches no object"):
        drop(argo_cd_objects, lambda item: item["kind"] == "CronJob")
