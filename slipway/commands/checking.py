"""What `validate` and `score` do: read the targets, ask the rules, deliver the report."""

from __future__ import annotations

import datetime
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import tools
from slipway.commands.progress import late_step
from slipway.commands.request import EXEMPTIONS, FailOn, Format, Request
from slipway.console import err, seconds
from slipway.errors import UsageError
from slipway.paths import project_dir

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.checks import Outcome, Target
    from slipway.checks.run import Group, Judge
    from slipway.rules import Exemption, Rule

__all__ = ["check", "deliver"]

APPS = "apps"
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
    with no_collections(), late_step("checking") as running, _tree(request) as tree:
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

    exemptions = _exemptions(request, tree)
    crds = definitions_in(request.crds or ())
    groups = list(_groups(request, tree, say))
    _refuse_nothing(request, groups)
    say("reading schemas")
    crds += [d.object for g in groups for d in g.documents if d.object.get("kind") == "CustomResourceDefinition"]
    schemas = known_schemas(target.version, crds)
    judge = Judge(rules, version=target.version, schemas=schemas, exemptions=exemptions, today=target.today)
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
    if (request.kubeconfig or request.context) and not request.live:
        raise UsageError(
            "--kubeconfig and --context belong to --live", code="CONTRADICTION", remedy="add --live NAMESPACE"
        )


def _refuse_nothing(request: Request, groups: list[Group]) -> None:
    """A gate that looked at nothing must not pass."""
    for group in groups:
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
    return rules, ", ".join(words)


def _exemptions(request: Request, tree: Path | None) -> list[Exemption]:
    from slipway.checks import read_exemptions

    file = request.exemptions or (tree or _base()) / EXEMPTIONS
    if request.exemptions is None and not file.is_file():
        return []
    return read_exemptions(file, shown=str(file) if request.exemptions else EXEMPTIONS)


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


def _tree(request: Request) -> AbstractContextManager[Path | None]:
    """The files of the commit, where one is named."""
    if not request.ref:
        return nullcontext()
    from slipway.manifests import checkout

    return checkout(request.ref, _base())


def _groups(request: Request, tree: Path | None, say: Say) -> Iterator[Group]:
    environment = request.env.value if request.env else ""
    if request.live:
        yield _live(request, environment, say)
        return
    from slipway.checks.gather import Gatherer
    from slipway.manifests import Batch, render

    def rendered(folder: Path) -> Batch:
        return render(folder, tools.locate("kustomize"))

    # What the user names lies below the working folder; applications and commits, at the root.
    here = tree or (Path() if request.targets or _base() == Path.cwd() else _base())
    gatherer = Gatherer(rendered, here=here, root=tree, environment=environment, say=say)
    yield from gatherer.gather(request.targets or [APPS])


def _base() -> Path:
    """The checkout that the user stands in, where it holds applications; else the platform's own."""
    from slipway.checks.folder import repository_of

    around = repository_of(Path.cwd())
    return around if around is not None and (around / APPS).is_dir() else project_dir()


def _live(request: Request, environment: str, say: Say) -> Group:
    from slipway.checks.folder import Folder
    from slipway.checks.run import Group
    from slipway.commands.shared import connection
    from slipway.manifests import live
    from slipway.platform import ENVIRONMENTS

    kubeconfig = request.kubeconfig or Path(connection()["kubeconfig"])
    say(f"namespace {request.live}")
    batch = live(request.live, tools.locate("kubectl"), kubeconfig, context=request.context)
    suffix = request.live.rpartition("-")[2]
    return Group.of(
        f"namespace {request.live}",
        batch,
        environment=environment or (suffix if suffix in ENVIRONMENTS else ""),
        complete=not batch.problems,
        repository=Folder(_base()),
    )
