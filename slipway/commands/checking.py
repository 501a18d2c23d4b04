"""What `validate` and `score` do: read the targets, ask the rules, deliver the report."""

from __future__ import annotations

import datetime
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tools
from slipway.commands.places import APPS, base, commit_tree, exempt, names_within, once
from slipway.commands.progress import late_step
from slipway.commands.request import FailOn, Format, Request
from slipway.console import err, seconds
from slipway.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.checks import Outcome, Target
    from slipway.checks.run import Group, Judge
    from slipway.rules import Rule

__all__ = ["check", "deliver"]

Say = Callable[[str], None]
_VERSION = re.compile(r"v?(\d+)\.(\d+)(\.\d+)?")


def check(request: Request, minimums: Mapping[str, float] | None = None) -> Outcome:
    """Read what the request names and ask the rules. Raises `UsageError` for what cannot be asked."""
    _refuse_contradictions(request)
    from slipway.checks import Outcome
    from slipway.checks.parallel import no_collections
    from slipway.reports.summary import many

    rules, chosen = _rules(request)
    target = _target(request, chosen, minimums or {})
    # The rules look into the commit's files too, so they stay until all are asked.
    with no_collections(), late_step("checking") as running, commit_tree(request) as tree:
        judge, groups = _prepared(request, rules, target, tree, running.say)
        checked = []
        for group in groups:
            running.say(group.name)
            checked.append(judge.judge(group))
        sets = judge.settle(checked)
    counted = f"{many(sum(one.report.objects for one in sets), 'object')} in {many(len(sets), 'set')}"
    err.print(f"· {counted} checked in {seconds(running.elapsed)}", markup=False)
    return Outcome(sets, target, rules)


def _prepared(
    request: Request, rules: Mapping[str, Rule], target: Target, tree: Path | None, say: Say
) -> tuple[Judge, list[Group]]:
    from slipway.checks.run import Judge
    from slipway.checks.schemas import definitions_in, known_schemas

    crds = definitions_in(request.crds or ())
    # What the user names lies below the working folder; applications and commits, at the root.
    here = tree or (Path() if request.targets or base() == Path.cwd() else base())
    groups = list(_groups(request, here, tree, say))
    _refuse_nothing(request, groups)
    exempt(groups, request, here, tree)
    say("reading schemas")
    crds += [d.object for g in groups for d in g.documents if d.object.get("kind") == "CustomResourceDefinition"]
    schemas = known_schemas(target.version, crds)
    judge = Judge(rules, version=target.version, schemas=schemas, today=target.today)
    return judge, groups


def deliver(outcome: Outcome, request: Request, show: Callable[[Outcome, Console], None]) -> None:
    """Print the report, or write it to the file; text on the screen is `show`'s."""
    from slipway.reports import render, write
    from slipway.reports.summary import sentence, verdict

    form = request.form
    if request.output is not None and str(request.output) != "-":
        with late_step(f"writing {request.output}"):
            write(render(outcome, form.value), request.output)
        err.print(f"{request.output}: {sentence(outcome.counts())}; {verdict(outcome)}", markup=False)
    elif form is not Format.TEXT:
        with late_step(f"writing {form.value}"):
            report = render(outcome, form.value)
        sys.stdout.write(report)
    else:
        from rich.console import Console

        # A log has no width of its own; 80 columns would break every line.
        wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140
        show(outcome, Console(highlight=False, width=wide))


def _refuse_contradictions(request: Request) -> None:
    if request.live and (request.ref or request.targets):
        raise UsageError(
            "--live reads a namespace, and a target or --ref was given too",
            code="CONTRADICTION",
            remedy="run the command once for each",
        )
    if request.as_json and request.format not in (Format.TEXT, Format.JSON):
        raise UsageError(
            f"--json and --format {request.format.value} were both given", code="CONTRADICTION", remedy="choose one"
        )
    if (request.kubeconfig or request.context) and not request.live:
        raise UsageError(
            "--kubeconfig and --context belong to --live", code="CONTRADICTION", remedy="add --live NAMESPACE"
        )


