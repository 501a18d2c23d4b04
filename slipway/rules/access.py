"""What Roles and ClusterRoles grant (kubernetes.io/docs/concepts/security/rbac-good-practices).

Each entry of `rules` is looked at by itself. An entry with a wildcard is `rbac-wildcard` and nothing else: the
wildcard is the one fault, whatever it happens to cover.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, text

__all__ = ["BUILT_IN_ROLES", "ROLES", "cel_list"]

ROLES = ("ClusterRole.rbac.authorization.k8s.io", "Role.rbac.authorization.k8s.io")
BUILT_IN_ROLES = ("admin", "cluster-admin", "edit", "view")
"""The ClusterRoles that every API server makes, besides those under `system:`."""
_CORE = ("",)
_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete", "deletecollection")
_RUN_PODS = ("cronjobs", "daemonsets", "deployments", "jobs", "pods", "replicasets", "replicationcontrollers",
             "statefulsets")  # fmt: skip
_ENTER_PODS = ("pods/attach", "pods/ephemeralcontainers", "pods/exec")
_ENTER_VERBS = ("create", "get", "patch", "update")
_WEBHOOKS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
_WEBHOOK_GROUPS = ("admissionregistration.k8s.io",)
_RBAC_GROUP = "rbac.authorization.k8s.io"
_ESCALATING = ("bind", "escalate")
_TOKENS = "serviceaccounts/token"
_WILDCARD = "*"


def cel_list(values: Iterable[str]) -> str:
    """A CEL list of texts."""
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


_BUILT_IN = (
    "object.metadata.name.startsWith('system:') || "
    f"(object.kind == 'ClusterRole' && object.metadata.name in {cel_list(BUILT_IN_ROLES)})"
)


def _built_in(item: Object) -> bool:
    """Whether the API server itself made the role."""
    name = text(dig(item, "metadata", "name"))
    return name.startswith("system:") or (item.get("kind") == "ClusterRole" and name in BUILT_IN_ROLES)


def _entries(item: Object) -> Iterator[tuple[int, dict[str, Any]]]:
    return iter(()) if _built_in(item) else entries(item.get("rules"))


def _wildcards(entry: dict[str, Any]) -> list[str]:
    keys = ("verbs", "resources", "apiGroups", "nonResourceURLs")
    return [key for key in keys if _WILDCARD in listing(entry.get(key))]


def _granted(entry: dict[str, Any], groups: Collection[str], resources: Collection[str], verbs: Collection[str]) -> str:
    """What of these the entry grants, as `verbs on resources`; empty when nothing, or by a wildcard."""
    if not any(resource in resources for resource in listing(entry.get("resources"))) or _wildcards(entry):
        return ""
    if groups and not any(group in groups for group in listing(entry.get("apiGroups"))):
        return ""
    done = [verb for verb in listing(entry.get("verbs")) if verb in verbs]
    on = [resource for resource in listing(entry.get("resources")) if resource in resources]
    return f"{', '.join(done)} on {', '.join(on)}" if done else ""


def _any_of(field: str, values: Iterable[str]) -> str:
    return f"(has(r.{field}) && r.{field}.exists(x, x in {cel_list(values)}))"


_WILDCARD_CEL = " || ".join(f"(has(r.{key}) && '*' in r.{key})"
                            for key in ("verbs", "resources", "apiGroups", "nonResourceURLs"))  # fmt: skip


def _passes(condition: str) -> str:
    """CEL: no entry of the rules meets the condition."""
    # An aggregated role is `rules: null` to the API server.
    return f"{_BUILT_IN} || !has(object.rules) || object.rules == null || !object.rules.exists(r, {condition})"


def _granted_cel(groups: Iterable[str], resources: Iterable[str], verbs: Iterable[str]) -> str:
    in_groups = f"{_any_of('apiGroups', groups)} && " if groups else ""
    return f"!({_WILDCARD_CEL}) && {in_groups}{_any_of('resources', resources)} && {_any_of('verbs', verbs)}"


@rule(
    id="rbac-wildcard",
    title="Roles name what they grant",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A wildcard also grants what does not exist yet: every kind and verb that a later version or operator adds.",
    remedy="List the API groups, resources and verbs that are used.",
    sources=(
        "kube-linter:wildcard-in-rules",
        "polaris:rolebindingClusterAdminRole",
        "kyverno:restrict-wildcard-verbs",
        "kyverno:restrict-wildcard-resources",
    ),
    kinds=ROLES,
    cel=_passes(_WILDCARD_CEL),
)
def rbac_wildcard(item: Object, context: Context) -> Iterable[Violation]:
    """`*` among the verbs, resources, groups or URLs of an entry."""
    for index, entry in _entries(item):
        if found := _wildcards(entry):
            yield Violation(("rules", index), f"'*' stands for all {', '.join(found)}")


@rule(
    id="rbac-secrets-access",
    title="Roles grant single Secrets, not all of them",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Whoever reads all Secrets of a namespace holds every account and password in it.",
    remedy="Mount what is needed into the Pod, or name the Secrets in `resourceNames`.",
    sources=("kube-linter:access-to-secrets", "CIS:5.1.2"),
    kinds=ROLES,
    cel=_passes(
        "(!has(r.resourceNames) || size(r.resourceNames) == 0) && "
        + _granted_cel(_CORE, ("secrets",), (*_READ, *_WRITE))
    ),
)
def rbac_secrets_access(item: Object, context: Context) -> Iterable[Violation]:
    """Any verb on Secrets, without their names."""
    for index, entry in _entries(item):
        if not listing(entry.get("resourceNames")) and (
            found := _granted(entry, _CORE, ("secrets",), (*_READ, *_WRITE))
        ):
            yield Violation(("rules", index), f"it grants {found}, whichever they are")


@rule(
    id="rbac-pods-create",
    title="Roles grant no making of Pods",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Who makes a Pod may run it as any ServiceAccount of the namespace and mount any of its Secrets.",
    remedy="Let the delivery platform make workloads; grant what the subject itself does.",
    sources=("kube-linter:access-to-create-pods", "CIS:5.1.4"),
    kinds=ROLES,
    cel=_passes(_granted_cel(("", "apps", "batch"), _RUN_PODS, ("create",))),
)
def rbac_pods_create(item: Object, context: Context) -> Iterable[Violation]:
    """`create` on Pods or on a kind that makes them."""
    for index, entry in _entries(item):
        if found := _granted(entry, ("", "apps", "batch"), _RUN_PODS, ("create",)):
            yield Violation(("rules", index), f"it grants {found}")


@rule(
    id="rbac-pods-exec",
    title="Roles grant no way into running Pods",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Whoever executes a command in a Pod has its Secrets, its token and its network.",
    remedy="Remove pods/exec, pods/attach and pods/ephemeralcontainers; read logs instead.",
    sources=(
        "polaris:clusterrolePodExecAttach",
        "polaris:rolePodExecAttach",
        "polaris:clusterrolebindingPodExecAttach",
        "polaris:rolebindingClusterRolePodExecAttach",
        "polaris:rolebindingRolePodExecAttach",
    ),
    kinds=ROLES,
    cel=_passes(_granted_cel(_CORE, _ENTER_PODS, _ENTER_VERBS)),
)
def rbac_pods_exec(item: Object, context: Context) -> Iterable[Violation]:
    """`create` (or `get`, by web socket) on exec and attach, or adding containers for debugging."""
    for index, entry in _entries(item):
        if found := _granted(entry, _CORE, _ENTER_PODS, _ENTER_VERBS):
            yield Violation(("rules", index), f"it grants {found}")


@rule(
    id="rbac-privilege-escalation",
    title="Roles grant no way to further rights",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="escalate, bind, impersonate and the making of tokens each lead to every right in the cluster.",
    remedy="Remove the verb, or say of whom in `resourceNames`.",
    sources=("kubernetes:rbac-good-practices", "CIS:5.1.8"),
    kinds=ROLES,
    cel=_passes(
        f"!({_WILDCARD_CEL}) && has(r.verbs) && has(r.resources) && size(r.resources) > 0 && "
        "(!has(r.resourceNames) || size(r.resourceNames) == 0) && "
        "(r.verbs.exists(v, v == 'impersonate' || v.startsWith('impersonate:') || v.startsWith('impersonate-on:')) || "
        f"({_any_of('apiGroups', (_RBAC_GROUP,))} && {_any_of('verbs', _ESCALATING)}) || "
        f"({_any_of('apiGroups', _CORE)} && '{_TOKENS}' in r.resources && 'create' in r.verbs))"
    ),
)
def rbac_privilege_escalation(item: Object, context: Context) -> Iterable[Violation]:
    """escalate or bind on roles, impersonate, or create on the tokens of ServiceAccounts; of no one in particular."""
    for index, entry in _entries(item):
        if (found := _escalation(entry)) and not _wildcards(entry):
            yield Violation(("rules", index), f"it grants {found}")


def _escalation(entry: dict[str, Any]) -> str:
    verbs, resources, groups = (listing(entry.get(key)) for key in ("verbs", "resources", "apiGroups"))
    if not resources or listing(entry.get("resourceNames")):
        return ""
    for verb in verbs:
        if isinstance(verb, str) and (verb == "impersonate" or verb.startswith(("impersonate:", "impersonate-on:"))):
            return verb
        if verb in _ESCALATING and _RBAC_GROUP in groups:
            return str(verb)
    return f"create on {_TOKENS}" if _TOKENS in resources and "create" in verbs and "" in groups else ""


@rule(
    id="rbac-nodes-proxy",
    title="Roles grant no access to the kubelets",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="nodes/proxy reaches the kubelet's API, which executes commands in every Pod of a node, past all admission.",
    remedy="Use nodes/metrics and nodes/stats.",
    sources=("kubernetes:rbac-good-practices",),
    kinds=ROLES,
    cel=_passes(_granted_cel(_CORE, ("nodes/proxy",), (*_READ, *_WRITE))),
)
def rbac_nodes_proxy(item: Object, context: Context) -> Iterable[Violation]:
    """Any verb on nodes/proxy."""
    for index, entry in _entries(item):
        if found := _granted(entry, _CORE, ("nodes/proxy",), (*_READ, *_WRITE)):
            yield Violation(("rules", index), f"it grants {found}")


@rule(
    id="rbac-webhooks-write",
    title="Roles grant no change of admission webhooks",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A webhook reads and rewrites every object that is admitted, Secrets included.",
    remedy="Leave webhooks to the platform; name the one in `resourceNames` that an operator renews.",
    sources=("kubernetes:rbac-good-practices",),
    kinds=ROLES,
    cel=_passes(
        "(!has(r.resourceNames) || size(r.resourceNames) == 0) && " + _granted_cel(_WEBHOOK_GROUPS, _WEBHOOKS, _WRITE)
    ),
)
def rbac_webhooks_write(item: Object, context: Context) -> Iterable[Violation]:
    """Writing webhook configurations, without their names."""
    for index, entry in _entries(item):
        if not listing(entry.get("resourceNames")) and (found := _granted(entry, _WEBHOOK_GROUPS, _WEBHOOKS, _WRITE)):
            yield Violation(("rules", index), f"it grants {found}")
