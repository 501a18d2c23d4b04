"""What a rule is, what it may find, and what it is given to look at.

A rule is a pure function from an object (and, for some, from the set of objects read with it) to violations. The
same function stands behind `slipway validate`, `slipway score` and the CrossGuard pack; its CEL expression, where it
has one, stands behind the admission policy and must give the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.rules.context import Context

__all__ = ["Category", "Check", "NotAssessed", "Object", "Path", "Rule", "Severity", "Violation", "format_path"]

Object = dict[str, Any]
Path = tuple[str | int, ...]


class Severity(StrEnum):
    """How bad a violation is. `advisory` is shown and costs nothing."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ADVISORY = "advisory"

    @property
    def rank(self) -> int:
        """0 for advisory, up to 4 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(reversed(list(Severity)))}


class Category(StrEnum):
    """The part of the score that a rule belongs to."""

    SCHEMA = "schema"
    SECURITY = "security"
    PRODUCTION = "production"
    RESOURCES = "resources"


class NotAssessed(Exception):
    """A rule cannot decide with what it was given. This lowers the score; it never counts as a pass."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault: where in the object, and what is wrong there in one clause."""

    path: Path
    message: str


Check = Callable[[Any, "Context"], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, written once for every gate."""

    id: str
    title: str
    """What holds when all is well."""
    severity: Severity
    category: Category
    reason: str
    remedy: str
    sources: tuple[str, ...]
    """Where the rule comes from: `<tool or standard>:<its name there>`."""
    kinds: frozenset[str]
    """The GroupKinds it reads, as kubectl writes them (`Deployment.apps`, `Service`); `pulumi:<token>`."""
    check: Check
    reads_pod: bool = False
    """The check is given a `PodView` instead of the object."""
    whole_set: bool = False
    """The check looks at other objects too, so it runs when all of them have been read."""
    cel: str = ""
    """True when the object passes. Empty where CEL cannot say exactly the same."""
    environments: tuple[str, ...] = ()
    """Where it applies; everywhere when empty."""
    severity_in: Mapping[str, Severity] = field(default_factory=dict)
    """Where an environment takes it more or less seriously."""

    def severity_for(self, environment: str) -> Severity:
        """The severity in `environment`."""
        return self.severity_in.get(environment, self.severity)

    def applies_in(self, environment: str) -> bool:
        """Whether the rule is asked at all; an unknown environment (`""`) gets every rule."""
        return not environment or not self.environments or environment in self.environments


def format_path(path: Path) -> str:
    """The path as `kubectl explain` and jq users write it: `spec.containers[0].image`, `labels['a.b/c']`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"['{part}']"
    return text
