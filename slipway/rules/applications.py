"""Reads Argo CD's Application, and the template of an ApplicationSet, which is checked like one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from slipway.rules.context import Repository
from slipway.rules.model import Object, Path
from slipway.rules.shape import dig, entries, labels_of, mapping, text

__all__ = [
    "APPLICATION_KINDS",
    "CEL_AUTOMATED",
    "CEL_DEV",
    "CEL_SPEC",
    "ENVIRONMENT_LABEL",
    "application_spec",
    "automated",
    "in_repository",
    "is_template",
    "of_dev",
    "repository_address",
    "sources",
    "sync_policy",
]

APPLICATION_KINDS = ("Application.argoproj.io", "ApplicationSet.argoproj.io")
ENVIRONMENT_LABEL = "slipway.dev/environment"
"""On an Application, or in a template's metadata: environments may share Argo CD and its namespace."""

# The same in CEL. The definitions of both kinds require `spec`, and the template's `metadata` and `spec`.
CEL_SPEC = "(object.kind == 'Application' ? object.spec : object.spec.template.spec)"
_CEL_METADATA = "(object.kind == 'Application' ? object.metadata : object.spec.template.metadata)"
CEL_DEV = (
    f"(has({_CEL_METADATA}.labels) && '{ENVIRONMENT_LABEL}' in {_CEL_METADATA}.labels"
    f" && {_CEL_METADATA}.labels['{ENVIRONMENT_LABEL}'] == 'dev')"
)
_CEL_ENABLED = f"{CEL_SPEC}.syncPolicy.automated.enabled"
CEL_AUTOMATED = (
    f"(has({CEL_SPEC}.syncPolicy) && has({CEL_SPEC}.syncPolicy.automated) && (!has({_CEL_ENABLED}) || {_CEL_ENABLED}))"
)

_SCP = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^@/]*@)?([^/]*)/?(.*)")


def application_spec(item: Object) -> tuple[Path, dict[str, Any]]:
    """The Application's spec and its path."""
    if item.get("kind") == "ApplicationSet":
        return ("spec", "template", "spec"), mapping(dig(item, "spec", "template", "spec"))
    return ("spec",), mapping(item.get("spec"))


def of_dev(item: Object) -> bool:
    """Whether the Application says that it belongs to dev, whatever environment is asked about."""
    holder = dig(item, "spec", "template") if item.get("kind") == "ApplicationSet" else item
    return labels_of(holder).get(ENVIRONMENT_LABEL) == "dev"


def sync_policy(spec: dict[str, Any]) -> dict[str, Any]:
    """How it is synced."""
    return mapping(spec.get("syncPolicy"))


def automated(spec: dict[str, Any]) -> bool:
    """Whether Argo CD syncs by itself: `automated` is there, if only `{}`, and is not switched off."""
    policy = sync_policy(spec).get("automated")
    return isinstance(policy, dict) and policy.get("enabled") is not False


def sources(path: Path, spec: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each source with its path. Argo CD does not look at `source` when there are `sources`."""
    several = list(entries(spec.get("sources")))
    for index, source in several:
        yield (*path, "sources", index), source
    if not several and isinstance(spec.get("source"), dict):
        yield (*path, "source"), spec["source"]


def is_template(value: Any) -> bool:
    """Whether an ApplicationSet still has to fill the value in."""
    return "{{" in text(value)


def in_repository(repository: Repository, url: str) -> bool:
    """Whether an Application's `repoURL` is the repository that was read.

    A caller that knows under which addresses Argo CD has it gives the repository the attribute `urls`. Without it,
    every Application is taken to be about this repository.
    """
    known = getattr(repository, "urls", None)
    return known is None or repository_address(url) in {repository_address(text(own)) for own in known}


def repository_address(url: str) -> str:
    """Host and path of a repository's URL, without scheme, account and `.git`: how Argo CD tells them apart."""
    matched = _URL.fullmatch(url) or _SCP.fullmatch(url)
    host, path = matched.groups() if matched else ("", url)
    return f"{host.lower()}/{path.strip('/').removesuffix('.git').lower()}"
