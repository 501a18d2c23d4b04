"""The Pod Security Standard 'baseline', part one: what a container may do beyond the runtime's defaults.

Each rule is one check of k8s.io/pod-security-admission (its name is in `sources`) and gives its verdict for the
version of the context. The CEL is for Kubernetes 1.36. Part two, about the host, is `pod_security_host`.
"""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule
from slipway.rules.security_context import (
    IN_USER_NAMESPACE,
    everywhere,
    in_user_namespace,
    named,
    security_of,
    setters,
)
from slipway.rules.shape import dig, listing, mapping, text

__all__ = ["ADDABLE", "unmasked_proc"]

ADDABLE = frozenset((
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
))  # fmt: skip
"""The capabilities that baseline lets a container add: what runtimes grant by default, without NET_RAW."""
ADDABLE_CEL = "[" + ", ".join(f"'{name}'" for name in sorted(ADDABLE)) + "]"

_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_PROFILES = ("RuntimeDefault", "Localhost")
_SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t")


@pod_rule(
    id="privileged-container",
    title="No container is privileged",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="A privileged container has every device and capability of its node: it is root on the node.",
    remedy="Remove `privileged` and set `allowPrivilegeEscalation: false`; a device plugin lends single devices.",
    sources=(
        "pss-baseline:privileged",
        "kube-score:container-security-context-privileged",
        "polaris:runAsPrivileged",
        "kube-linter:privileged-container",
    ),
    cel="variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged)"
    " || !c.securityContext.privileged)",
)
def privileged_container(pod: PodView, context: Context) -> Iterable[Violation]:
    """`privileged: true`."""
    for container in pod.containers:
        if security_of(container).get("privileged") is True:
            yield Violation((*container.path, "securityContext", "privileged"), f"{named(container)} is privileged")


@pod_rule(
    id="capability-added",
    title="Containers add no capability beyond the runtime's defaults",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Capabilities such as SYS_ADMIN, NET_ADMIN and NET_RAW reach out of the container.",
    remedy="Remove it from `capabilities.add`.",
    sources=("pss-baseline:capabilities_baseline", "polaris:dangerousCapabilities"),
    cel="variables.containers.all(c, !has(c.securityContext) || !has(c.securityContext.capabilities)"
    " || !has(c.securityContext.capabilities.add)"
    f" || c.securityContext.capabilities.add.all(a, a in {ADDABLE_CEL}))",
)
def capability_added(pod: PodView, context: Context) -> Iterable[Violation]:
    """A capability in `add` that runtimes do not grant by default; NET_RAW too."""
    for container in pod.containers:
        added = listing(dig(container.spec, "securityContext", "capabilities", "add"))
        names = [text(name) for name in added if text(name) not in ADDABLE] if added else ()
        if names:
            path = (*container.path, "securityContext", "capabilities", "add")
            yield Violation(path, f"{named(container)} adds {', '.join(names)}")


@pod_rule(
    id="app-armor-profile",
    title="AppArmor stays on",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="The runtime's AppArmor profile is what keeps a container from the node's files on such nodes.",
    remedy="Remove the profile, or choose RuntimeDefault or a Localhost profile.",
    sources=("pss-baseline:appArmorProfile",),
    cel=everywhere(
        "!has(@.securityContext) || !has(@.securityContext.appArmorProfile)"
        " || (has(@.securityContext.appArmorProfile.type)"
        " && @.securityContext.appArmorProfile.type in ['RuntimeDefault', 'Localhost'])"
    )
    + " && (!has(variables.template.annotations) || variables.template.annotations.all(k, "
    f"!k.startsWith('{_APP_ARMOR}') || variables.template.annotations[k] in ['', 'runtime/default']"
    " || variables.template.annotations[k].startsWith('localhost/')))",
)
def app_armor_profile(pod: PodView, context: Context) -> Iterable[Violation]:
    """A profile other than the runtime's or the node's own: as a field or, as it was until 1.29, an annotation."""
    yield from _profiles(pod, "appArmorProfile", "AppArmor")
    for key, value in mapping(pod.template_metadata.get("annotations")).items():
        if text(key).startswith(_APP_ARMOR):
            profile = text(value)
            if profile not in ("", "runtime/default") and not profile.startswith("localhost/"):
                yield _annotation(pod, key, profile)


