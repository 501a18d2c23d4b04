"""To whom roles are bound, and which roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.access import BUILT_IN_ROLES, cel_list
from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Severity, Violation
from slipway.rules.provided import find
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, namespace_of, text

__all__ = ["BINDINGS"]

BINDINGS = ("ClusterRoleBinding.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io")
_ROLE = "Role.rbac.authorization.k8s.io"
_CLUSTER_ROLE = "ClusterRole.rbac.authorization.k8s.io"
_EVERYBODY_GROUPS = ("system:authenticated", "system:serviceaccounts", "system:unauthenticated")
_ANONYMOUS = "system:anonymous"
_DEFAULT = "default"
_READS_AUTHENTICATION = "extension-apiserver-authentication-reader"
_BUILT_IN = (
    "object.metadata.name.startsWith('system:') || "
    "(object.kind == 'ClusterRoleBinding' && object.metadata.name == 'cluster-admin')"
)


def _built_in(item: Object) -> bool:
    """Whether the API server itself made the binding."""
    name = text(dig(item, "metadata", "name"))
    return name.startswith("system:") or (item.get("kind") == "ClusterRoleBinding" and name == "cluster-admin")


def _made_by_api_server(namespace: str, name: str) -> bool:
    """Whether the API server makes the Role in every cluster (plugin/pkg/auth/authorizer/rbac/bootstrappolicy)."""
    if namespace not in ("kube-public", "kube-system"):
        return False
    return name.startswith("system:") or (namespace == "kube-system" and name == _READS_AUTHENTICATION)


def _subjects(item: Object) -> Iterator[tuple[int, dict[str, Any]]]:
    return iter(()) if _built_in(item) else entries(item.get("subjects"))


def _passes(condition: str) -> str:
    """CEL: no subject of the binding meets the condition."""
    return f"{_BUILT_IN} || !has(object.subjects) || !object.subjects.exists(s, {condition})"


@rule(
    id="cluster-admin-binding",
    title="Nobody is bound to cluster-admin",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="cluster-admin may do everything; whoever takes over one such subject has the cluster.",
    remedy="Bind a role that names what the subject needs.",
    sources=(
        "kube-linter:cluster-admin-role-binding",
        "polaris:clusterrolebindingClusterAdmin",
        "polaris:rolebindingClusterAdminClusterRole",
        "kubescape:C-0035",
        "CIS:5.1.1",
    ),
    kinds=BINDINGS,
    cel=f"{_BUILT_IN} || object.roleRef.kind != 'ClusterRole' || object.roleRef.name != 'cluster-admin'",
)
def cluster_admin_binding(item: Object, context: Context) -> Iterable[Violation]:
    """A binding to the ClusterRole cluster-admin, but for the one that every API server makes."""
    if _built_in(item) or dig(item, "roleRef", "kind") != "ClusterRole":
        return ()
    if dig(item, "roleRef", "name") != "cluster-admin":
        return ()
    return [Violation(("roleRef", "name"), "the subjects may do everything")]


@rule(
    id="rbac-everybody-bound",
    title="Roles are bound to somebody in particular",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="The right belongs to everybody who reaches the API server, or to every Pod of the cluster.",
    remedy="Bind the role to a ServiceAccount, a user or a group of people.",
    sources=("kubernetes:rbac-good-practices", "CIS:5.1.1"),
    kinds=BINDINGS,
    cel=_passes(
        f"(s.kind == 'Group' && s.name in {cel_list(_EVERYBODY_GROUPS)}) || "
        f"(s.kind == 'User' && s.name == '{_ANONYMOUS}')"
    ),
)
def rbac_everybody_bound(item: Object, context: Context) -> Iterable[Violation]:
    """A binding to the anonymous user, or to all callers with, without, or by ServiceAccount."""
    for index, subject in _subjects(item):
        kind, name = subject.get("kind"), subject.get("name")
        if (kind == "Group" and name in _EVERYBODY_GROUPS) or (kind == "User" and name == _ANONYMOUS):
            yield Violation(("subjects", index), f"'{name}' is everybody")


@rule(
    id="rbac-default-account-bound",
    title="Rights go to ServiceAccounts of their own",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Every Pod of the namespace that names no ServiceAccount gets the right too.",
    remedy="Make a ServiceAccount for the application, and bind that.",
    sources=("CIS:5.1.5", "kyverno:restrict-binding-to-default"),
    kinds=BINDINGS,
    cel=_passes(f"s.kind == 'ServiceAccount' && s.name == '{_DEFAULT}'"),
)
def rbac_default_account_bound(item: Object, context: Context) -> Iterable[Violation]:
    """A binding to the ServiceAccount `default`."""
    for index, subject in _subjects(item):
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == _DEFAULT:
            yield Violation(("subjects", index), "the ServiceAccount 'default' belongs to every Pod")


@rule(
    id="role-does-not-exist",
    title="Bindings name a role that exists",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="The subjects lack the rights, and get whatever somebody later puts into a role of that name.",
    remedy="Add the role, or correct its name and kind in `roleRef`.",
    sources=(
        "polaris:rolebindingRolePodExecAttach",
        "polaris:rolebindingClusterRolePodExecAttach",
        "polaris:clusterrolebindingPodExecAttach",
    ),
    kinds=BINDINGS,
    whole_set=True,
)
def role_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A Role that the namespace has not. ClusterRoles may be the platform's: only read ones are known."""
    kind, name = dig(item, "roleRef", "kind"), text(dig(item, "roleRef", "name"))
    if _built_in(item) or kind not in ("Role", "ClusterRole"):
        return ()
    if kind == "ClusterRole":
        if name.startswith("system:") or name in BUILT_IN_ROLES or find(context.objects, _CLUSTER_ROLE, "", name):
            return ()
        raise NotAssessed(f"ClusterRole '{name}' may be among the objects that were not read")
    if _made_by_api_server(namespace_of(item), name) or find(context.objects, _ROLE, namespace_of(item), name):
        return ()
    if not context.complete:
        raise NotAssessed(f"Role '{name}' may be among the objects that were not read")
    return [Violation(("roleRef", "name"), f"there is no Role '{name}' in the namespace, in what was read")]


@rule(
    id="binding-subject-does-not-exist",
    title="Bindings name ServiceAccounts that exist",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="The right waits for whoever makes a ServiceAccount of that name.",
    remedy="Correct the subject's name and namespace, or remove it.",
    sources=("slipway:binding-subject",),
    kinds=BINDINGS,
    whole_set=True,
)
def binding_subject_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A ServiceAccount that its namespace has not, where ServiceAccounts of that namespace were read."""
    unknown = ""
    for index, subject in _subjects(item):
        name = text(subject.get("name"))
        if subject.get("kind") != "ServiceAccount" or name == _DEFAULT:
            continue
        namespace = text(subject.get("namespace")) or namespace_of(item)
        if find(context.objects, "ServiceAccount", namespace, name):
            continue
        if context.complete and namespace == namespace_of(item):
            yield Violation(
                ("subjects", index), f"there is no ServiceAccount '{name}' in the namespace, in what was read"
            )
        else:
            unknown = f"ServiceAccount '{name}' of namespace '{namespace}' may be among the objects that were not read"
    if unknown:
        raise NotAssessed(unknown)
