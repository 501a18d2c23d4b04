"""A sandbox that is up: it is a real Kubernetes, it is closed, and each of its processes may die."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path

import pytest

from sandbox.programs import NAMES
from tests.sandbox.conftest import Sandbox, eventually

NODE_PORTS = {2379, 2380, 5000, 6443, 10250, 10257, 10259, 3080, 53}


def test_status_finds_nothing_wrong(running: Sandbox) -> None:
    found = running.status()
    assert found["ok"], found["problems"]
    assert {row["name"]: row["state"] for row in found["processes"]} == dict.fromkeys(NAMES, "RUNNING")
    assert found["node_ready"]
    assert found["pods"] == 2
    assert found["pods_not_ready"] == []


def test_status_names_what_runs_at_another_version_than_declared(running: Sandbox) -> None:
    redis = next(row for row in running.status()["versions"] if row["component"] == "redis")
    assert redis["declared"].endswith("redis:8.2.3-alpine")
    assert "7.0.15" in redis["runs"]
    assert redis["reason"]


def test_a_second_up_changes_nothing_and_is_quick(running: Sandbox) -> None:
    def state() -> tuple[dict[str, int], dict[str, int]]:
        pids = {row["name"]: row["pid"] for row in running.status()["processes"]}
        folders = ("config", "pki", "supervisor")
        files = [path for folder in folders for path in (running.state / folder).rglob("*")]
        files += [running.state / name for name in ("sandbox.json", "secrets.json", "connection.json", "kubeconfig")]
        return pids, {str(path): path.stat().st_mtime_ns for path in files}

    before = state()
    assert running.up()["seconds"] < 2
    assert state() == before


def test_pods_reach_services_by_name_and_the_host_by_address(running: Sandbox) -> None:
    script = (
        "import socket, urllib.request as u;"
        "print(socket.gethostbyname('kubernetes.default.svc.cluster.local'));"
        "print(u.urlopen('http://web.default/etc/hostname', timeout=3).read().decode().strip());"
        "print(socket.create_connection(('10.244.0.1', 3080), 3).getpeername()[0])"
    )
    address, served_by, host = running.kubectl("exec", "deployment/web", "--", "python3", "-c", script).split()
    assert address == "10.96.0.1"
    assert served_by.startswith("web-")
    assert host == "10.244.0.1"


def test_a_name_outside_the_cluster_is_refused_at_once(running: Sandbox) -> None:
    script = (
        "import socket, time; started = time.time()\n"
        "try: socket.gethostbyname('example.com')\n"
        "except socket.gaierror: print(time.time() - started)"
    )
    assert float(running.kubectl("exec", "deployment/web", "--", "python3", "-c", script)) < 1


def test_logs_of_a_pod_can_be_read(running: Sandbox) -> None:
    assert "GET /etc/hostname" in running.kubectl("logs", "deployment/web", "--tail=3")


@pytest.mark.parametrize("url", ["https://10.244.0.1:6443/readyz", "https://10.244.0.1:10250/pods"])
def test_nobody_is_anonymous(running: Sandbox, url: str) -> None:
    done = running.machine.run("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", url)
    assert done.stdout == "401"


def test_etcd_takes_no_client_without_its_certificate(running: Sandbox) -> None:
    pki = running.state / "pki"
    # The cluster's administrator is nobody to the store.
    words = ("--cert", str(pki / "admin.crt"), "--key", str(pki / "admin.key"))
    for identity in ((), words):
        done = running.machine.run("curl", "-sk", *identity, "https://127.0.0.1:2379/version", check=False)
        assert done.returncode != 0, done.stdout


def test_a_component_may_do_its_own_work_only(running: Sandbox) -> None:
    proxy = str(running.state / "config" / "kube-proxy.kubeconfig")
    with pytest.raises(AssertionError, match="Forbidden"):
        running.kubectl("--kubeconfig", proxy, "get", "secrets", "-A")


def test_secrets_lie_encrypted_in_the_store(running: Sandbox) -> None:
    running.kubectl("create", "secret", "generic", "lock", "--from-literal=key=a-word-that-is-easy-to-find")
    database = running.state / "etcd" / "member"
    found = b"".join(path.read_bytes() for path in database.rglob("*") if path.is_file())
    assert b"k8s:enc:secretbox:v1:sandbox:" in found
    assert b"a-word-that-is-easy-to-find" not in found
    running.kubectl("delete", "secret", "lock")


def test_what_is_secret_is_readable_by_its_owner_only(running: Sandbox) -> None:
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o700
    names = [*(running.state / "pki").iterdir(), *(running.state / "config").glob("*.kubeconfig")]
    names += [running.state / name for name in ("kubeconfig", "connection.json", "secrets.json")]
    names.append(running.state / "config" / "encryption.yaml")
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in names} == {
        path.name: "0o600" for path in names
    }


def test_every_listener_is_on_an_address_of_this_machine_alone(running: Sandbox) -> None:
    addresses = {
        line.split()[1].rpartition(":")[0]
        for line in running.machine.snapshot()["listeners"]
        if int(line.rpartition(":")[2]) in NODE_PORTS or "127.0.0.1" in line
    }
    assert addresses == {"127.0.0.1", "10.244.0.1"}


# The node, a pod's service through its cluster address, and the loopback address that route_localnet opens.
TARGETS = {"api": ("10.244.0.1", 6443), "git": ("10.244.0.1", 3080), "service": ("10.96.0.1", 443)}


@pytest.mark.parametrize("target", TARGETS)
def test_a_neighbour_on_the_network_reaches_nothing_of_it(running: Sandbox, target: str) -> None:
    host, port = TARGETS[target]
    probe = f"timeout 1 bash -c 'echo > /dev/tcp/{host}/{port}'"
    assert running.machine.run("bash", "-c", probe, check=False).returncode == 0
    assert running.machine.outside("bash", "-c", probe).returncode == 124
    # The guard is the reason, and `up` puts it back.
    running.machine.run("iptables", "-t", "raw", "-F", "SLIPWAY-GUARD")
    running.machine.run("iptables", "-F", "SLIPWAY-FORWARD")
    assert running.machine.outside("bash", "-c", probe).returncode == 0
    running.up()
    assert running.machine.outside("bash", "-c", probe).returncode == 124


def test_status_tells_when_the_guard_is_gone(running: Sandbox) -> None:
    running.machine.run("iptables", "-t", "raw", "-D", "PREROUTING", "-j", "SLIPWAY-GUARD")
    done = running.slipway("status", check=False)
    assert done.returncode == 1
    assert "guard" in done.stderr
    running.up()
    assert running.slipway("status").returncode == 0


def test_logs_come_by_process_and_as_json(running: Sandbox) -> None:
    assert "CoreDNS-1.12.4" in running.slipway("logs", "coredns").stdout
    found = json.loads(running.slipway("logs", "-n", "2", "--json").stdout)
    assert set(NAMES) <= set(found)
    assert all(len(rows) <= 2 for rows in found.values())
    unknown = running.slipway("logs", "nginx", check=False)
    assert unknown.returncode == 2
    assert "kubelet" in unknown.stderr


@pytest.mark.parametrize("process", NAMES)
def test_a_killed_process_comes_back_and_the_app_keeps_answering(running: Sandbox, process: str) -> None:
    before = running.pid(process)
    running.machine.run("kill", "-9", str(before))
    answered = []
    for _ in range(20):
        answered.append(running.answers())
        time.sleep(0.05)
    assert all(answered), answered

    def back() -> bool:
        found = running.status()
        return bool(found["ok"]) and before not in [row["pid"] for row in found["processes"]]

    eventually(back, 40, f"{process} does not come back")
    restarts = running.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
    assert set(restarts.split()) == {"0"}


def test_the_supervisor_dies_and_up_adopts_the_pods(running: Sandbox) -> None:
    pods = running.machine.run("pgrep", "-f", "http.server").stdout.split()
    supervisor = Path(running.state, "run", "supervisord.pid").read_text().strip()
    running.machine.run("kill", "-9", supervisor)
    assert not running.status()["up"]
    running.up()
    assert running.answers()
    assert running.status()["ok"]
    assert running.machine.run("pgrep", "-f", "http.server").stdout.split() == pods