@pod_rule(
    id="selinux-options",
    title="SELinux confines containers as the node does by default",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Another SELinux type, user or role can lift the separation between a container and its node.",
    remedy="Remove `seLinuxOptions`, or keep only a level and one of the container types.",
    sources=("pss-baseline:seLinuxOptions",),
    cel=everywhere(
        "!has(@.securityContext) || !has(@.securityContext.seLinuxOptions)"
        " || ((!has(@.securityContext.seLinuxOptions.type) || @.securityContext.seLinuxOptions.type in"
        " ['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'])"
        " && (!has(@.securityContext.seLinuxOptions.user) || @.securityContext.seLinuxOptions.user == '')"
        " && (!has(@.securityContext.seLinuxOptions.role) || @.securityContext.seLinuxOptions.role == ''))"
    ),
)
def selinux_options(pod: PodView, context: Context) -> Iterable[Violation]:
    """A type that is none of the containers' types, or any user or role."""
    for container, path, security in setters(pod):
        options = security.get("seLinuxOptions")
        if not isinstance(options, dict):
            continue
        kind = text(options.get("type"))
        allowed = kind in _SELINUX_TYPES or (kind == "container_engine_t" and context.version >= (1, 31))
        faulty = {} if allowed else {"type": kind}
        faulty |= {key: options[key] for key in ("user", "role") if text(options.get(key))}
        if faulty:
            said = " and ".join(f"the {key} {value}" for key, value in faulty.items())
            yield Violation(
                (*path, "seLinuxOptions", next(iter(faulty))), f"{named(container)} asks SELinux for {said}"
            )


def unmasked_proc(pod: PodView) -> Iterable[Violation]:
    """The containers whose /proc is not the runtime's default, whatever the Pod's users are."""
    for container in pod.containers:
        mount = security_of(container).get("procMount")
        if mount is not None and mount != "Default":
            path = (*container.path, "securityContext", "procMount")
            yield Violation(path, f"{named(container)} has the /proc mount '{mount}'")


@pod_rule(
    id="proc-mount",
    title="Containers see /proc as the runtime masks it",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="An unmasked /proc shows the node's kernel settings and keys, some of them writable.",
    remedy="Remove `procMount`, or give the Pod users of its own with `hostUsers: false`.",
    sources=("pss-baseline:procMount", "polaris:procMount", "kube-linter:unsafe-proc-mount"),
    cel=f"{IN_USER_NAMESPACE} || variables.containers.all(c, !has(c.securityContext)"
    " || !has(c.securityContext.procMount) || c.securityContext.procMount == 'Default')",
)
def proc_mount(pod: PodView, context: Context) -> Iterable[Violation]:
    """A `procMount` that is not Default; since 1.35 allowed in a user namespace."""
    return () if context.version >= (1, 35) and in_user_namespace(pod) else unmasked_proc(pod)


@pod_rule(
    id="seccomp-baseline",
    title="Seccomp is not switched off",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Without seccomp a container may make every system call, and one kernel bug is enough to leave it.",
    remedy="Set `seccompProfile.type: RuntimeDefault`, or a Localhost profile.",
    sources=("pss-baseline:seccompProfile_baseline",),
    cel=everywhere(
        "!has(@.securityContext) || !has(@.securityContext.seccompProfile)"
        " || (has(@.securityContext.seccompProfile.type)"
        " && @.securityContext.seccompProfile.type in ['RuntimeDefault', 'Localhost'])"
    ),
)
def seccomp_baseline(pod: PodView, context: Context) -> Iterable[Violation]:
    """A profile other than the runtime's or the node's own. Before 1.19 it was an annotation."""
    if context.version >= (1, 19):
        yield from _profiles(pod, "seccompProfile", "seccomp")
        return
    annotations = mapping(pod.template_metadata.get("annotations"))
    for key in dict.fromkeys((_SECCOMP_POD, *(_SECCOMP_CONTAINER + container.name for container in pod.containers))):
        if key in annotations:
            profile = text(annotations[key])
            if profile not in ("runtime/default", "docker/default") and not profile.startswith("localhost/"):
                yield _annotation(pod, key, profile)


def _profiles(pod: PodView, key: str, what: str) -> Iterable[Violation]:
    """The profiles under `key` that are neither the runtime's nor the node's own."""
    for container, path, security in setters(pod):
        profile = security.get(key)
        if isinstance(profile, dict) and text(profile.get("type")) not in _PROFILES:
            place: Path = (*path, key, "type") if "type" in profile else (*path, key)
            said = text(profile.get("type")) or "without a type"
            yield Violation(place, f"{named(container)} has the {what} profile {said}")


def _annotation(pod: PodView, key: str, profile: str) -> Violation:
    return Violation((*pod.template_path, "annotations", key), f"the annotation asks for the profile '{profile}'")
