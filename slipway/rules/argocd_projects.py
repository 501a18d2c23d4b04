"""What Argo CD's AppProjects permit.

An Application's environment, repository and namespace are only as safe as its project: Argo CD checks nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway.rules.applications import APPLICATION_KINDS, CEL_SPEC, application_spec
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, text

__all__: list[str] = []

_PROJECT = ("AppProject.argoproj.io",)
_NARROW = "Name what the project's applications need; `slipway` writes such projects itself."


def _is_anything(pattern: str) -> bool:
    """Whether a glob matches every text: only stars."""
    return bool(pattern) and not pattern.strip("*")


_STARS = "matches('^[*]+$')"


@rule(
    id="application-default-project",
    title="Applications belong to a project of their own",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="The project `default` permits every repository, cluster, namespace and kind.",
    remedy="Make an AppProject for the team and environment, and name it in `spec.project`.",
    sources=("argo-cd:projects",),
    kinds=APPLICATION_KINDS,
    cel=f"has({CEL_SPEC}.project) && !({CEL_SPEC}.project in ['', 'default'])",
)
def application_default_project(item: Object, context: Context) -> Iterable[Violation]:
    """The project `default`, or none."""
    path, spec = application_spec(item)
    if text(spec.get("project")) in ("", "default"):
        yield Violation((*path, "project"), "the project is `default`, which permits everything")


@rule(
    id="project-any-repository",
    title="Projects name the repositories they deploy from",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Whoever may write an Application of the project can deploy any public repository's content.",
    remedy=_NARROW,
    sources=("argo-cd:project-specification", "slipway:requirements-S2-43"),
    kinds=_PROJECT,
    cel=f"!has(object.spec.sourceRepos) || !object.spec.sourceRepos.exists(r, r.{_STARS})",
)
def project_any_repository(item: Object, context: Context) -> Iterable[Violation]:
    """`*` in sourceRepos."""
    for index, repository in enumerate(listing(dig(item, "spec", "sourceRepos"))):
        if _is_anything(text(repository)):
            yield Violation(("spec", "sourceRepos", index), "any repository is permitted")


@rule(
    id="project-any-destination",
    title="Projects name the clusters and namespaces they deploy to",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="An application of the project can write into every namespace: kube-system, Argo CD's, other teams'.",
    remedy=_NARROW,
    sources=("argo-cd:project-specification", "slipway:requirements-S2-43"),
    kinds=_PROJECT,
    cel=(
        "!has(object.spec.destinations) || !object.spec.destinations.exists(d,"
        f" (has(d.namespace) && d.namespace.{_STARS}) || (has(d.server) && d.server.{_STARS})"
        f" || (has(d.name) && d.name.{_STARS}))"
    ),
)
def project_any_destination(item: Object, context: Context) -> Iterable[Violation]:
    """`*` as namespace, server or name of a destination."""
    for index, destination in entries(dig(item, "spec", "destinations")):
        for field, what in (("namespace", "namespace"), ("server", "cluster"), ("name", "cluster")):
            if _is_anything(text(destination.get(field))):
                yield Violation(("spec", "destinations", index, field), f"any {what} is permitted")


@rule(
    id="project-any-cluster-resource",
    title="Projects name the cluster-scoped kinds they may create",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="ClusterRoles, webhooks and definitions of kinds reach every namespace: the project's limits end there.",
    remedy="List the kinds, such as {group: '', kind: Namespace}, with a `name` where Argo CD knows it; or none.",
    sources=("argo-cd:project-specification",),
    kinds=_PROJECT,
    cel=(
        "!has(object.spec.clusterResourceWhitelist)"
        f" || !object.spec.clusterResourceWhitelist.exists(k, k.kind.{_STARS})"
    ),
)
def project_any_cluster_resource(item: Object, context: Context) -> Iterable[Violation]:
    """`*` as kind in clusterResourceWhitelist, whatever its group."""
    for index, entry in entries(dig(item, "spec", "clusterResourceWhitelist")):
        if _is_anything(text(entry.get("kind"))):
            group = text(entry.get("group"))
            of_what = "every group" if _is_anything(group) else f"group '{group}'"
            where = ("spec", "clusterResourceWhitelist", index)
            yield Violation(where, f"every cluster-scoped kind of {of_what} is permitted")


@rule(
    id="project-any-resource",
    title="Projects name the kinds they may create in a namespace",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Without a list an application can make Roles, quotas and network policies: its own limits.",
    remedy="List the kinds in `namespaceResourceWhitelist`; without that field Argo CD permits all of them.",
    sources=("argo-cd:project-specification",),
    kinds=_PROJECT,
    cel=(
        "has(object.spec.namespaceResourceWhitelist) && !object.spec.namespaceResourceWhitelist.exists(k,"
        f" k.kind.{_STARS} && k.group.{_STARS})"
    ),
)
def project_any_resource(item: Object, context: Context) -> Iterable[Violation]:
    """`*` as group and kind in namespaceResourceWhitelist, or no such list."""
    permitted = dig(item, "spec", "namespaceResourceWhitelist")
    if permitted is None:
        yield Violation(("spec", "namespaceResourceWhitelist"), "every namespaced kind is permitted")
    for index, entry in entries(permitted):
        if _is_anything(text(entry.get("group"))) and _is_anything(text(entry.get("kind"))):
            yield Violation(("spec", "namespaceResourceWhitelist", index), "every namespaced kind is permitted")


# `duration` is Go's; `schedule` is cron's five fields. Neither pattern has a quote or a backslash, for CEL's sake.
_SCHEDULE = "^ *[^ ]+( +[^ ]+){4} *$"
_DURATION = "^([0-9]+([.][0-9]+)?(ms|s|m|h))+$"
_SCHEDULE_PATTERN, _DURATION_PATTERN = re.compile(_SCHEDULE), re.compile(_DURATION)


@rule(
    id="sync-window-ineffective",
    title="Sync windows open, and match something",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A window that matches no application guards nothing: without windows every sync is allowed at any time.",
    remedy="Give each window kind (allow, deny), schedule, duration, and applications, namespaces or clusters.",
    sources=("argo-cd:sync_windows",),
    kinds=_PROJECT,
    cel=(
        "!has(object.spec.syncWindows) || object.spec.syncWindows.all(w,"
        " has(w.kind) && w.kind in ['allow', 'deny']"
        f" && has(w.schedule) && w.schedule.matches('{_SCHEDULE}')"
        f" && has(w.duration) && w.duration.matches('{_DURATION}')"
        " && ((has(w.applications) && size(w.applications) > 0) || (has(w.namespaces) && size(w.namespaces) > 0)"
        " || (has(w.clusters) && size(w.clusters) > 0)))"
    ),
)
def sync_window_ineffective(item: Object, context: Context) -> Iterable[Violation]:
    """A window without a usable kind, schedule, duration or match."""
    for index, window in entries(dig(item, "spec", "syncWindows")):
        path: Path = ("spec", "syncWindows", index)
        if window.get("kind") not in ("allow", "deny"):
            yield Violation((*path, "kind"), "the window neither allows nor denies")
        for field, pattern, what in (
            ("schedule", _SCHEDULE_PATTERN, "five cron fields"),
            ("duration", _DURATION_PATTERN, "a duration such as 1h"),
        ):
            if not pattern.fullmatch(text(window.get(field))):
                yield Violation((*path, field), f"'{text(window.get(field))}' is not {what}")
        if not any(listing(window.get(field)) for field in ("applications", "namespaces", "clusters")):
            yield Violation(path, "the window matches no application")
