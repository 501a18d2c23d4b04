"""Which violations stop a preview or an update: `policies/enforcement.yaml`, read and checked.

environments:
  dev: advisory                                  # one level for every severity
  prod: {critical: mandatory, high: mandatory}   # the severities left out are advisory
rules:
  some-rule: disabled                            # in every environment
  another-rule: {prod: advisory}                 # the other environments as above
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from slipway.errors import UsageError
from slipway.rules import Rule, Severity

__all__ = ["Enforcement", "Level", "read_enforcement"]


class Level(StrEnum):
    """What a violation does: stop the engine, be shown, or nothing at all."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


_LEVELS = tuple(str(level) for level in Level)
_SEVERITIES = tuple(str(severity) for severity in Severity)


@dataclass(frozen=True)
class Enforcement:
    """The level of each severity in each environment, and the rules that differ from it."""

    environments: Mapping[str, Mapping[str, Level]]
    rules: Mapping[str, Mapping[str, Level]]
    """Rule id -> environment -> level."""
    file: str = ""

    def level(self, rule: Rule, environment: str) -> Level:
        """What a violation of `rule` does in `environment`, which is one of `environments`."""
        if (own := self.rules.get(rule.id, {}).get(environment)) is not None:
            return own
        return self.environments[environment].get(rule.severity_for(environment), Level.ADVISORY)


def read_enforcement(file: Path, rules: Iterable[str]) -> Enforcement:
    """Read the file. `rules` are the ids that it may name. Raises `UsageError` that names every mistake."""
    shown = f"{file.parent.name}/{file.name}"
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        what = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise UsageError(f"it cannot be read: {what}", code="BAD_ENFORCEMENT", where=shown) from None
    reader = _Reader(set(rules))
    found = reader.document(document)
    if reader.problems:
        text = reader.problems[0] if len(reader.problems) == 1 else "\n  - ".join(["", *reader.problems])
        remedy = f"levels: {', '.join(_LEVELS)}; severities: {', '.join(_SEVERITIES)}"
        raise UsageError(text, code="BAD_ENFORCEMENT", where=shown, remedy=remedy)
    return Enforcement(*found, file=shown)


class _Reader:
    """Reads the document and collects what is wrong with it, so that one edit repairs the file."""

    def __init__(self, rules: set[str]) -> None:
        self.problems: list[str] = []
        self._rules = rules

    def document(self, document: Any) -> tuple[dict[str, dict[str, Level]], dict[str, dict[str, Level]]]:
        sections = self._mapping(document, "the file", ("environments", "rules"))
        environments = {
            name: self._levels(value, f"environments.{name}", _SEVERITIES)
            for name, value in self._mapping(sections.get("environments"), "`environments`").items()
        }
        if not environments:
            self.problems.append("`environments` says nothing about any environment")
        entries = self._mapping(sections.get("rules") or {}, "`rules`", self._rules)
        rules = {name: self._levels(value, f"rules.{name}", tuple(environments)) for name, value in entries.items()}
        return environments, rules

    def _mapping(self, value: Any, what: str, allowed: Iterable[str] | None = None) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.problems.append(f"{what} is not a mapping")
            return {}
        if allowed is None:
            return {str(key): item for key, item in value.items()}
        known = set(allowed)
        self.problems += [f"{what} has an unknown key '{key}'{_near(str(key), known)}" for key in value
                          if key not in known]  # fmt: skip
        return {key: item for key, item in value.items() if key in known}

    def _levels(self, value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Level]:
        if not isinstance(value, dict):
            level = self._level(value, where)
            return {} if level is None else dict.fromkeys(keys, level)
        entries = self._mapping(value, f"`{where}`", keys)
        levels = {key: self._level(item, f"{where}.{key}") for key, item in entries.items()}
        return {key: level for key, level in levels.items() if level is not None}

    def _level(self, value: Any, where: str) -> Level | None:
        if value in _LEVELS:
            return Level(value)
        self.problems.append(f"`{where}` is {value!r}{_near(str(value), _LEVELS)}")
        return None


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
