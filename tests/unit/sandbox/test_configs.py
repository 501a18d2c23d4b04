"""Every component is closed to the outside, and configured as measured on machines like these."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sandbox import certificates, configs, gitserver, manifests, programs, registry, settings
from sandbox.settings import Layout
from sandbox.state import Secrets
from sandbox.supervisor import write_config

SECRETS = Secrets("git-word", "reader-word", "hook-word", "a2V5")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    root = Layout(tmp_path_factory.mktemp("state"))
    certificates.ensure(root.pki)
    configs.write_all(root, SECRETS)
    return root


@pytest.fixture
def all_programs(files: Layout, monkeypatch: pytest.MonkeyPatch) -> list[programs.Program]:
    monkeypatch.setattr(registry, "program", lambda state: ["/usr/bin/docker-registry", "serve", "registry.yml"])
    monkeypatch.setattr(gitserver, "program", lambda state: ["/usr/sbin/lighttpd", "-D"])
    return programs.all_programs(files, lambda name: Path("/tools") / name)


def test_nothing_is_written_twice(files: Layout) -> None:
    assert configs.write_all(files, SECRETS) == []


def test_what_holds_a_key_is_for_its_owner_only(files: Layout) -> None:
    for path in [*files.config.glob("*.kubeconfig"), files.kubeconfig, files.config / "encryption.yaml"]:
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_no_configuration_binds_to_every_address(files: Layout, all_programs: list[programs.Program]) -> None:
    texts = [path.read_text() for path in files.config.rglob("*") if path.is_file()]
    texts += [program.command for program in all_programs]
    for text in texts:
        # The pods' default route is no listener.
        assert "0.0.0.0" not in text.replace('"dst": "0.0.0.0/0"', ""), text


def test_the_kubelet_asks_the_api_server_who_may_do_what(files: Layout) -> None:
    kubelet = configs.kubelet(files)
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authentication"]["webhook"]["enabled"]
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["readOnlyPort"] == 0


def test_a_disk_that_looks_full_costs_no_image_and_no_pod(files: Layout) -> None:
    kubelet = configs.kubelet(files)
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert {name: value for name, value in kubelet["evictionHard"].items() if "fs" in name} == {
        "nodefs.available": "0%",
        "nodefs.inodesFree": "0%",
        "imagefs.available": "0%",
        "imagefs.inodesFree": "0%",
    }


def test_node_ports_open_on_the_loopback_interface_only(files: Layout) -> None:
    assert configs.kube_proxy(files)["nodePortAddresses"] == ["127.0.0.0/8"]


def test_the_api_server_knows_nobody_without_a_certificate(all_programs: list[programs.Program]) -> None:
    argv = next(program.argv for program in all_programs if program.name == "kube-apiserver")
    assert "--anonymous-auth=false" in argv
    assert "--authorization-mode=Node,RBAC" in argv
    assert "--enable-admission-plugins=NodeRestriction" in argv
    assert f"--bind-address={settings.NODE_IP}" in argv


@pytest.mark.parametrize("host", settings.MIRRORED_HOSTS)
def test_every_upstream_host_is_answered_by_the_sandbox_first(files: Layout, host: str) -> None:
    text = (files.certs_d / host / "hosts.toml").read_text()
    assert '[host."http://127.0.0.1:5000"]' in text
    assert 'capabilities = ["pull", "resolve"]' in text


def test_the_pods_network_is_valid_json_below_the_state(files: Layout) -> None:
    network = json.loads((files.config / "cni" / "10-slipway.conflist").read_text())
    assert network["name"] == "slipway0"
    assert network["plugins"][0]["ipam"]["dataDir"].startswith(str(files.root))
    assert not network["plugins"][0]["ipMasq"]


def test_a_kubeconfig_stands_on_its_own(files: Layout) -> None:
    value = yaml.safe_load(files.kubeconfig.read_text())
    assert value["clusters"][0]["cluster"]["server"] == "https://10.244.0.1:6443"
    assert value["users"][0]["user"].keys() == {"client-certificate-data", "client-key-data"}


def test_the_connection_is_what_the_program_reads(files: Layout) -> None:
    connection = configs.connection(files, SECRETS)
    assert connection["git"]["url"] == "http://10.244.0.1:3080/gitops.git"
    assert connection["git"]["password"] == "git-word"
    assert connection["ingress"] == {"http_port": 30080, "domain": "localhost"}
    assert Path(connection["kubeconfig"]).is_absolute()


def test_dns_answers_from_the_node_behind_the_service_address() -> None:
    found = {item["kind"]: item for item in manifests.bootstrap_manifests()}
    assert found["Service"]["spec"]["clusterIP"] == settings.DNS_IP
    assert "selector" not in found["Service"]["spec"]
    assert found["EndpointSlice"]["endpoints"][0]["addresses"] == [settings.NODE_IP]


def test_a_changed_input_is_a_changed_program(files: Layout, tmp_path: Path) -> None:
    one = tmp_path / "input"
    one.write_text("a")
    program = programs.Program("x", ("/bin/x",), inputs=(one,))
    before = program.settings()
    assert program.settings() == before
    one.write_text("b")
    assert program.settings() != before


def test_the_supervisors_configuration_names_every_process(files: Layout, all_programs: list[programs.Program]) -> None:
    assert write_config(files, all_programs)
    assert not write_config(files, all_programs)
    text = (files.supervisor / "supervisord.conf").read_text()
    assert [line for line in text.splitlines() if line.startswith("[program:")] == [
        f"[program:{name}]" for name in programs.NAMES
    ]
    assert text.count("autorestart=true") == len(programs.NAMES)


def test_a_percent_sign_in_a_path_survives_the_supervisor() -> None:
    assert programs.Program("x", ("/50%/x",)).command == "/50%%/x"
