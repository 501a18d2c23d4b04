"""The report for a person at a terminal or in a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slipway.checks.model import Checked, Outcome
from slipway.reports.plain import visible
from slipway.reports.summary import charts, excuse, many, sentence, verdict, where
from slipway.rules import Category, Finding, Rule, Severity, Skipped
from slipway.score import CAP, SHARES, WEIGHTS, Part

__all__ = ["STYLES", "print_explanation", "print_findings", "print_scores"]

STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.ADVISORY: "dim",
}
_NAMES = {
    Category.SCHEMA: "schema compliance",
    Category.SECURITY: "security",
    Category.PRODUCTION: "production readiness",
    Category.RESOURCES: "resource optimisation",
}
_WIDEST = max(len(severity) for severity in Severity)
_FEW = 5
"""Of things that somebody reads to see what they are like."""
_AT_ONCE = 1000
"""Lines: single writes take longer, and all of them together memory."""
_Line = tuple[tuple[str, str], ...]
"""Pieces of text, each with its style."""


def print_findings(outcome: Outcome, console: Console) -> None:
    """Findings by set and object, then why each rule is there and what to do, then the numbers."""
    for checked in outcome.sets:
        _set(outcome, checked, console)
    _rules(outcome, console)
    _numbers(outcome, console)


def print_scores(outcome: Outcome, console: Console) -> None:
    """The five numbers of each set, and the least of each when there are several."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for heading in ("overall", *Category):
        table.add_column(str(heading), justify="right")
    for checked in outcome.sets:
        parts = [_graded(checked.score.parts[category].value) for category in Category]
        table.add_row(Text(visible(checked.title)), _graded(checked.score.overall), *parts)
    if len(outcome.sets) > 1:
        table.add_row(Text("the least of each", "bold"), *map(_graded, outcome.worst().values()))
    console.print(table)
    console.print()
    for checked in outcome.sets:
        if checked.score.capped:
            rules = ", ".join(checked.score.critical)
            console.print(Text(f"{visible(checked.title)}: held at {CAP} by critical findings of {rules}"), style="red")
        for category, part in checked.score.parts.items():
            if not part.rules:
                console.print(Text(f"{visible(checked.title)}: no rule of {_NAMES[category]} applies"), style="dim")
    console.print(Text(sentence(outcome.counts())))
    if outcome.target.minimums or not outcome.passed:
        _verdict(outcome, console)


def print_explanation(outcome: Outcome, console: Console) -> None:
    """The formula, and every lost point with the objects that lost it."""
    weights = ", ".join(f"{severity} {weight}" for severity, weight in WEIGHTS.items())
    shares = " + ".join(f"{share / 100:.2f} x {category}" for category, share in SHARES.items())
    console.print("[bold]The formula[/bold]")
    for line in (
        "a rule loses    weight x objects that fail it / objects that it was asked about",
        f"weights         {weights}",
        "a part          100 less what its rules lose, at least 0",
        f"overall         {shares}",
        f"the cap         {CAP} at most while a critical finding stands",
        "not assessed    counts as failed; with an unreadable file no part has a point",
    ):
        console.print(Text(f"  {line}"))
    for checked in outcome.sets:
        score = checked.score
        console.print()
        console.print(Text.assemble((visible(checked.title), "bold"), "  overall ", _graded(score.overall)))
        mean = " + ".join(f"{SHARES[c] / 100:.2f} x {score.parts[c].value:.2f}" for c in SHARES)
        console.print(Text(f"  {mean} = {score.before_cap:.2f}"))
        if score.critical:
            console.print(Text(f"  {CAP} at most: critical findings of {', '.join(score.critical)}"), style="red")
        for part in score.parts.values():
            _part(part, console)


def _set(outcome: Outcome, checked: Checked, console: Console) -> None:
    environment = f" ({checked.environment})" if checked.environment else ""
    counted = many(checked.report.objects, "object")
    title = Text.assemble((visible(checked.name), "bold"), f"{environment}: {counted}")
    shown = outcome.shown(checked)
    standing = [finding for finding in shown if finding.exemption is None]
    console.print(title.append("" if standing else ", no finding", "green"))
    _show(_standing(standing), console)
    _show((((line, "dim"),) for line in _excused(shown)), console)
    _show((((line, "yellow"),) for line in _not_assessed(checked.report.not_assessed)), console)
    _show((((line, "dim"),) for line in _left_out(checked.skipped)), console)
    console.print()


def _show(lines: Iterable[_Line], console: Console) -> None:
    """Print the lines as they are, however long. Rich takes a millisecond for each, so only where there are colours."""
    if console.color_system is not None:
        for line in lines:
            console.print(Text.assemble(*line), soft_wrap=True)
        return
    plain = ("".join([text for text, _ in line]) + "\n" for line in lines)
    while some := "".join(islice(plain, _AT_ONCE)):
        console.file.write(some)


