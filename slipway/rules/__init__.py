"""The rule library: each rule once, for every gate.

`RULES` holds all of them. It is pure: nothing here reads a file, a cluster or the clock of its own accord, and it
imports nothing of ours, so that the Pulumi program, the policy pack and the command can all stand on it.
"""

from slipway.rules.context import DEFAULT_VERSION, Context, ObjectSet, Repository, Schemas, group_kind
from slipway.rules.engine import Engine, Finding, Located, ObjectRef, Report, Skipped
from slipway.rules.exemptions import ANNOTATION, Exemption
from slipway.rules.library import RULES, find
from slipway.rules.model import Category, NotAssessed, Object, Path, Rule, Severity, Violation, format_path

__all__ = [
    "ANNOTATION",
    "DEFAULT_VERSION",
    "RULES",
    "Category",
    "Context",
    "Engine",
    "Exemption",
    "Finding",
    "Located",
    "NotAssessed",
    "Object",
    "ObjectRef",
    "ObjectSet",
    "Path",
    "Report",
    "Repository",
    "Rule",
    "Schemas",
    "Severity",
    "Skipped",
    "Violation",
    "find",
    "format_path",
    "group_kind",
]
