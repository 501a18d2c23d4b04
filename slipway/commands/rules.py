"""`slipway rules`: what is checked, why, and by example."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from slipway.commands.shared import Json
from slipway.console import err, out, print_json
from slipway.errors import CheckFailed, UsageError

if TYPE_CHECKING:
    from slipway.rules import Rule
    from slipway.rules.cases import Case

app = typer.Typer(help="The rules: list them, explain one, run their own examples.", no_args_is_help=True)

__all__ = ["CategoryName", "SeverityName", "app", "complete_rule", "named"]


class SeverityName(StrEnum):
    """The severities; the rule library itself is imported by the commands that need it."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    ADVISORY = "advisory"


class CategoryName(StrEnum):
    """The parts of the score."""

    SCHEMA = "schema"
    SECURITY = "security"
    PRODUCTION = "production"
    RESOURCES = "resources"


class GateName(StrEnum):
    """Where a rule is asked."""

    FILES = "files"
    PULUMI = "pulumi"
    ADMISSION = "admission"


def complete_rule(incomplete: str) -> list[str]:
    """The ids that begin so, for the shell."""
    from slipway.rules import RULES

    return [rule_id for rule_id in sorted(RULES) if rule_id.startswith(incomplete)]


def complete_kind(incomplete: str) -> list[str]:
    """The kinds that rules are about, for the shell."""
    from slipway.rules import RULES

    kinds = {kind for rule in RULES.values() for kind in rule.kinds}
    return sorted(kind for kind in kinds if kind.startswith(incomplete))


def named(rule_id: str) -> Rule:
    """The rule. Raises `UsageError` (UNKNOWN_RULE), which names what may have been meant."""
    from slipway.checks import READING
    from slipway.rules import find

    if rule_id in READING:
        return READING[rule_id]
    try:
        return find(rule_id)
    except LookupError as unknown:
        raise UsageError(str(unknown), code="UNKNOWN_RULE", remedy="slipway rules list") from unknown


RuleId = Annotated[str, typer.Argument(help="The rule's id.", metavar="ID", autocompletion=complete_rule)]
RuleIds = Annotated[
    list[str] | None,
    typer.Argument(help="The rules; all when none is named.", metavar="ID", autocompletion=complete_rule),
]


@app.command("list")
def list_rules(
    category: Annotated[CategoryName | None, typer.Option(help="Only this part of the score.")] = None,
    severity: Annotated[SeverityName | None, typer.Option(help="Only this severity.")] = None,
    kind: Annotated[
        str,
        typer.Option(help="Only rules about this kind: Deployment, Service, pulumi:...", autocompletion=complete_kind),
    ] = "",
    gate: Annotated[GateName | None, typer.Option(help="Only rules that are asked at this gate.")] = None,
    as_json: Json = False,
) -> None:
    """List the rules.

    Examples:

      slipway rules list --category security --severity critical

      slipway rules list --kind Service

      slipway rules list --gate admission --json
    """
    from slipway.checks.describe import gates, rule_as_dict
    from slipway.rules import RULES

    chosen = [
        rule
        for rule in sorted(RULES.values(), key=lambda r: (list(CategoryName).index(CategoryName(r.category)), r.id))
        if (category is None or rule.category == category.value)
        and (severity is None or rule.severity == severity.value)
        and (not kind or _about(rule, kind))
        and (gate is None or gate.value in gates(rule))
    ]
    if as_json:
        print_json([rule_as_dict(rule) for rule in chosen])
    else:
        _print_list(chosen)
    if not chosen:
        raise CheckFailed("no rule is of that kind", code="NO_RULE", remedy="slipway rules list, without options")


@app.command()
def show(rule_id: RuleId, as_json: Json = False) -> None:
    """Explain a rule: why it is there, what to do, where it comes from, and what fails and passes it.

    Example:

      slipway rules show memory-limit-missing
    """
    from slipway.checks.describe import rule_as_dict
    from slipway.rules.cases import cases

    rule = named(rule_id)
    examples = cases(rule_id)
    failing = next((case for case in examples if not case.passes), None)
    passing = next((case for case in examples if case.passes and set(case.edits) - {"why"}), None)
    if as_json:
        shown = {"failing": failing, "passing": passing}
        print_json(rule_as_dict(rule) | {name: _example(case) for name, case in shown.items() if case is not None})
        return
    _print_rule(rule)
    for title, case in (("fails", failing), ("passes", passing)):
        if case is not None:
            out.print()
            out.print(f"[bold]This {title}[/bold]: {escape(case.why)}")
            _print_diff(case)