def _standing(findings: Iterable[Finding]) -> Iterator[_Line]:
    for file, in_file in groupby(sorted(findings, key=_file_key), key=lambda finding: finding.file):
        if file:
            yield ((f"  {visible(file)}", "underline"),)
        for reference, of_object in groupby(in_file, key=lambda finding: finding.object):
            yield ((f"    {visible(reference)}", "bold"),)
            yield from _lines(list(of_object))


def _excused(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.exemption is not None:
            yield f"  exempted: {finding.rule} on {visible(finding.object)}: {excuse(finding.exemption)}"


def _not_assessed(skips: Iterable[Skipped]) -> Iterator[str]:
    """A line for each rule; below it the reasons, where there are several."""
    by_rule: dict[str, Counter[str]] = {}
    for skip in skips:
        by_rule.setdefault(skip.rule, Counter())[skip.reason] += 1
    for rule_id, reasons in by_rule.items():
        head = f"  not assessed: {rule_id} on {many(reasons.total(), 'object')}"
        if len(reasons) == 1:
            yield f"{head}: {visible(next(iter(reasons)))}"
            continue
        yield head
        for reason, number in reasons.most_common(_FEW):
            yield f"    {visible(reason)} ({number:,})"
        if len(reasons) > _FEW:
            yield f"    and {many(len(reasons) - _FEW, 'other reason')}"


def _left_out(skipped: Sequence[str]) -> Iterator[str]:
    """What was not read, but for kustomizations: what they make is."""
    lines = [line for line in skipped if not line.endswith(": a kustomization")]
    if lines:
        yield f"  skipped: {many(len(lines), 'file or folder', 'files and folders')}"
    # A chart is what somebody may miss.
    for line in sorted(lines, key=lambda line: not charts([line]))[:_FEW]:
        yield f"    {visible(line)}"
    if len(lines) > _FEW:
        yield f"    and {len(lines) - _FEW:,} more"
    if charts(lines):
        yield "    → helm template CHART | slipway validate -"


def _file_key(finding: Finding) -> tuple[str, str, str, int, int]:
    return finding.file, str(finding.object), finding.object.kind, -finding.severity.rank, finding.line or 0


def _lines(findings: list[Finding]) -> Iterator[_Line]:
    """A line for each finding of an object, with its path below. A table of thousands of objects would take minutes."""
    wide = max(len(finding.rule) for finding in findings)
    for finding in findings:
        head = f"    {finding.line or '':>4}  "
        severity = (f"{finding.severity.value:<{_WIDEST}}  ", STYLES[finding.severity])
        path = where(finding)
        indent = " " * (len(head) + _WIDEST + 2 + wide + 2)
        yield (head, "dim"), severity, (f"{finding.rule:<{wide}}  {visible(finding.message)}", "")
        if path:
            yield ((f"{indent}{path}", "dim"),)


def _rules(outcome: Outcome, console: Console) -> None:
    listed = {f.rule for checked in outcome.sets for f in outcome.shown(checked) if f.exemption is None}
    if not listed:
        return
    console.print("[bold]Why, and what to do[/bold]")
    for rule_id in sorted(listed, key=lambda name: (-outcome.rule(name).severity.rank, name)):
        rule: Rule = outcome.rule(rule_id)
        console.print(Text.assemble("  ", (rule.id, STYLES[rule.severity]), f"  {rule.title}"))
        console.print(Padding(Text(rule.reason), (0, 0, 0, 4), expand=False))
        console.print(Padding(Text(f"→ {rule.remedy}", "green"), (0, 0, 0, 4), expand=False))
    console.print()


def _numbers(outcome: Outcome, console: Console) -> None:
    if outcome.target.chosen:
        console.print(Text(f"rules: {visible(outcome.target.chosen)}", "dim"))
    if outcome.hidden:
        console.print(Text(f"{many(outcome.hidden, 'finding')} below {outcome.target.show} not listed", "dim"))
    console.print(Text(sentence(outcome.counts())))
    _verdict(outcome, console)


def _verdict(outcome: Outcome, console: Console) -> None:
    mark = "✓" if outcome.passed else "✗"
    console.print(Text(f"{mark} {verdict(outcome)}", "green" if outcome.passed else "bold red"))


def _part(part: Part, console: Console) -> None:
    words = f"  {_NAMES[part.category]}  "
    lost = "" if part.losses else f"  nothing lost, {many(part.rules, 'rule')} asked"
    console.print(Text.assemble(words, _graded(part.value), (lost, "dim")))
    for loss in part.losses:
        share = f"{loss.weight} x {loss.failing}/{loss.objects}"
        unsure = f", {many(loss.not_assessed, 'check')} not assessed" if loss.not_assessed else ""
        rule = (loss.rule, STYLES[loss.severity])
        console.print(Text.assemble(f"    {-float(loss.points):7.2f}  ", rule, f"  {loss.severity}, {share}{unsure}"))
        console.print(Padding(Text(", ".join(visible(ref) for ref in loss.where), "dim"), (0, 0, 0, 13), expand=False))


def _graded(value: float) -> Text:
    return Text(f"{value:.2f}", "green" if value >= 90 else "yellow" if value > CAP else "bold red")
