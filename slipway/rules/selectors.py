"""Labels and label selectors, as apimachinery reads them.

`LabelSelectorAsSelector` and the syntax of `IsLabelKey` and `IsLabelValue` (k8s.io/apimachinery v0.36). A selector
that is absent selects nothing, an empty one selects everything, and a malformed one is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from slipway.rules.model import Path
from slipway.rules.shape import listing, mapping, text

__all__ = ["EVERYTHING", "NOTHING", "InvalidSelector", "Requirement", "Selector", "equality", "key_fault", "parse",
           "value_fault"]  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_FORM = "has letters, digits, '-', '_' and '.', and starts and ends with a letter or digit"
_NAME_MAX = 63
_SUBDOMAIN_MAX = 253
_SETS = ("In", "NotIn")
_PRESENCE = ("Exists", "DoesNotExist")


@lru_cache(maxsize=65536)
def key_fault(key: str) -> str:
    """What is wrong with a label's key; empty when nothing is."""
    prefix, slash, name = key.rpartition("/")
    if slash:
        if not prefix:
            return "nothing stands before its '/'"
        if len(prefix) > _SUBDOMAIN_MAX or not _SUBDOMAIN.fullmatch(prefix):
            return f"its prefix '{prefix}' is no DNS subdomain"
    if not name:
        return "its name is empty"
    if len(name) > _NAME_MAX:
        return f"its name is longer than {_NAME_MAX} characters"
    return "" if _NAME.fullmatch(name) else f"a name {_FORM}"


@lru_cache(maxsize=65536)
def value_fault(value: str) -> str:
    """What is wrong with a label's value; empty when nothing is."""
    if len(value) > _NAME_MAX:
        return f"it is longer than {_NAME_MAX} characters"
    if value and not _NAME.fullmatch(value):
        return f"a value {_FORM}"
    return ""


class InvalidSelector(Exception):
    """The API server refuses the selector: where in it, and why."""

    def __init__(self, path: Path, fault: str) -> None:
        super().__init__(fault)
        self.path = path
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Requirement:
    """One of a selector's `matchExpressions`."""

    key: str
    operator: str
    """`In`, `NotIn`, `Exists` or `DoesNotExist`."""
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, Any]) -> bool:
        """Whether the labels satisfy it. `NotIn` holds for labels that lack the key."""
        if self.operator == "In":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "NotIn":
            return self.key not in labels or labels[self.key] not in self.values
        return (self.key in labels) == (self.operator == "Exists")


@dataclass(frozen=True)
class Selector:
    """What labels must be: equal pairs, and requirements. It selects everything when it holds neither."""

    equal: Mapping[str, str]
    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    @property
    def everything(self) -> bool:
        """Whether any labels match."""
        return not (self.nothing or self.equal or self.requirements)

    def matches(self, labels: Mapping[str, Any]) -> bool:
        """Whether the labels are selected."""
        if self.nothing:
            return False
        for key, value in self.equal.items():
            if labels.get(key) != value:
                return False
        return all(requirement.holds(labels) for requirement in self.requirements)

    def without(self, keys: Collection[str]) -> Selector:
        """The selector without what it says of these keys."""
        if self.nothing or not (keys & self.equal.keys() or any(r.key in keys for r in self.requirements)):
            return self
        equal = {key: value for key, value in self.equal.items() if key not in keys}
        return Selector(equal, tuple(r for r in self.requirements if r.key not in keys))

    def __str__(self) -> str:
        if self.nothing:
            return "(none)"
        parts = [f"{key}={value}" for key, value in self.equal.items()]
        for requirement in self.requirements:
            values = f" ({', '.join(requirement.values)})" if requirement.values else ""
            parts.append(f"{requirement.key} {requirement.operator}{values}")
        return ", ".join(parts)


EVERYTHING = Selector({})
NOTHING = Selector({}, nothing=True)


def equality(labels: Any) -> Selector:
    """The selector of a Service or a ReplicationController: plain pairs. Without pairs it selects nothing."""
    pairs = _pairs(labels)
    return Selector(pairs) if pairs else NOTHING


def parse(selector: Any) -> Selector:
    """The selector that a `LabelSelector` writes down. Raises `InvalidSelector` where the API server refuses it."""
    if not isinstance(selector, dict):
        return NOTHING
    equal = _pairs(selector.get("matchLabels"))
    for key, value in equal.items():
        if fault := key_fault(key):
            raise InvalidSelector(("matchLabels", key), f"'{key}' is no label key: {fault}")
        if fault := value_fault(value):
            raise InvalidSelector(("matchLabels", key), f"'{value}' is no label value: {fault}")
    expressions = listing(selector.get("matchExpressions"))
    return Selector(equal, tuple(_requirement(index, item) for index, item in enumerate(expressions)))


def _requirement(index: int, item: Any) -> Requirement:
    where: Path = ("matchExpressions", index)
    key, operator = text(mapping(item).get("key")), text(mapping(item).get("operator"))
    values = tuple(value for value in listing(mapping(item).get("values")) if isinstance(value, str))
    if operator not in _SETS and operator not in _PRESENCE:
        raise InvalidSelector((*where, "operator"), f"'{operator}' is none of {', '.join((*_SETS, *_PRESENCE))}")
    if fault := key_fault(key):
        raise InvalidSelector((*where, "key"), f"'{key}' is no label key: {fault}")
    if operator in _SETS and not values:
        raise InvalidSelector((*where, "values"), f"'{operator}' has no values")
    if operator in _PRESENCE and values:
        raise InvalidSelector((*where, "values"), f"'{operator}' takes no values")
    for at, fault in _faults(values):
        raise InvalidSelector((*where, "values", at), f"'{values[at]}' is no label value: {fault}")
    return Requirement(key, operator, values)


def _faults(values: Iterable[str]) -> Iterable[tuple[int, str]]:
    return ((at, fault) for at, value in enumerate(values) if (fault := value_fault(value)))


def _pairs(labels: Any) -> dict[str, str]:
    # YAML writes `version: 1` as a number. The schema check says so; here it is a label that nothing carries.
    return {key: value if isinstance(value, str) else str(value) for key, value in mapping(labels).items()
            if isinstance(key, str) and value is not None}  # fmt: skip