@app.command("test")
def examples(rule_ids: RuleIds = None, as_json: Json = False) -> None:
    """Run the rules' own examples: each failing one must fail its rule and no other, each passing one none.

    Examples:

      slipway rules test

      slipway rules test memory-limit-missing image-tag-mutable
    """
    from slipway.checks.describe import run_examples
    from slipway.checks.schemas import known_schemas
    from slipway.rules import DEFAULT_VERSION, RULES

    chosen = [named(rule_id).id for rule_id in rule_ids or sorted(RULES)]
    schemas = known_schemas(DEFAULT_VERSION) if any(rule_id.startswith("schema-") for rule_id in chosen) else None
    results = {rule_id: run_examples(rule_id, schemas) for rule_id in chosen}
    ran = sum(number for number, _ in results.values())
    wrong = {rule_id: texts for rule_id, (_, texts) in results.items() if texts}
    if as_json:
        print_json({"rules": len(chosen), "cases": ran, "failed": wrong})
    else:
        for rule_id, texts in wrong.items():
            err.print(f"[red]✗[/red] {rule_id}")
            for text in texts:
                err.print(f"    {text}", markup=False)
        out.print(f"{len(chosen) - len(wrong)} of {len(chosen)} rules pass, {ran} cases")
    if wrong:
        raise typer.Exit(1)


def _about(rule: Rule, kind: str) -> bool:
    wanted = kind.lower()
    return any(wanted in (name.lower(), name.lower().split(".")[0]) for name in rule.kinds)


def _kinds(rule: Rule) -> str:
    from slipway.rules.pods import POD_KINDS

    if rule.kinds == POD_KINDS:
        return "everything that makes Pods"
    return ", ".join("every kind" if kind == "*" else kind for kind in sorted(rule.kinds)) or "exemptions"


def _print_list(rules: list[Rule]) -> None:
    from rich.table import Table

    from slipway.checks.describe import gates
    from slipway.reports.text import STYLES

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("rule", "severity", "part", "gates", "what holds when all is well"):
        table.add_column(column)
    for rule in rules:
        severity = f"[{STYLES[rule.severity]}]{rule.severity}[/]"
        table.add_row(rule.id, severity, rule.category, " ".join(gates(rule)), escape(rule.title))
    out.print(table)
    out.print(f"{len(rules)} rules")


def _print_rule(rule: Rule) -> None:
    from slipway.checks import READING
    from slipway.checks.describe import gates
    from slipway.reports.text import STYLES
    from slipway.score import UNREAD, WEIGHTS

    cost = "every point" if rule.id == UNREAD else f"up to {WEIGHTS[rule.severity]} points"

    out.print(f"[bold]{rule.id}[/bold]: {escape(rule.title)}")
    out.print(f"[{STYLES[rule.severity]}]{rule.severity}[/], {rule.category}, costs {cost}")
    for environment, severity in rule.severity_in.items():
        out.print(f"in {environment}: {severity}")
    out.print()
    out.print(rule.reason, markup=False)
    out.print(f"→ {rule.remedy}", markup=False, style="green")
    out.print()
    rows = {
        "about": _kinds(rule) + (f", in {', '.join(rule.environments)}" if rule.environments else ""),
        "asked of": ", ".join(gates(rule)) + ("; needs all objects of an application" if rule.whole_set else ""),
        "sources": ", ".join(rule.sources),
    }
    if rule.id not in READING:
        rows["exempt by"] = f'exempt.slipway.dev/{rule.id}: "<reason> until=YYYY-MM-DD"'
    if rule.cel:
        rows["CEL"] = rule.cel
    for name, text in rows.items():
        out.print(f"{name:<10}{text}", markup=False)


def _example(case: Case) -> dict[str, Any]:
    from slipway.checks.describe import diff

    return {"why": case.why, "diff": diff(case), "findings": case.expected, "environment": case.environment}


def _print_diff(case: Case) -> None:
    from slipway.checks.describe import diff

    colours = {"+": "green", "-": "red", "@": "dim"}
    for line in diff(case):
        out.print(f"  {line}", markup=False, style=colours.get(line[:1]))
    for place in case.expected:
        out.print(f"  found at {place}", markup=False)
