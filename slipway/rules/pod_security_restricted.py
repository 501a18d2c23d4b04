"""The Pod Security Standard 'restricted': what it asks beyond 'baseline'.

Each rule is one check of k8s.io/pod-security-admission (its name is in `sources`) and gives its verdict for the
version of the context. The CEL is for Kubernetes 1.36. Where upstream's check repeats the baseline's, the rule is
silent about what the baseline's rule has said of the same field: one fault, one finding. A Pod is refused at the level
'restricted' when a rule of either level finds something (see `pod_security.verdict`).
"""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pod_security_baseline import ADDABLE, ADDABLE_CEL, unmasked_proc
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule
from slipway.rules.security_context import (
    IN_USER_NAMESPACE,
    ON_WINDOWS,
    everywhere,
    field,
    in_user_namespace,
    named,
    on_windows,
    security_of,
    setters,
)
from slipway.rules.shape import dig, entries, listing, mapping, text

__all__: list[str] = []

_ALLOWED_VOLUMES = (
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
    "secret",
)  # fmt: skip
# Without hostPath, which is the baseline's.
_OTHER_VOLUMES = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
    "gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte",
    "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip


@pod_rule(
    id="volume-type",
    title="Pods use portable volumes only",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A storage system named inline puts its address and its trust into the Pod, past every StorageClass.",
    remedy="Use a persistentVolumeClaim (or an ephemeral or CSI volume), or configMap, secret, projected, emptyDir.",
    sources=("pss-restricted:restrictedVolumes",),
    cel="!has(variables.spec.volumes) || variables.spec.volumes.all(v, "
    + " || ".join(f"has(v.{kind})" for kind in _ALLOWED_VOLUMES)
    + " || ("
    + " && ".join(f"!has(v.{kind})" for kind in _OTHER_VOLUMES)
    + "))",
)
def volume_type(pod: PodView, context: Context) -> Iterable[Violation]:
    """A volume of a kind that restricted does not list. The API server makes a volume of no kind an emptyDir."""
    for index, volume in entries(pod.spec.get("volumes")):
        if any(volume.get(kind) is not None for kind in _ALLOWED_VOLUMES):
            continue
        kind = next((kind for kind in _OTHER_VOLUMES if volume.get(kind) is not None), None)
        if kind is not None:
            message = f"volume '{text(volume.get('name'))}' is of the kind {kind}"
            yield Violation((*pod.path, "volumes", index, kind), message)


@pod_rule(
    id="privilege-escalation",
    title="No process can gain more privileges than its parent",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A set-user-ID program in the image makes root of any user.",
    remedy="Set `securityContext.allowPrivilegeEscalation: false` on each container.",
    sources=(
        "pss-restricted:allowPrivilegeEscalation",
        "polaris:privilegeEscalationAllowed",
        "kube-linter:privilege-escalation-container",
    ),
    cel=f"{ON_WINDOWS} || variables.containers.all(c, has(c.securityContext)"
    " && ((has(c.securityContext.privileged) && c.securityContext.privileged)"
    " || (has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation)))",
)
def privilege_escalation(pod: PodView, context: Context) -> Iterable[Violation]:
    """`allowPrivilegeEscalation` is not false (since 1.8); Windows is excepted since 1.25.

    A privileged container cannot say false: the API server refuses both together. privileged-container reports it.
    """
    if context.version < (1, 8) or (context.version >= (1, 25) and on_windows(pod)):
        return
    for container in pod.containers:
        security = security_of(container)
        if security.get("allowPrivilegeEscalation") is not False and security.get("privileged") is not True:
            message = f"{named(container)} does not forbid privilege escalation"
            yield Violation(field(container, "allowPrivilegeEscalation"), message)


@pod_rule(
    id="run-as-non-root",
    title="Containers are made to run as another user than root",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Root in a container is root on the node for every bug that leads out of it.",
    remedy="Set `runAsNonRoot: true` in the Pod's securityContext, and a user in the image or in `runAsUser`.",
    sources=("pss-restricted:runAsNonRoot", "polaris:runAsRootAllowed", "kube-linter:run-as-non-root"),
    cel=f"{IN_USER_NAMESPACE} || (has(variables.spec.securityContext)"
    " && has(variables.spec.securityContext.runAsNonRoot)"
    " ? variables.spec.securityContext.runAsNonRoot && variables.containers.all(c, !has(c.securityContext)"
    " || !has(c.securityContext.runAsNonRoot) || c.securityContext.runAsNonRoot)"
    " : variables.containers.all(c, has(c.securityContext) && has(c.securityContext.runAsNonRoot)"
    " && c.securityContext.runAsNonRoot))",
)
def run_as_non_root(pod: PodView, context: Context) -> Iterable[Violation]:
    """`runAsNonRoot` is false, or not true on container or Pod; in a user namespace anything goes since 1.35."""
    if context.version >= (1, 35) and in_user_namespace(pod):
        return
    inherited = dig(pod.spec, "securityContext", "runAsNonRoot")
    if inherited is False:
        yield Violation((*pod.path, "securityContext", "runAsNonRoot"), "the Pod lets its containers run as root")
    for container in pod.containers:
        own = security_of(container).get("runAsNonRoot")
        # What a container inherits from the Pod's false has been said there.
        if own is False or (own is not True and not isinstance(inherited, bool)):
            yield Violation(field(container, "runAsNonRoot"), f"{named(container)} may run as root")


