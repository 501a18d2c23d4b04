"""The ten processes of the node: their command lines, and what a change of means they must be restarted."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import gitserver, registry, settings
from sandbox.settings import Layout
from tools import locate

__all__ = ["NAMES", "Program", "all_programs", "digest"]

NAMES = (
    "etcd",
    "containerd",
    "registry",
    "git",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Program:
    """One supervised process. `inputs` are the files whose change means that it must be restarted."""

    name: str
    argv: tuple[str, ...]
    inputs: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    stop_seconds: int = 5

    @property
    def command(self) -> str:
        """The command line for supervisord, which expands `%(...)s`."""
        return shlex.join(self.argv).replace("%", "%%")

    def settings(self) -> str:
        """The environment for supervisord, with a digest of the inputs: a changed input is a changed program."""
        values = {"PATH": PATH, "HOME": "/", **self.environment, "SLIPWAY_INPUTS": digest(self.inputs)}
        return ",".join(f'{name}="{value}"'.replace("%", "%%") for name, value in values.items())


def digest(paths: Iterable[Path]) -> str:
    """A short name for the content of these files; a missing file has a name too."""
    total = hashlib.sha256()
    for path in paths:
        total.update(str(path).encode() + b"\0")
        total.update(path.read_bytes() if path.is_file() else b"-")
    return total.hexdigest()[:16]


def all_programs(files: Layout, find: Callable[[str], Path] = locate) -> list[Program]:
    """Every process of the node, in the order in which they may start."""
    return [
        _etcd(files, find("etcd")),
        Program(
            "containerd",
            ("/usr/bin/containerd", "--config", str(files.config / "containerd.toml")),
            inputs=(files.config / "containerd.toml",),
            stop_seconds=10,
        ),
        Program("registry", tuple(registry.program(files.root)), inputs=(files.root / "registry.yml",)),
        Program("git", tuple(gitserver.program(files.root)), inputs=(files.root / "git" / "lighttpd.conf",)),
        _api_server(files, find("kube-apiserver")),
        _controller_manager(files, find("kube-controller-manager")),
        Program(
            "kube-scheduler",
            (
                str(find("kube-scheduler")),
                f"--config={files.config / 'kube-scheduler.yaml'}",
                *_serving(files, "kube-scheduler", 10259),
            ),
            inputs=(files.config / "kube-scheduler.yaml", files.config / "kube-scheduler.kubeconfig"),
        ),
        _kubelet(files, find("kubelet")),
        Program(
            "kube-proxy",
            (str(find("kube-proxy")), f"--config={files.config / 'kube-proxy.yaml'}"),
            inputs=(files.config / "kube-proxy.yaml", files.config / "kube-proxy.kubeconfig"),
        ),
        Program(
            "coredns",
            (str(find("coredns")), "-conf", str(files.config / "Corefile")),
            inputs=(files.config / "Corefile", files.config / "coredns.kubeconfig"),
        ),
    ]


def _etcd(files: Layout, binary: Path) -> Program:
    pki = files.pki
    return Program(
        "etcd",
        (
            str(binary),
            "--name=slipway",
            f"--data-dir={files.etcd}",
            "--listen-client-urls=https://127.0.0.1:2379",
            "--advertise-client-urls=https://127.0.0.1:2379",
            "--listen-peer-urls=https://127.0.0.1:2380",
            "--initial-advertise-peer-urls=https://127.0.0.1:2380",
            "--initial-cluster=slipway=https://127.0.0.1:2380",
            "--client-cert-auth=true",
            f"--trusted-ca-file={pki / 'etcd-ca.crt'}",
            f"--cert-file={pki / 'etcd.crt'}",
            f"--key-file={pki / 'etcd.key'}",
            "--peer-client-cert-auth=true",
            f"--peer-trusted-ca-file={pki / 'etcd-ca.crt'}",
            f"--peer-cert-file={pki / 'etcd.crt'}",
            f"--peer-key-file={pki / 'etcd.key'}",
            "--snapshot-count=10000",
            "--log-level=warn",
        ),
        inputs=(pki / "etcd.crt",),
    )


def _api_server(files: Layout, binary: Path) -> Program:
    pki = files.pki
    return Program(
        "kube-apiserver",
        (
            str(binary),
            f"--bind-address={settings.NODE_IP}",
            f"--advertise-address={settings.NODE_IP}",
            "--secure-port=6443",
            f"--service-cluster-ip-range={settings.SERVICE_CIDR}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--tls-cert-file={pki / 'kube-apiserver.crt'}",
            f"--tls-private-key-file={pki / 'kube-apiserver.key'}",
            "--tls-min-version=VersionTLS12",
            "--etcd-servers=https://127.0.0.1:2379",
            f"--etcd-cafile={pki / 'etcd-ca.crt'}",
            f"--etcd-certfile={pki / 'apiserver-etcd-client.crt'}",
            f"--etcd-keyfile={pki / 'apiserver-etcd-client.key'}",
            f"--encryption-provider-config={files.config / 'encryption.yaml'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'apiserver-kubelet-client.crt'}",
            f"--kubelet-client-key={pki / 'apiserver-kubelet-client.key'}",
            # By name the API server would look the node up in DNS, and logs and exec would fail.
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-issuer=https://kubernetes.default.svc.{settings.CLUSTER_DOMAIN}",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
            "--profiling=false",
        ),
        inputs=(pki / "kube-apiserver.crt", files.config / "encryption.yaml"),
        # It would wait up to a minute for watches; it keeps no state, so there is nothing to wait for.
        stop_seconds=2,
    )


def _controller_manager(files: Layout, binary: Path) -> Program:
    pki = files.pki
    own = files.config / "kube-controller-manager.kubeconfig"
    return Program(
        "kube-controller-manager",
        (
            str(binary),
            *_serving(files, "kube-controller-manager", 10257),
            f"--kubeconfig={own}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--service-account-private-key-file={pki / 'sa.key'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            # Addresses come from the CNI's own allocator: one node, one range.
            "--allocate-node-cidrs=false",
            f"--service-cluster-ip-range={settings.SERVICE_CIDR}",
            # The default lies in /usr and would be created there.
            f"--flex-volume-plugin-dir={files.kubelet / 'volume-plugins'}",
            "--controllers=*,-node-ipam-controller,-node-route-controller,-cloud-node-lifecycle-controller",
        ),
        inputs=(own, pki / "ca.crt"),
    )


def _serving(files: Layout, name: str, port: int) -> tuple[str, ...]:
    own = files.config / f"{name}.kubeconfig"
    return (
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--tls-cert-file={files.pki / name}.crt",
        f"--tls-private-key-file={files.pki / name}.key",
        f"--client-ca-file={files.pki / 'ca.crt'}",
        f"--authentication-kubeconfig={own}",
        f"--authorization-kubeconfig={own}",
        "--profiling=false",
    )


def _kubelet(files: Layout, binary: Path) -> Program:
    own = files.config / "kubelet.kubeconfig"
    return Program(
        "kubelet",
        (
            str(binary),
            f"--config={files.config / 'kubelet.yaml'}",
            f"--kubeconfig={own}",
            f"--root-dir={files.kubelet}",
            f"--cert-dir={files.kubelet / 'pki'}",
            f"--hostname-override={settings.NODE_NAME}",
            f"--node-ip={settings.NODE_IP}",
        ),
        inputs=(files.config / "kubelet.yaml", own),
        stop_seconds=8,
    )
