"""The Pod Security Standard 'baseline', part two: what a Pod may have of its node.

Each rule is one check of k8s.io/pod-security-admission (its name is in `sources`) and gives its verdict for the
version of the context. The CEL is for Kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slipway.rules.context import Context
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.pods import Container, PodView
from slipway.rules.registry import pod_rule
from slipway.rules.security_context import everywhere, named, setters
from slipway.rules.shape import dig, entries, listing, mapping, text

__all__: list[str] = []

_NAMESPACES = {"hostNetwork": "network", "hostPID": "process", "hostIPC": "IPC"}
_RUNTIME_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "cri-dockerd.sock", "podman.sock")
_SYSTEM_FOLDERS = ("/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_SYSCTLS = (
    ((1, 0), "kernel.shm_rmid_forced"),
    ((1, 0), "net.ipv4.ip_local_port_range"),
    ((1, 0), "net.ipv4.tcp_syncookies"),
    ((1, 0), "net.ipv4.ping_group_range"),
    ((1, 0), "net.ipv4.ip_unprivileged_port_start"),
    ((1, 27), "net.ipv4.ip_local_reserved_ports"),
    ((1, 29), "net.ipv4.tcp_keepalive_time"),
    ((1, 29), "net.ipv4.tcp_fin_timeout"),
    ((1, 29), "net.ipv4.tcp_keepalive_intvl"),
    ((1, 29), "net.ipv4.tcp_keepalive_probes"),
    ((1, 32), "net.ipv4.tcp_rmem"),
    ((1, 32), "net.ipv4.tcp_wmem"),
)
"""The safe sysctls: namespaced, and without effect on other Pods; each with the version that first allows it."""


@pod_rule(
    id="host-namespaces",
    title="Pods have network, process and IPC namespaces of their own",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="In the node's namespaces a container sees the node's traffic and processes, and no NetworkPolicy holds.",
    remedy="Remove hostNetwork, hostPID and hostIPC; expose ports with a Service.",
    sources=(
        "pss-baseline:hostNamespaces",
        "polaris:hostIPCSet",
        "polaris:hostPIDSet",
        "polaris:hostNetworkSet",
        "kube-linter:host-ipc",
        "kube-linter:host-pid",
        "kube-linter:host-network",
    ),
    cel=" && ".join(f"(!has(variables.spec.{key}) || !variables.spec.{key})" for key in _NAMESPACES),
)
def host_namespaces(pod: PodView, context: Context) -> Iterable[Violation]:
    """`hostNetwork`, `hostPID` or `hostIPC`: one violation each."""
    for key, what in _NAMESPACES.items():
        if pod.spec.get(key) is True:
            yield Violation((*pod.path, key), f"the Pod shares its node's {what} namespace")


@pod_rule(
    id="host-path-volume",
    title="Pods mount nothing of their node",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="A hostPath reaches the node's files, and through a socket or a system folder the node itself.",
    remedy="Use a persistentVolumeClaim, emptyDir, configMap or a CSI volume.",
    sources=(
        "pss-baseline:hostPathVolumes",
        "polaris:hostPathSet",
        "kube-linter:docker-sock",
        "kube-linter:sensitive-host-mounts",
        "kube-linter:writable-host-mount",
    ),
    cel="!has(variables.spec.volumes) || variables.spec.volumes.all(v, !has(v.hostPath))",
)
def host_path_volume(pod: PodView, context: Context) -> Iterable[Violation]:
    """A hostPath volume. The message tells a runtime's socket and a system folder apart, and who may write there."""
    for index, volume in entries(pod.spec.get("volumes")):
        if volume.get("hostPath") is not None:
            name, path = text(volume.get("name")), text(mapping(volume["hostPath"]).get("path"))
            message = f"volume '{name}' is {_host_path(path)}{_writers(pod, name)}"
            yield Violation((*pod.path, "volumes", index, "hostPath"), message)


def _host_path(path: str) -> str:
    bare = path.rstrip("/") or "/"
    if bare.endswith(_RUNTIME_SOCKETS):
        return f"the socket of the node's container runtime, {path}"
    if bare == "/" or any(bare == folder or bare.startswith(f"{folder}/") for folder in _SYSTEM_FOLDERS):
        return f"the node's system folder {path}"
    return f"the node's folder {path}"


def _writers(pod: PodView, volume: str) -> str:
    for container in pod.containers:
        for mount in listing(container.spec.get("volumeMounts")):
            if dig(mount, "name") == volume and dig(mount, "readOnly") is not True:
                return f", writable in {named(container)}"
    return ""