@pod_rule(
    id="run-as-root-user",
    title="No container is started as user 0",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="User 0 in a container is root on the node for every bug that leads out of it.",
    remedy="Set another `runAsUser`, or leave it to the image, or give the Pod users of its own: `hostUsers: false`.",
    sources=("pss-restricted:runAsUser",),
    cel=f"{IN_USER_NAMESPACE} || ("
    + everywhere("!has(@.securityContext) || !has(@.securityContext.runAsUser) || @.securityContext.runAsUser != 0")
    + ")",
)
def run_as_root_user(pod: PodView, context: Context) -> Iterable[Violation]:
    """`runAsUser: 0` (since 1.23); in a user namespace allowed since 1.35."""
    if context.version < (1, 23) or (context.version >= (1, 35) and in_user_namespace(pod)):
        return
    for container, path, security in setters(pod):
        user = security.get("runAsUser")
        if user == 0 and not isinstance(user, bool):
            yield Violation((*path, "runAsUser"), f"{named(container)} runs as user 0")


@pod_rule(
    id="seccomp-restricted",
    title="Containers run under a seccomp profile",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Where nothing is asked for, seccomp is off: the container may make every system call.",
    remedy="Set `seccompProfile.type: RuntimeDefault` in the Pod's securityContext.",
    sources=(
        "pss-restricted:seccompProfile_restricted",
        "kube-score:container-seccomp-profile",
        "polaris:linuxHardening",
    ),
    cel=f"{ON_WINDOWS} || (has(variables.spec.securityContext) && has(variables.spec.securityContext.seccompProfile))"
    " || variables.containers.all(c, has(c.securityContext) && has(c.securityContext.seccompProfile))",
)
def seccomp_restricted(pod: PodView, context: Context) -> Iterable[Violation]:
    """No profile on the container or the Pod (since 1.19; Windows is excepted since 1.25). Bad ones are baseline's."""
    version = context.version
    if version < (1, 19) or (version >= (1, 25) and on_windows(pod)):
        return
    if isinstance(dig(pod.spec, "securityContext", "seccompProfile"), dict):
        return
    for container in pod.containers:
        if not isinstance(security_of(container).get("seccompProfile"), dict):
            yield Violation(field(container, "seccompProfile"), f"{named(container)} has no seccomp profile")


@pod_rule(
    id="capability-not-dropped",
    title="Containers drop all capabilities and add at most NET_BIND_SERVICE",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="The runtime grants a dozen capabilities that hardly any program needs, NET_RAW among them.",
    remedy="Set `capabilities: {drop: [ALL]}`, and add NET_BIND_SERVICE only for a port below 1024.",
    sources=(
        "pss-restricted:capabilities_restricted",
        "polaris:insecureCapabilities",
        "kube-linter:drop-net-raw-capability",
    ),
    cel=f"{ON_WINDOWS} || variables.containers.all(c, has(c.securityContext) && has(c.securityContext.capabilities)"
    " && has(c.securityContext.capabilities.drop) && 'ALL' in c.securityContext.capabilities.drop"
    " && (!has(c.securityContext.capabilities.add)"
    " || c.securityContext.capabilities.add.all(a, a == 'NET_BIND_SERVICE')"
    f" || !c.securityContext.capabilities.add.all(a, a in {ADDABLE_CEL})))",
)
def capability_not_dropped(pod: PodView, context: Context) -> Iterable[Violation]:
    """ALL is not dropped, or more than NET_BIND_SERVICE is added (since 1.22; Windows is excepted since 1.25).

    What capability-added reports of a container's `add` is not repeated.
    """
    version = context.version
    if version < (1, 22) or (version >= (1, 25) and on_windows(pod)):
        return
    for container in pod.containers:
        capabilities = mapping(security_of(container).get("capabilities"))
        kept = "ALL" not in listing(capabilities.get("drop"))
        added = [text(name) for name in listing(capabilities.get("add"))]
        added = [name for name in added if name != "NET_BIND_SERVICE"] if ADDABLE.issuperset(added) else []
        faults = ["does not drop ALL capabilities"] * kept + [f"adds {', '.join(added)}"] * bool(added)
        if faults:
            path = field(container, "capabilities", "drop" if kept else "add")
            yield Violation(path, f"{named(container)} {' and '.join(faults)}")


@pod_rule(
    id="proc-mount-restricted",
    title="Containers of a user namespace see /proc masked too",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="An unmasked /proc shows the node's kernel settings, even when the Pod's root is not the node's.",
    remedy="Remove `procMount`.",
    sources=("pss-restricted:procMount_restricted",),
    cel=f"!{IN_USER_NAMESPACE} || variables.containers.all(c, !has(c.securityContext)"
    " || !has(c.securityContext.procMount) || c.securityContext.procMount == 'Default')",
)
def proc_mount_restricted(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `procMount` in a user namespace, which baseline allows since 1.35. Elsewhere it is proc-mount's."""
    return unmasked_proc(pod) if context.version >= (1, 35) and in_user_namespace(pod) else ()
