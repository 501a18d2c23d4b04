"""What a Namespace says of itself: the security of its Pods, and who answers for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.rules.access import cel_list
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import annotations_of, labels_of, name_of, text

__all__: list[str] = []

_ENFORCE = "pod-security.kubernetes.io/enforce"
_LEVELS = ("baseline", "restricted")
# The API server makes these, so no manifest does.
_SYSTEM = ("default", "kube-node-lease", "kube-public", "kube-system")
_OWNER = ("slipway.dev/owner", "owner")
_CONTACT = ("slipway.dev/contact", "email")
_EMAIL_PATTERN = "[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+([.][a-zA-Z0-9-]+)+"
_EMAIL = re.compile(_EMAIL_PATTERN)
_NOT_EMPTY = " != ''"
_IS_EMAIL = f".matches(r'^{_EMAIL_PATTERN}$')"
_IS_SYSTEM = f"object.metadata.name in {cel_list(_SYSTEM)}"


def _cel_annotated(keys: Iterable[str], test: str) -> str:
    """CEL: one of the annotations is there and passes the test, which is written behind it."""
    value = "object.metadata.annotations['{}']"
    there = "has(object.metadata.annotations) && '{}' in object.metadata.annotations && "
    return " || ".join(f"({there.format(key)}{value.format(key)}{test})" for key in keys)


@rule(
    id="namespace-pod-security-missing",
    title="Namespaces enforce a Pod Security level",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Without a level the API server admits every Pod, privileged ones too.",
    remedy=f"Label the Namespace `{_ENFORCE}: restricted` (or baseline).",
    sources=("kubernetes:pod-security-standards", "CIS:5.2.1"),
    kinds=("Namespace",),
    cel=(
        f"{_IS_SYSTEM} || (has(object.metadata.labels) && '{_ENFORCE}' in object.metadata.labels && "
        f"object.metadata.labels['{_ENFORCE}'] in {cel_list(_LEVELS)})"
    ),
)
def namespace_pod_security_missing(item: Object, context: Context) -> Iterable[Violation]:
    """No level, one that is none, or `privileged`, which refuses nothing."""
    if name_of(item) in _SYSTEM:
        return ()
    level = labels_of(item).get(_ENFORCE)
    if level in _LEVELS:
        return ()
    if level is None:
        return [Violation(("metadata",), f"the label {_ENFORCE} is missing")]
    return [Violation(("metadata", "labels", _ENFORCE), f"the level '{level}' keeps nothing out")]


@rule(
    id="namespace-owner-missing",
    title="Namespaces name their owner and a contact",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="When something in it fails at night, somebody must know whom to call.",
    remedy="Annotate the Namespace with slipway.dev/owner and slipway.dev/contact, an e-mail address.",
    sources=("kube-linter:required-label-owner", "kube-linter:required-annotation-email"),
    kinds=("Namespace",),
    cel=(f"{_IS_SYSTEM} || (({_cel_annotated(_OWNER, _NOT_EMPTY)}) && ({_cel_annotated(_CONTACT, _IS_EMAIL)}))"),
)
def namespace_owner_missing(item: Object, context: Context) -> Iterable[Violation]:
    """No owner, or no address of theirs."""
    if name_of(item) in _SYSTEM:
        return
    annotations = annotations_of(item)
    path: Path = ("metadata",)
    if not any(text(annotations.get(key)) for key in _OWNER):
        yield Violation(path, f"the annotation {_OWNER[0]} is missing")
    if not any(_EMAIL.fullmatch(text(annotations.get(key))) for key in _CONTACT):
        yield Violation(path, f"no annotation {_CONTACT[0]} holds an e-mail address")
