"""Whether Argo CD's Applications fit into the AppProjects that were read with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from slipway.rules.applications import APPLICATION_KINDS, application_spec, is_template, sources, sync_policy
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, mapping, name_of, namespace_of, text

__all__: list[str] = []

_PROJECT = "AppProject.argoproj.io"


def _project_of(item: Object, spec: dict[str, Any], context: Context) -> Object | None:
    name = text(spec.get("project"))
    beside = context.objects.get(_PROJECT, namespace_of(item), name)
    if beside is not None:
        return beside
    # An Application may live outside Argo CD's namespace; projects do not.
    return next((project for project in context.objects.of(_PROJECT) if name_of(project) == name), None)


@rule(
    id="application-project-does-not-exist",
    title="The project of an Application exists",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Argo CD refuses to sync an Application whose project it does not know.",
    remedy="Correct `spec.project`, or add the AppProject.",
    sources=("slipway:references", "argo-cd:projects"),
    kinds=APPLICATION_KINDS,
    whole_set=True,
)
def application_project_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """Looked up only when AppProjects were read: they are often the platform's, and not in an application's folder."""
    path, spec = application_spec(item)
    name = text(spec.get("project"))
    if name in ("", "default") or is_template(name) or not any(True for _ in context.objects.of(_PROJECT)):
        return
    if _project_of(item, spec, context) is None:
        yield Violation((*path, "project"), f"AppProject '{name}' does not exist")


@rule(
    id="application-not-permitted",
    title="An Application's project permits its source and destination",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Argo CD refuses to sync what the project does not permit.",
    remedy="Deploy from a repository and into a namespace of the project, or extend the project on purpose.",
    sources=("argo-cd:projects",),
    kinds=APPLICATION_KINDS,
    whole_set=True,
)
def application_not_permitted(item: Object, context: Context) -> Iterable[Violation]:
    """A source or destination outside the project that was read with it. Templates are not filled in here."""
    path, spec = application_spec(item)
    project = _project_of(item, spec, context)
    if project is None:
        return
    permitted = [text(pattern) for pattern in listing(dig(project, "spec", "sourceRepos"))]
    for where, source in sources(path, spec):
        repository = text(source.get("repoURL"))
        if repository and not is_template(repository) and not _matches(repository, permitted):
            yield Violation(
                (*where, "repoURL"), f"project '{name_of(project)}' does not permit '{_public(repository)}'"
            )
    destination = mapping(spec.get("destination"))
    if destination and not any(is_template(value) for value in destination.values()):
        wanted = [mapping(entry) for entry in listing(dig(project, "spec", "destinations"))]
        if not _reaches(destination, wanted):
            place = text(destination.get("namespace"))
            yield Violation((*path, "destination"), f"project '{name_of(project)}' does not permit namespace '{place}'")


@rule(
    id="application-namespace-not-creatable",
    title="A project permits the namespaces that its Applications create",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="CreateNamespace makes a Namespace like any other object: a project without that kind stops the sync.",
    remedy="Add {group: '', kind: Namespace} to the project's `clusterResourceWhitelist`, or remove CreateNamespace.",
    sources=("argo-cd:sync-options",),
    kinds=APPLICATION_KINDS,
    whole_set=True,
)
def application_namespace_not_creatable(item: Object, context: Context) -> Iterable[Violation]:
    """CreateNamespace in a project that permits no Namespace, or not this one."""
    path, spec = application_spec(item)
    options = listing(sync_policy(spec).get("syncOptions"))
    project = _project_of(item, spec, context) if "CreateNamespace=true" in options else None
    if project is None:
        return
    namespace = text(dig(spec, "destination", "namespace"))
    for _, entry in entries(dig(project, "spec", "clusterResourceWhitelist")):
        if fnmatchcase("", text(entry.get("group"))) and fnmatchcase("Namespace", text(entry.get("kind"))):
            name = text(entry.get("name"))
            if not name or is_template(namespace) or fnmatchcase(namespace, name):
                return
    where = (*path, "syncPolicy", "syncOptions", options.index("CreateNamespace=true"))
    yield Violation(where, f"project '{name_of(project)}' does not permit Namespace '{namespace}'")


def _matches(value: str, patterns: Iterable[str]) -> bool:
    """Argo CD's own reading: some pattern matches, and none that starts with `!` does."""
    patterns = list(patterns)
    if any(pattern.startswith("!") and fnmatchcase(value, pattern[1:]) for pattern in patterns):
        return False
    return any(fnmatchcase(value, pattern) for pattern in patterns if not pattern.startswith("!"))


def _reaches(destination: dict[str, Any], permitted: Iterable[dict[str, Any]]) -> bool:
    namespace = text(destination.get("namespace"))
    allowed = False
    for entry in permitted:
        pattern = text(entry.get("namespace"))
        if not _same_cluster(destination, entry):
            continue
        if pattern.startswith("!"):
            if fnmatchcase(namespace, pattern[1:]):
                return False
        elif fnmatchcase(namespace, pattern):
            allowed = True
    return allowed


def _same_cluster(destination: dict[str, Any], entry: dict[str, Any]) -> bool:
    for field in ("server", "name"):
        value, pattern = text(destination.get(field)), text(entry.get(field))
        if value and pattern:
            return fnmatchcase(value, pattern)
    # One is written as a URL, the other as a name: which name is which cluster's is known to Argo CD only.
    return True


def _public(url: str) -> str:
    """The address without the account that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", url)