def _refuse_nothing(request: Request, groups: list[Group]) -> None:
    """A gate that looked at nothing must not pass."""
    from slipway.reports.summary import charts

    for group in groups:
        if not group.objects and not group.problems and (found := charts(group.skipped)):
            raise UsageError(
                "a Helm chart: its templates are no manifests before Helm renders them",
                code="NOTHING_TO_CHECK",
                where=group.name,
                remedy=f"helm template {shlex.quote(found[0])} | slipway validate -",
            )
        if not group.objects and not group.problems:
            raise UsageError(
                "holds no Kubernetes object", code="NOTHING_TO_CHECK", where=group.name, remedy="name another target"
            )
    if not groups:
        where = " ".join(request.targets or [APPS])
        what = f"has no overlay for {request.env.value}" if request.env else "holds nothing to check"
        raise UsageError(what, code="NOTHING_TO_CHECK", where=where, remedy="name another target")


def _rules(request: Request) -> tuple[dict[str, Rule], str]:
    """The rules to ask, and how they were chosen."""
    from slipway.rules import RULES, find

    for rule_id in (*(request.rule or ()), *(request.skip or ())):
        try:
            find(rule_id)
        except LookupError as unknown:
            raise UsageError(str(unknown), code="UNKNOWN_RULE", remedy="slipway rules list") from unknown
    only, left_out = set(request.rule or RULES), set(request.skip or ())
    words = [f"only {', '.join(sorted(only))}"] if request.rule else []
    words += [f"without {', '.join(sorted(left_out))}"] if left_out else []
    rules = {rule_id: rule for rule_id, rule in RULES.items() if rule_id in only - left_out}
    _refuse_no_rule(rules, request.rule or ())
    return rules, ", ".join(words)


def _refuse_no_rule(rules: Mapping[str, Rule], named: Sequence[str]) -> None:
    """A gate that asks nothing must not pass."""
    from slipway.checks.describe import Gate, gates

    asked = [rule_id for rule_id, rule in rules.items() if Gate.FILES in gates(rule)]
    if elsewhere := [rule_id for rule_id in named if rule_id in rules and rule_id not in asked]:
        raise UsageError(
            f"{', '.join(elsewhere)}: asked of Pulumi resources, never of manifests",
            code="NO_RULE",
            remedy="slipway rules list --gate files",
        )
    if not asked:
        raise UsageError("no rule is left to ask", code="NO_RULE", remedy="name less with --skip")


def _target(request: Request, chosen: str, minimums: Mapping[str, float]) -> Target:
    from slipway.checks import Target
    from slipway.rules import DEFAULT_VERSION, Severity

    version = DEFAULT_VERSION
    if request.kubernetes_version:
        matched = _VERSION.fullmatch(request.kubernetes_version)
        if matched is None:
            raise UsageError(
                f"{request.kubernetes_version!r} is no version of Kubernetes",
                code="KUBERNETES_VERSION",
                remedy="write 1.36",
            )
        version = (int(matched[1]), int(matched[2]))
    return Target(
        version=version,
        today=datetime.datetime.now(datetime.UTC).date(),
        fail_on=None if request.fail_on is FailOn.NONE else Severity(request.fail_on.value),
        show=Severity(request.severity.value),
        chosen=chosen,
        minimums=dict(minimums),
    )


def _groups(request: Request, here: Path, tree: Path | None, say: Say) -> Iterator[Group]:
    environment = request.env.value if request.env else ""
    if request.live:
        yield _live(request, environment, say)
        return
    from slipway.checks.gather import Gatherer
    from slipway.manifests import Batch, render

    def rendered(folder: Path) -> Batch:
        return render(folder, tools.locate("kustomize"))

    targets = request.targets or [APPS]
    if tree is not None:
        targets = names_within(request.targets or (), tree) or [APPS]
    gatherer = Gatherer(rendered, here=here, root=tree, environment=environment, say=say)
    yield from gatherer.gather(once(targets, here))


def _live(request: Request, environment: str, say: Say) -> Group:
    from slipway.checks.folder import Folder
    from slipway.checks.run import Group
    from slipway.commands.shared import connection
    from slipway.manifests import live
    from slipway.platform import ENVIRONMENTS

    kubeconfig = request.kubeconfig or Path(connection()["kubeconfig"])
    if request.kubeconfig and not kubeconfig.is_file():
        raise UsageError("no such file", code="NO_KUBECONFIG", where=str(kubeconfig), remedy="name a kubeconfig")
    say(f"namespace {request.live}")
    batch = live(request.live, tools.locate("kubectl"), kubeconfig, context=request.context)
    suffix = request.live.rpartition("-")[2]
    return Group.of(
        f"namespace {request.live}",
        batch,
        environment=environment or (suffix if suffix in ENVIRONMENTS else ""),
        complete=not batch.problems,
        repository=Folder(base()),
    )
