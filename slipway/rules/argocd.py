"""How Argo CD's Applications are synced, and from which revision.

Decisions behind the rules (requirements A.6): dev is synced by Argo CD, staging and prod by a person or a promotion
job. A branch is fine as a revision in every environment, because nothing reaches staging and prod without a sync
that somebody asked for; what is refused is a revision that nobody wrote down, and a chart's version that floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.rules.applications import (
    APPLICATION_KINDS,
    CEL_AUTOMATED,
    CEL_DEV,
    CEL_SPEC,
    application_spec,
    automated,
    is_template,
    of_dev,
    sources,
    sync_policy,
)
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, listing, mapping, text

__all__: list[str] = []

_GUARDED = ("staging", "prod")
_FLOATING = ("", "HEAD", "latest")
_EXACT_VERSION = r"^v?[0-9]+[.][0-9]+[.][0-9]+([-+][0-9A-Za-z.+-]*)?$"
_EXACT = re.compile(_EXACT_VERSION)
_UNSAFE_OPTIONS = {
    "Replace=true": "deletes and recreates what it cannot patch",
    "Force=true": "deletes and recreates what it cannot patch",
    "Validate=false": "applies what the API server would refuse",
}


def _all_sources(passes: str) -> str:
    """CEL: `passes` holds of every source `s` that Argo CD looks at."""
    several = f"has({CEL_SPEC}.sources) && size({CEL_SPEC}.sources) > 0"
    one = f"!has({CEL_SPEC}.source) || [{CEL_SPEC}.source].all(s, {passes})"
    return f"({several}) ? {CEL_SPEC}.sources.all(s, {passes}) : ({one})"


@rule(
    id="application-automated-sync",
    title="A person or a promotion syncs staging and prod",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="With automated sync every commit goes live at once, before anybody has looked at the environment before.",
    remedy="Remove `syncPolicy.automated`; let a promotion sync, or set `automated.enabled: false`.",
    sources=("slipway:requirements-A.6.2", "argo-cd:automated-sync-semantics"),
    kinds=APPLICATION_KINDS,
    environments=_GUARDED,
    cel=f"{CEL_DEV} || !{CEL_AUTOMATED}",
)
def application_automated_sync(item: Object, context: Context) -> Iterable[Violation]:
    """Automated sync outside dev. An Application labelled as dev's is left alone where environments share Argo CD."""
    path, spec = application_spec(item)
    if automated(spec) and not of_dev(item):
        yield Violation((*path, "syncPolicy", "automated"), "Argo CD syncs every commit by itself")


@rule(
    id="application-automated-incomplete",
    title="Automated sync also prunes and heals",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Without prune, what is deleted in Git stays; without selfHeal, what is changed in the cluster stays.",
    remedy="Set `prune: true` and `selfHeal: true` under `syncPolicy.automated`.",
    sources=("slipway:requirements-S0-06", "argo-cd:automated-sync-semantics"),
    kinds=APPLICATION_KINDS,
    cel=(
        f"!{CEL_AUTOMATED} || (has({CEL_SPEC}.syncPolicy.automated.prune) && {CEL_SPEC}.syncPolicy.automated.prune"
        f" && has({CEL_SPEC}.syncPolicy.automated.selfHeal) && {CEL_SPEC}.syncPolicy.automated.selfHeal)"
    ),
)
def application_automated_incomplete(item: Object, context: Context) -> Iterable[Violation]:
    """Automated sync without one of its halves."""
    path, spec = application_spec(item)
    if automated(spec):
        policy = sync_policy(spec)["automated"]
        for option, effect in (("prune", "what is deleted in Git stays"), ("selfHeal", "drift stays")):
            if policy.get(option) is not True:
                yield Violation((*path, "syncPolicy", "automated"), f"`{option}` is off, so {effect} in the cluster")


