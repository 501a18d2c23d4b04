"""Collects the rules as their modules are imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from slipway.rules.model import Category, Check, Rule, Severity
from slipway.rules.pods import POD_KINDS

__all__ = ["REGISTERED", "pod_rule", "rule"]

REGISTERED: dict[str, Rule] = {}
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NO_SEVERITIES: Mapping[str, Severity] = MappingProxyType({})


def rule(
    *,
    id: str,
    title: str,
    severity: Severity,
    category: Category,
    reason: str,
    remedy: str,
    sources: tuple[str, ...],
    kinds: Iterable[str],
    whole_set: bool = False,
    cel: str = "",
    environments: tuple[str, ...] = (),
    severity_in: Mapping[str, Severity] = _NO_SEVERITIES,
    _reads_pod: bool = False,
) -> Callable[[Check], Check]:
    """Register the function below as a rule about objects of `kinds`."""
    if not _ID.fullmatch(id) or id in REGISTERED:
        raise ValueError(f"rule id {id!r} is taken or is not kebab-case")
    if isinstance(kinds, str) or not sources:
        raise ValueError(f"rule {id}: `kinds` is a collection, and a rule comes from somewhere")

    def register(check: Check) -> Check:
        REGISTERED[id] = Rule(
            id=id,
            title=title,
            severity=severity,
            category=category,
            reason=reason,
            remedy=remedy,
            sources=sources,
            kinds=frozenset(kinds),
            check=check,
            reads_pod=_reads_pod,
            whole_set=whole_set,
            cel=cel,
            environments=environments,
            severity_in=severity_in,
        )
        return check

    return register


def pod_rule(
    *,
    id: str,
    title: str,
    severity: Severity,
    category: Category,
    reason: str,
    remedy: str,
    sources: tuple[str, ...],
    kinds: Iterable[str] = POD_KINDS,
    whole_set: bool = False,
    cel: str = "",
    environments: tuple[str, ...] = (),
    severity_in: Mapping[str, Severity] = _NO_SEVERITIES,
) -> Callable[[Check], Check]:
    """Register the function below as a rule about the Pods of every kind that makes them (or of `kinds`)."""
    return rule(
        id=id,
        title=title,
        severity=severity,
        category=category,
        reason=reason,
        remedy=remedy,
        sources=sources,
        kinds=kinds,
        whole_set=whole_set,
        cel=cel,
        environments=environments,
        severity_in=severity_in,
        _reads_pod=True,
    )
