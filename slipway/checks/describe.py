"""A rule as a person reads it: where it is asked, and its examples as a diff of YAML."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import Any

import yaml

from slipway.checks.model import READING
from slipway.rules import Object, Rule, group_kind
from slipway.rules.cases import Case, cases, failures, good_application
from slipway.rules.context import Schemas
from slipway.rules.shape import name_of

__all__ = ["Gate", "diff", "gates", "rule_as_dict", "run_examples"]

_SCHEMAS = "schema-"


class Gate(StrEnum):
    """Where a rule is asked."""

    FILES = "files"
    """`slipway validate` and `slipway score`: files, Git, live namespaces."""
    PULUMI = "pulumi"
    """The policy pack, at `pulumi preview` and `pulumi up`."""
    ADMISSION = "admission"
    """The API server, by an admission policy made from the rule's CEL."""


def gates(rule: Rule) -> list[Gate]:
    """The gates that ask the rule."""
    found = []
    if not rule.kinds or not all(kind.startswith("pulumi:") for kind in rule.kinds):
        found.append(Gate.FILES)
    # The provider checks the schema in a preview itself, and reads no files.
    if not rule.id.startswith(_SCHEMAS) and rule.id not in READING:
        found.append(Gate.PULUMI)
    if rule.cel:
        found.append(Gate.ADMISSION)
    return found


def rule_as_dict(rule: Rule) -> dict[str, Any]:
    """The rule as plain data."""
    return {
        "id": rule.id,
        "title": rule.title,
        "severity": rule.severity.value,
        "severity_in": {name: severity.value for name, severity in rule.severity_in.items()},
        "category": rule.category.value,
        "kinds": sorted(rule.kinds),
        "environments": list(rule.environments),
        "gates": [gate.value for gate in gates(rule)],
        "needs_the_whole_set": rule.whole_set,
        "reason": rule.reason,
        "remedy": rule.remedy,
        "sources": list(rule.sources),
        "cel": rule.cel,
    }


def diff(case: Case) -> list[str]:
    """What the case changes of the good application, as the lines of a unified diff of YAML."""
    alone = case.edits.get("only") == "added"
    before, after = _by_name([] if alone else good_application()), _by_name(case.objects())
    lines: list[str] = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old != new:
            titles = (name if old is not None else "nothing", name if new is not None else "nothing")
            lines += difflib.unified_diff(_yaml(old), _yaml(new), *titles, lineterm="")
    for path, content in case.edits.get("files", {}).items():
        lines += [f"+++ {path}", *(f"+{line}" for line in str(content).splitlines())]
    return lines


def run_examples(rule_id: str, schemas: Schemas | None = None) -> tuple[int, list[str]]:
    """How many examples the rule has, and what is wrong with any of them. Rules about schemas need `schemas`."""
    found = cases(rule_id)
    if not found:
        return 0, ["it has no examples"]
    own = schemas if rule_id.startswith(_SCHEMAS) else None
    return len(found), [
        f"{'pass' if case.passes else 'fail'} '{case.why}': {text}"
        for case in found
        for text in failures(case, schemas=own)
    ]


def _by_name(objects: list[Object]) -> dict[str, Object]:
    found: dict[str, Object] = {}
    for item in objects:
        name = f"{group_kind(item)} {name_of(item) or item.get('name', '')}"
        while name in found:
            name += " (another)"
        found[name] = item
    return found


def _yaml(item: Object | None) -> list[str]:
    return [] if item is None else yaml.safe_dump(item, sort_keys=False, width=120).splitlines()