@rule(
    id="application-idle-sync-option",
    title="Options of automated sync stand only where sync is automated",
    severity=Severity.ADVISORY,
    category=Category.PRODUCTION,
    reason="prune and selfHeal do nothing while automated sync is off, yet read as if they did.",
    remedy="Remove them, or switch `syncPolicy.automated.enabled` on.",
    sources=("argo-cd:automated-sync-semantics",),
    kinds=APPLICATION_KINDS,
    cel=(
        f"{CEL_AUTOMATED} || !has({CEL_SPEC}.syncPolicy) || !has({CEL_SPEC}.syncPolicy.automated)"
        f" || !((has({CEL_SPEC}.syncPolicy.automated.prune) && {CEL_SPEC}.syncPolicy.automated.prune)"
        f" || (has({CEL_SPEC}.syncPolicy.automated.selfHeal) && {CEL_SPEC}.syncPolicy.automated.selfHeal))"
    ),
)
def application_idle_sync_option(item: Object, context: Context) -> Iterable[Violation]:
    """prune or selfHeal beside `enabled: false`."""
    path, spec = application_spec(item)
    policy = mapping(sync_policy(spec).get("automated"))
    if policy and not automated(spec):
        for option in ("prune", "selfHeal"):
            if policy.get(option) is True:
                yield Violation((*path, "syncPolicy", "automated", option), f"`{option}` is on, automated sync is off")


@rule(
    id="application-retry",
    title="A failed sync is tried again, and not for ever",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="One time-out of the repository ends an automated sync until the next commit; endless tries hide a fault.",
    remedy="Set `syncPolicy.retry.limit` to a number such as 5, with a backoff; without `retry`, automated sync has 5.",
    sources=("slipway:requirements-S0-22", "argo-cd:application-specification"),
    kinds=APPLICATION_KINDS,
    cel=(
        f"!has({CEL_SPEC}.syncPolicy) || !has({CEL_SPEC}.syncPolicy.retry)"
        f" || (has({CEL_SPEC}.syncPolicy.retry.limit) && {CEL_SPEC}.syncPolicy.retry.limit != 0"
        f" ? {CEL_SPEC}.syncPolicy.retry.limit > 0 : !{CEL_AUTOMATED})"
    ),
)
def application_retry(item: Object, context: Context) -> Iterable[Violation]:
    """A negative limit never ends. `retry` without a limit, or with 0, takes automated sync's default away."""
    path, spec = application_spec(item)
    retry = sync_policy(spec).get("retry")
    if not isinstance(retry, dict):
        return
    limit = retry.get("limit", 0)
    limit = limit if isinstance(limit, int) else 0
    if limit < 0:
        yield Violation((*path, "syncPolicy", "retry", "limit"), f"a failed sync is tried for ever (limit {limit})")
    elif limit == 0 and automated(spec):
        yield Violation((*path, "syncPolicy", "retry"), "a failed automated sync is not tried again")


@rule(
    id="application-unsafe-sync-option",
    title="Syncs of staging and prod neither replace objects nor skip validation",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Replacing an object deletes it first: its Pods, its address and maybe its data go with it.",
    remedy="Put the option on the one object that needs it (annotation argocd.argoproj.io/sync-options), or remove it.",
    sources=("argo-cd:sync-options",),
    kinds=APPLICATION_KINDS,
    environments=_GUARDED,
    cel=(
        f"{CEL_DEV} || !has({CEL_SPEC}.syncPolicy) || !has({CEL_SPEC}.syncPolicy.syncOptions)"
        f" || !{CEL_SPEC}.syncPolicy.syncOptions.exists(o, o in ['Replace=true', 'Force=true', 'Validate=false'])"
    ),
)
def application_unsafe_sync_option(item: Object, context: Context) -> Iterable[Violation]:
    """Replace, Force or no validation for a whole Application outside dev."""
    path, spec = application_spec(item)
    for index, option in enumerate(listing(sync_policy(spec).get("syncOptions"))):
        if text(option) in _UNSAFE_OPTIONS and not of_dev(item):
            where = (*path, "syncPolicy", "syncOptions", index)
            yield Violation(where, f"'{option}' {_UNSAFE_OPTIONS[option]}")


