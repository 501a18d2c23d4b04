"""What the API server's own decoding says: fields that it knows, of the types that it wants."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.api_versions import lifecycle
from slipway.rules.context import Context
from slipway.rules.model import Category, NotAssessed, Object, Severity, Violation
from slipway.rules.registry import rule

__all__: list[str] = []

_UNKNOWN = "unknown-field"


def _faults(item: Object, context: Context, *, unknown: bool) -> Iterable[Violation]:
    if context.schemas is None:
        raise NotAssessed("no schemas at hand")
    end = lifecycle(item)
    if end is not None and context.version >= (1, end.removed):
        return  # there is no schema of it any more, and `api-removed` says so
    for code, path, message in context.schemas.faults(item):
        if (code == _UNKNOWN) == unknown:
            yield Violation(path, message)


@rule(
    id="schema-invalid",
    title="Objects have the form that their kind prescribes",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object, so nothing of it is deployed.",
    remedy="Correct the field; `kubectl explain` shows what the kind expects.",
    sources=("kube-linter:schema-validation", "kubeconform:schema"),
    kinds=("*",),
)
def schema_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """Wrong types, missing fields and impossible values."""
    return _faults(item, context, unknown=False)


@rule(
    id="schema-unknown-field",
    title="Objects hold no field that their kind does not know",
    severity=Severity.HIGH,
    category=Category.SCHEMA,
    reason="The API server drops what it does not know, or refuses it: what was meant does not happen.",
    remedy="Correct the spelling or the place; `kubectl explain` lists the fields.",
    sources=("kubeconform:strict",),
    kinds=("*",),
)
def schema_unknown_field(item: Object, context: Context) -> Iterable[Violation]:
    """Fields that the schema does not have."""
    return _faults(item, context, unknown=True)
