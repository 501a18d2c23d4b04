"""The configuration files of the node's components, from fixed settings to text.

Everything here is a function of the layout and the secrets, and writes nothing: `write_all` is the one edge. A file
is rewritten only when its text changed, so that `up` on a running node changes nothing.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox import settings
from sandbox.files import write
from sandbox.manifests import bootstrap_manifests
from sandbox.settings import Layout
from sandbox.state import Secrets

__all__ = ["connection", "kubeconfig", "kubelet", "render", "write_all"]

KUBECONFIGS = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "bootstrap")
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    # These are configuration files, not HTML, and every value in them is ours.
    autoescape=False,  # noqa: S701
)


def render(template: str, **values: object) -> str:
    """One of `templates/`, filled in; a missing value is an error."""
    return _TEMPLATES.get_template(template).render(**values)


def kubeconfig(files: Layout, identity: str) -> dict[str, Any]:
    """A kubeconfig that carries the identity's certificate, so that it can be copied as one file."""

    def data(name: str) -> str:
        return base64.b64encode((files.pki / name).read_bytes()).decode()

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "slipway-sandbox",
                "cluster": {"server": settings.API_SERVER, "certificate-authority-data": data("ca.crt")},
            }
        ],
        "users": [
            {
                "name": identity,
                "user": {
                    "client-certificate-data": data(f"{identity}.crt"),
                    "client-key-data": data(f"{identity}.key"),
                },
            }
        ],
        "contexts": [{"name": "slipway-sandbox", "context": {"cluster": "slipway-sandbox", "user": identity}}],
        "current-context": "slipway-sandbox",
    }


def kubelet(files: Layout) -> dict[str, Any]:
    """KubeletConfiguration: webhook authentication and authorisation, cgroup v1 allowed, no eviction by disk."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": settings.NODE_IP,
        "port": 10250,
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": 10248,
        "tlsCertFile": str(files.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(files.pki / "kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True, "cacheTTL": "2m0s"},
            "x509": {"clientCAFile": str(files.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{files.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{settings.CGROUP}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "oomScoreAdj": 0,
        "clusterDNS": [settings.DNS_IP],
        "clusterDomain": settings.CLUSTER_DOMAIN,
        "resolvConf": str(files.config / "resolv.conf"),
        "podLogsDir": str(files.logs / "pods"),
        "volumePluginDir": str(files.kubelet / "volume-plugins"),
        "serializeImagePulls": False,
        "maxParallelImagePulls": 4,
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "nodeStatusUpdateFrequency": "5s",
        "syncFrequency": "10s",
        # Images: the node's disk may look full because of others' data. Collecting would take the pause image first.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "containerLogMaxSize": "5Mi",
        "containerLogMaxFiles": 2,
    }


def kube_proxy(files: Layout) -> dict[str, Any]:
    """KubeProxyConfiguration: iptables, node ports on the loopback interface only."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "bindAddress": settings.NODE_IP,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(files.config / "kube-proxy.kubeconfig")},
        "clusterCIDR": settings.POD_CIDR,
        "hostnameOverride": settings.NODE_NAME,
        "mode": "iptables",
        "iptables": {"localhostNodePorts": True, "minSyncPeriod": "100ms", "syncPeriod": "30s"},
        # 0 leaves the machine's connection tracking limits as they are.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nodePortAddresses": ["127.0.0.0/8"],
        "oomScoreAdj": 0,
    }


def kube_scheduler(files: Layout) -> dict[str, Any]:
    """KubeSchedulerConfiguration."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(files.config / "kube-scheduler.kubeconfig")},
        "leaderElection": {"leaderElect": False},
    }


def cni(files: Layout) -> dict[str, Any]:
    """The pods' network: the bridge, which `network.py` makes, and addresses from the pod range."""
    return {
        "cniVersion": "1.0.0",
        "name": settings.BRIDGE,
        "plugins": [
            {
                "type": "bridge",
                "bridge": settings.BRIDGE,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(files.run / "cni-addresses"),
                    "ranges": [[{"subnet": settings.POD_CIDR, "gateway": settings.NODE_IP}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def hosts_toml() -> str:
    """containerd's entry for any upstream host: the sandbox's registry, under the unmodified name, and no other.

    Without `server`, an image that the registry lacks would be asked of the public host, and whoever owns the name
    there would decide what runs.
    """
    registry = f"http://{settings.REGISTRY}"
    return f'server = "{registry}"\n\n[host."{registry}"]\n  capabilities = ["pull", "resolve"]\n'


def encryption(secrets: Secrets) -> dict[str, Any]:
    """Secrets lie encrypted in etcd; `identity` last, so that nothing written before is lost."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {
                "resources": ["secrets"],
                "providers": [
                    {"secretbox": {"keys": [{"name": "sandbox", "secret": secrets.encryption_key}]}},
                    {"identity": {}},
                ],
            }
        ],
    }


def connection(files: Layout, secrets: Secrets) -> dict[str, Any]:
    """What the Pulumi program and the commands need to know of a running sandbox."""
    return {
        "version": 1,
        "node_ip": settings.NODE_IP,
        "kubeconfig": str(files.kubeconfig),
        "registry": settings.REGISTRY,
        "git": {
            "url": f"http://{settings.NODE_IP}:{settings.GIT_PORT}/gitops.git",
            "username": "slipway",
            "password": secrets.git_password,
            "reader_username": "argocd",
            "reader_password": secrets.git_reader_password,
        },
        "webhook_secret": secrets.webhook_secret,
        "ingress": {"http_port": settings.INGRESS_PORT, "domain": "localhost"},
        "images": {},
        "versions": [],
    }


def write_all(files: Layout, secrets: Secrets) -> list[Path]:
    """Write every component's configuration; returns the files that changed."""
    config = files.config
    texts: dict[Path, str] = {
        config / "kubelet.yaml": _yaml(kubelet(files)),
        config / "kube-proxy.yaml": _yaml(kube_proxy(files)),
        config / "kube-scheduler.yaml": _yaml(kube_scheduler(files)),
        config / "encryption.yaml": _yaml(encryption(secrets)),
        config / "bootstrap.yaml": str(yaml.safe_dump_all(bootstrap_manifests(), sort_keys=False)),
        # Pods with dnsPolicy Default get this instead of the machine's, which may name a server they cannot reach.
        config / "resolv.conf": f"nameserver {settings.NODE_IP}\n",
        config / "cni" / "10-slipway.conflist": json.dumps(cni(files), indent=2) + "\n",
        config / "containerd.toml": render(
            "containerd.toml.j2",
            root=files.containerd,
            state=files.containerd_state,
            socket=files.containerd_socket,
            pause_image=settings.PAUSE_IMAGE,
            cni_plugins=settings.CNI_PLUGINS,
            cni_config=config / "cni",
            certs_d=files.certs_d,
        ),
        config / "Corefile": render(
            "Corefile.j2",
            node_ip=settings.NODE_IP,
            domain=settings.CLUSTER_DOMAIN,
            kubeconfig=config / "coredns.kubeconfig",
        ),
    }
    for host in settings.MIRRORED_HOSTS:
        texts[files.certs_d / host / "hosts.toml"] = hosts_toml()
    for identity in KUBECONFIGS:
        texts[config / f"{identity}.kubeconfig"] = _yaml(kubeconfig(files, identity))
    texts[files.kubeconfig] = _yaml(kubeconfig(files, "admin"))
    return [path for path, text in texts.items() if write(path, text)]


def _yaml(value: dict[str, Any]) -> str:
    return str(yaml.safe_dump(value, sort_keys=False))
