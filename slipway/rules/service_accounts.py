"""As whom Pods speak to the API server."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import Category, NotAssessed, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.provided import find
from slipway.rules.registry import pod_rule
from slipway.rules.role_bindings import BINDINGS
from slipway.rules.shape import entries, mapping, namespace_of, text

__all__: list[str] = []

_DEFAULT = "default"
_AUTOMOUNT = "automountServiceAccountToken"


def _account(pod: PodView) -> str:
    """The ServiceAccount that the Pod names, by the field's old name too."""
    return text(pod.spec.get("serviceAccountName")) or text(pod.spec.get("serviceAccount"))


@pod_rule(
    id="default-service-account",
    title="Pods have a ServiceAccount of their own",
    severity=Severity.LOW,
    category=Category.SECURITY,
    reason="A right that `default` is given belongs to every Pod of the namespace; in audit logs all look alike.",
    remedy="Make a ServiceAccount for the application and name it in `serviceAccountName`.",
    sources=("kube-linter:default-service-account", "CIS:5.1.5"),
    cel=(
        "(has(variables.spec.serviceAccountName) && variables.spec.serviceAccountName != '') ? "
        "variables.spec.serviceAccountName != 'default' : (has(variables.spec.serviceAccount) && "
        "!(variables.spec.serviceAccount in ['', 'default']))"
    ),
)
def default_service_account(pod: PodView, context: Context) -> Iterable[Violation]:
    """No ServiceAccount, or `default`."""
    if _account(pod) in ("", _DEFAULT):
        return [Violation(pod.path, "the Pod runs as the ServiceAccount 'default'")]
    return ()


@pod_rule(
    id="service-account-field-deprecated",
    title="Pods name their ServiceAccount by its present field",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="`serviceAccount` is an old name of `serviceAccountName`; where both are set, it is ignored.",
    remedy="Write `serviceAccountName`.",
    sources=("kube-linter:deprecated-service-account-field",),
)
def service_account_field_deprecated(pod: PodView, context: Context) -> Iterable[Violation]:
    """The old field alone, or at odds with the new one. The API server writes both, alike."""
    old = pod.spec.get("serviceAccount")
    if not old or old == pod.spec.get("serviceAccountName"):
        return ()
    return [Violation((*pod.path, "serviceAccount"), "`serviceAccount` is deprecated")]


@pod_rule(
    id="service-account-does-not-exist",
    title="Pods run as a ServiceAccount that exists",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="No Pod of the workload is created.",
    remedy="Add the ServiceAccount, or correct the name.",
    sources=("kube-linter:non-existent-service-account",),
    whole_set=True,
)
def service_account_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A ServiceAccount that the namespace has not. `default` is in every namespace."""
    name = _account(pod)
    if name in ("", _DEFAULT) or find(context.objects, "ServiceAccount", namespace_of(pod.object), name):
        return ()
    if not context.complete:
        raise NotAssessed(f"ServiceAccount '{name}' may be among the objects that were not read")
    field = "serviceAccountName" if text(pod.spec.get("serviceAccountName")) else "serviceAccount"
    return [Violation((*pod.path, field), f"there is no ServiceAccount '{name}' in the namespace")]


_BOUND: WeakKeyDictionary[ObjectSet, set[tuple[str, str]]] = WeakKeyDictionary()


def _bound(objects: ObjectSet) -> set[tuple[str, str]]:
    """The ServiceAccounts that some binding gives rights, by namespace and name."""
    found = _BOUND.get(objects)
    if found is None:
        found = _BOUND[objects] = set()
        for kind in BINDINGS:
            for binding in objects.of(kind):
                for _, subject in entries(binding.get("subjects")):
                    if subject.get("kind") == "ServiceAccount":
                        namespace = text(subject.get("namespace")) or namespace_of(binding)
                        found.add((namespace, text(subject.get("name"))))
    return found


@pod_rule(
    id="service-account-token-mounted",
    title="Only Pods that have rights get a token",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Whoever gets into a container reads the token and speaks to the API server with it.",
    remedy="Set `automountServiceAccountToken: false` in the Pod or in its ServiceAccount.",
    sources=("polaris:automountServiceAccountToken", "kubescape:C-0034", "CIS:5.1.6"),
    whole_set=True,
)
def service_account_token_mounted(pod: PodView, context: Context) -> Iterable[Violation]:
    """A token that neither the Pod nor its ServiceAccount declines, and that no binding gives any right."""
    wanted = pod.spec.get(_AUTOMOUNT)
    if wanted is False:
        return ()
    namespace, name = namespace_of(pod.object), _account(pod) or _DEFAULT
    if wanted is None:
        account = context.objects.get("ServiceAccount", namespace, name)
        if mapping(account).get(_AUTOMOUNT) is False:
            return ()
    if name != _DEFAULT and (namespace, name) in _bound(context.objects):
        return ()
    if not context.complete and name != _DEFAULT:
        raise NotAssessed(f"ServiceAccount '{name}' or its bindings may be among the objects that were not read")
    where = (*pod.path, _AUTOMOUNT) if wanted is not None else pod.path
    return [Violation(where, f"the token of ServiceAccount '{name}' is mounted, and no binding gives it a right")]