@pod_rule(
    id="host-port",
    title="Containers take no port of their node",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A host port is open past every Service and NetworkPolicy, and only one such Pod fits on a node.",
    remedy="Remove `hostPort`; expose the port with a Service.",
    sources=("pss-baseline:hostPorts", "polaris:hostPortSet"),
    cel="(has(variables.spec.hostNetwork) && variables.spec.hostNetwork) || variables.containers.all(c, "
    "!has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
)
def host_port(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `hostPort`. On the node's network every port is one (the API server fills it in): host-namespaces says it."""
    if pod.spec.get("hostNetwork") is True:
        return
    for container in pod.containers:
        ports = [(index, port["hostPort"]) for index, port in entries(container.spec.get("ports"))
                 if port.get("hostPort")]  # fmt: skip
        if ports:
            said = ", ".join(str(port) for _, port in ports)
            path = (*container.path, "ports", ports[0][0], "hostPort")
            yield Violation(path, f"{named(container)} takes the node's port {said}")


def _no_host(handler: str) -> str:
    return f"(!has({handler}) || " + " && ".join(
        f"(!has({handler}.{kind}) || !has({handler}.{kind}.host) || {handler}.{kind}.host == '')"
        for kind in ("httpGet", "tcpSocket")
    ) + ")"  # fmt: skip


@pod_rule(
    id="host-probe",
    title="Probes and lifecycle hooks address the container itself",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="The kubelet makes these requests from the node: with a host in them, a Pod sends it anywhere.",
    remedy="Remove `host`: the Pod's own address is the default.",
    sources=("pss-baseline:hostProbesAndHostLifecycle",),
    cel="variables.containers.all(c, "
    + " && ".join(_no_host(f"c.{probe}") for probe in _PROBES)
    + " && (!has(c.lifecycle) || ("
    + " && ".join(_no_host(f"c.lifecycle.{hook}") for hook in _HOOKS)
    + ")))",
)
def host_probe(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `host` in a probe or lifecycle hook (since 1.34). The path is that of the container's first one."""
    if context.version < (1, 34):
        return
    for container in pod.containers:
        hosts = list(_hosts(container))
        if hosts:
            said = ", ".join(dict.fromkeys(host for _, host in hosts))
            yield Violation(hosts[0][0], f"{named(container)} has the kubelet call {said}")


def _hosts(container: Container) -> Iterator[tuple[Path, str]]:
    spec = container.spec
    handlers: list[Path] = [(probe,) for probe in _PROBES if probe in spec]
    if "lifecycle" in spec:
        handlers += [("lifecycle", hook) for hook in _HOOKS]
    for where in handlers:
        for kind in ("httpGet", "tcpSocket"):
            host = text(dig(spec, *map(str, where), kind, "host"))
            if host:
                yield (*container.path, *where, kind, "host"), host


@pod_rule(
    id="unsafe-sysctl",
    title="Pods set safe sysctls only",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Other sysctls weaken the kernel's protection or change it for every Pod of the node.",
    remedy="Remove the sysctl; an administrator sets it on the node where it is needed.",
    sources=("pss-baseline:sysctls", "kube-linter:unsafe-sysctls"),
    cel="!has(variables.spec.securityContext) || !has(variables.spec.securityContext.sysctls)"
    " || variables.spec.securityContext.sysctls.all(s, has(s.name) && s.name in ["
    + ", ".join(f"'{name}'" for _, name in _SYSCTLS)
    + "])",
)
def unsafe_sysctl(pod: PodView, context: Context) -> Iterable[Violation]:
    """A sysctl that is not among the version's safe ones: one violation each."""
    for index, sysctl in entries(dig(pod.spec, "securityContext", "sysctls")):
        name = text(sysctl.get("name"))
        if not any(name == known and context.version >= since for since, known in _SYSCTLS):
            path = (*pod.path, "securityContext", "sysctls", index, "name")
            yield Violation(path, f"the Pod sets the sysctl '{name}'")


@pod_rule(
    id="windows-host-process",
    title="Windows containers are no host processes",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="A HostProcess container runs on the Windows node itself, outside every container.",
    remedy="Remove `windowsOptions.hostProcess`.",
    sources=("pss-baseline:windowsHostProcess", "polaris:hostProcess"),
    cel=everywhere(
        "!has(@.securityContext) || !has(@.securityContext.windowsOptions)"
        " || !has(@.securityContext.windowsOptions.hostProcess) || !@.securityContext.windowsOptions.hostProcess"
    ),
)
def windows_host_process(pod: PodView, context: Context) -> Iterable[Violation]:
    """`windowsOptions.hostProcess: true`."""
    for container, path, security in setters(pod):
        if dig(security, "windowsOptions", "hostProcess") is True:
            yield Violation((*path, "windowsOptions", "hostProcess"), f"{named(container)} is a Windows host process")
