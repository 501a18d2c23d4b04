"""What is fixed about the sandbox: names, addresses, ports, and where each file lies.

The numbers are fixed on purpose. Certificates, kubeconfigs and manifests carry them, so a second set of addresses
would be a second sandbox; a port that is taken is reported with its holder instead of moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.paths import sandbox_dir

__all__ = [
    "API_SERVER",
    "BRIDGE",
    "CGROUP",
    "CLUSTER_DOMAIN",
    "DNS_IP",
    "GIT_PORT",
    "INGRESS_PORT",
    "LISTENERS",
    "MIRRORED_HOSTS",
    "NODE_IP",
    "NODE_NAME",
    "NOT_HERE",
    "PAUSE_IMAGE",
    "POD_CIDR",
    "REGISTRY",
    "SERVICE_CIDR",
    "Layout",
    "Listener",
    "layout",
]

NODE_NAME = "slipway"
NODE_IP = "10.244.0.1"
BRIDGE = "slipway0"
# A fixed hardware address: a bridge otherwise takes the lowest one of its ports, which changes with every pod and
# leaves the pods with a stale neighbour entry for their gateway.
BRIDGE_MAC = "0a:58:0a:f4:00:01"
POD_CIDR = "10.244.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
CLUSTER_DOMAIN = "cluster.local"
API_SERVER = f"https://{NODE_IP}:6443"
REGISTRY = "127.0.0.1:5000"
GIT_PORT = 3080
INGRESS_PORT = 30080
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
CGROUP = "slipway"
CNI_PLUGINS = Path("/usr/lib/cni")
# A longer state directory would push the kubelet's socket over the 107 characters of a Unix socket's name.
LONGEST_STATE_PATH = 70
# Upstream hosts whose images the sandbox's registry answers for, under their unmodified names.
MIRRORED_HOSTS = ("docker.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io")


@dataclass(frozen=True)
class Listener:
    """A TCP address that a process of the sandbox listens on."""

    program: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


LISTENERS = (
    Listener("etcd", "127.0.0.1", 2379),
    Listener("etcd", "127.0.0.1", 2380),
    Listener("kube-apiserver", NODE_IP, 6443),
    Listener("kube-controller-manager", "127.0.0.1", 10257),
    Listener("kube-scheduler", "127.0.0.1", 10259),
    Listener("kubelet", NODE_IP, 10250),
    Listener("kubelet", "127.0.0.1", 10248),
    Listener("kube-proxy", "127.0.0.1", 10249),
    Listener("kube-proxy", "127.0.0.1", 10256),
    Listener("coredns", NODE_IP, 53),
    Listener("coredns", "127.0.0.1", 8181),
    Listener("registry", "127.0.0.1", 5000),
    Listener("git", NODE_IP, GIT_PORT),
)
# Nothing listens here: kube-proxy redirects it. A listener of somebody else would be cut off silently.
REDIRECTED_PORTS = (("127.0.0.1", INGRESS_PORT),)


@dataclass(frozen=True)
class Layout:
    """Where each file of one sandbox lies, below its state directory."""

    root: Path

    @property
    def record(self) -> Path:
        """What the machine looked like before the first change, so that `down` can restore it."""
        return self.root / "sandbox.json"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def connection(self) -> Path:
        """The documented contract with the Pulumi program."""
        return self.root / "connection.json"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def supervisor(self) -> Path:
        return self.root / "supervisor"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Sockets, process ids, network namespaces: what never outlives the node's processes."""
        return self.root / "run"

    @property
    def etcd(self) -> Path:
        return self.root / "etcd"

    @property
    def containerd(self) -> Path:
        return self.root / "containerd"

    @property
    def kubelet(self) -> Path:
        return self.root / "kubelet"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def containerd_state(self) -> Path:
        return self.run / "containerd"

    @property
    def certs_d(self) -> Path:
        return self.config / "certs.d"


def layout(root: Path | None = None) -> Layout:
    """The files of the sandbox at `root`, or of this checkout's."""
    return Layout((root or sandbox_dir()).resolve())


# What a cluster elsewhere has and this one has not, told by `status` beside the versions that differ.
NOT_HERE = (
    {
        "component": "network policies",
        "declared": "NetworkPolicy objects",
        "runs": "objects that nothing enforces",
        "reason": "the bridge plugin knows no policies, and no policy controller can be built here",
    },
    {
        "component": "dex",
        "declared": "single sign-on for Argo CD",
        "runs": "not at all; the admin account logs in",
        "reason": "its image cannot be made here",
    },
)
