"""Confinement that the Pod Security Standards do not ask for: the file system, the numbers of users, OpenShift."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.security_context import (
    IN_USER_NAMESPACE,
    ON_WINDOWS,
    field,
    in_user_namespace,
    named,
    on_windows,
    security_of,
)
from slipway.rules.shape import mapping

__all__: list[str] = []

_LOWEST_ID = 10_000
_IDS = {"runAsUser": "user", "runAsGroup": "group"}


@pod_rule(
    id="root-filesystem-writable",
    title="Containers cannot write to their root file system",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Who breaks in can change the program and leave tools behind; and what is written there is lost anyway.",
    remedy="Set `securityContext.readOnlyRootFilesystem: true` and mount an emptyDir where the program writes.",
    sources=(
        "kube-score:container-security-context-readonlyrootfilesystem",
        "polaris:notReadOnlyRootFilesystem",
        "kube-linter:no-read-only-root-fs",
    ),
    cel=f"{ON_WINDOWS} || variables.containers.all(c, has(c.securityContext)"
    " && has(c.securityContext.readOnlyRootFilesystem) && c.securityContext.readOnlyRootFilesystem)",
)
def root_filesystem_writable(pod: PodView, context: Context) -> Iterable[Violation]:
    """`readOnlyRootFilesystem` is not true. Windows has no such setting."""
    if on_windows(pod):
        return
    for container in pod.containers:
        if security_of(container).get("readOnlyRootFilesystem") is not True:
            message = f"{named(container)} can write to its root file system"
            yield Violation(field(container, "readOnlyRootFilesystem"), message)


def _id_cel(key: str) -> str:
    inherited = (
        f"(has(variables.spec.securityContext) && has(variables.spec.securityContext.{key})"
        f" ? variables.spec.securityContext.{key} : -1)"
    )
    return f"(has(c.securityContext) && has(c.securityContext.{key}) ? c.securityContext.{key} : {inherited})"


@pod_rule(
    id="user-id-low",
    title="Containers run as a user and a group that no node has",
    severity=Severity.LOW,
    category=Category.SECURITY,
    reason="A number below 10000 may belong to a user of the node, who then owns the same files and processes.",
    remedy="Set `runAsUser` and `runAsGroup` to 10000 or more in the Pod's securityContext, or `hostUsers: false`.",
    sources=("kube-score:container-security-context-user-group-id",),
    cel=f"{ON_WINDOWS} || {IN_USER_NAMESPACE} || variables.containers.all(c, {_id_cel('runAsUser')} == 0"
    f" || ({_id_cel('runAsUser')} >= {_LOWEST_ID} && {_id_cel('runAsGroup')} >= {_LOWEST_ID}))",
)
def user_id_low(pod: PodView, context: Context) -> Iterable[Violation]:
    """A user or group ID that is not set, or is below 10000. User 0 is left to run-as-root-user.

    An ID that containers inherit is reported once, on the Pod. Windows has no such IDs, and in a user namespace they
    are not the node's.
    """
    if on_windows(pod) or (in_user_namespace(pod) and context.version >= (1, 35)):
        return
    shared = mapping(pod.spec.get("securityContext"))
    told: set[str] = set()
    for container in pod.containers:
        own = {key: value for key, value in security_of(container).items() if value is not None}
        if own.get("runAsUser", shared.get("runAsUser")) == 0:
            continue
        missing = []
        for key, what in _IDS.items():
            value = own.get(key, shared.get(key))
            if value is None:
                missing.append(f"no {what} ID")
            elif isinstance(value, int) and value < _LOWEST_ID and key not in told:
                if key in own:
                    yield Violation(field(container, key), f"{named(container)} runs as {what} {value}")
                else:
                    told.add(key)
                    yield Violation((*pod.path, "securityContext", key), f"the Pod runs as {what} {value}")
        if missing:
            yield Violation((*container.path, "securityContext"), f"{named(container)} has {' and '.join(missing)}")


# Without CEL: the kind is OpenShift's, and the policies are tested on Kubernetes.
@rule(
    id="scc-privileged",
    title="SecurityContextConstraints allow no privileged container",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="Whoever may use such constraints can become root on the node.",
    remedy="Set `allowPrivilegedContainer: false`, and list what is needed in `allowedCapabilities`.",
    sources=("kube-linter:scc-deny-privileged-container",),
    kinds=("SecurityContextConstraints.security.openshift.io",),
)
def scc_privileged(item: Object, context: Context) -> Iterable[Violation]:
    """`allowPrivilegedContainer: true`."""
    if item.get("allowPrivilegedContainer") is True:
        yield Violation(("allowPrivilegedContainer",), "the constraints allow privileged containers")