@rule(
    id="application-revision-unset",
    title="Applications say which revision they follow",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="HEAD is whatever branch the repository has as its default: renaming that branch deploys another one.",
    remedy="Write a branch, a tag or a commit as `targetRevision`.",
    sources=("argo-cd:tracking_strategies", "slipway:requirements-A.6.3"),
    kinds=APPLICATION_KINDS,
    severity_in={"dev": Severity.LOW},
    cel=_all_sources(
        "(has(s.chart) && s.chart != '') || (has(s.targetRevision) && !(s.targetRevision in ['', 'HEAD', 'latest']))"
    ),
)
def application_revision_unset(item: Object, context: Context) -> Iterable[Violation]:
    """A Git or OCI source without a revision, or with HEAD or `latest`."""
    for path, source in sources(*application_spec(item)):
        if not text(source.get("chart")) and text(source.get("targetRevision")) in _FLOATING:
            found = text(source.get("targetRevision"))
            yield Violation((*path, "targetRevision"), f"the revision is '{found}'" if found else "no revision is set")


@rule(
    id="application-chart-unpinned",
    title="Charts have an exact version",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A range takes whatever is newest when Argo CD looks: two syncs of one commit deploy different things.",
    remedy="Write the chart's exact version as `targetRevision`, such as 1.2.3.",
    sources=("slipway:requirements-S0-33", "argo-cd:tracking_strategies"),
    kinds=APPLICATION_KINDS,
    cel=_all_sources(
        "!has(s.chart) || s.chart == ''"
        " || (has(s.targetRevision)"
        f" && (s.targetRevision.contains('{{{{') || s.targetRevision.matches('{_EXACT_VERSION}')))"
    ),
)
def application_chart_unpinned(item: Object, context: Context) -> Iterable[Violation]:
    """A Helm source without a version, or with a range."""
    for path, source in sources(*application_spec(item)):
        version = text(source.get("targetRevision"))
        if text(source.get("chart")) and not is_template(version) and not _EXACT.fullmatch(version):
            said = f"'{version}' is no exact version" if version else "no version is set"
            yield Violation((*path, "targetRevision"), f"chart '{source['chart']}': {said}")


@rule(
    id="applicationset-deletes-applications",
    title="An ApplicationSet of staging or prod deletes no running application",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A folder that is renamed, or a generator that finds nothing once, deletes Applications and what they run.",
    remedy="Set `syncPolicy.preserveResourcesOnDeletion: true`, or `applicationsSync: create-update`.",
    sources=("argo-cd:applicationset-Controlling-Resource-Modification",),
    kinds=("ApplicationSet.argoproj.io",),
    environments=_GUARDED,
    cel=(
        f"{CEL_DEV} || (has(object.spec.syncPolicy) && ((has(object.spec.syncPolicy.preserveResourcesOnDeletion)"
        " && object.spec.syncPolicy.preserveResourcesOnDeletion)"
        " || (has(object.spec.syncPolicy.applicationsSync)"
        " && object.spec.syncPolicy.applicationsSync in ['create-only', 'create-update'])))"
    ),
)
def applicationset_deletes_applications(item: Object, context: Context) -> Iterable[Violation]:
    """Neither the resources are preserved nor the deletion of Applications is ruled out."""
    policy = mapping(dig(item, "spec", "syncPolicy"))
    kept = policy.get("preserveResourcesOnDeletion") is True
    if not kept and policy.get("applicationsSync") not in ("create-only", "create-update") and not of_dev(item):
        yield Violation(("spec", "syncPolicy"), "an Application that vanishes takes its running resources along")


@rule(
    id="applicationset-lenient-template",
    title="A template of an ApplicationSet fails on a value that is not there",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Without missingkey=error a misspelt parameter becomes the text `<no value>` in a name or a path.",
    remedy='Set `goTemplateOptions: ["missingkey=error"]`.',
    sources=("argo-cd:applicationset-GoTemplate",),
    kinds=("ApplicationSet.argoproj.io",),
    cel=(
        "!has(object.spec.goTemplate) || !object.spec.goTemplate"
        " || (has(object.spec.goTemplateOptions) && 'missingkey=error' in object.spec.goTemplateOptions)"
    ),
)
def applicationset_lenient_template(item: Object, context: Context) -> Iterable[Violation]:
    """A Go template without its one useful option."""
    spec = mapping(item.get("spec"))
    if spec.get("goTemplate") is True and "missingkey=error" not in listing(spec.get("goTemplateOptions")):
        yield Violation(("spec", "goTemplateOptions"), "a parameter that is not there becomes `<no value>`")
