"""Whether what Argo CD is told to deploy is in the repository.

Only the repository that was read can be looked into (see `in_repository`); of another one nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from slipway.rules.applications import (
    APPLICATION_KINDS,
    application_spec,
    in_repository,
    is_template,
    repository_address,
    sources,
)
from slipway.rules.context import Context, Repository
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import entries, mapping, text

__all__: list[str] = []

_RENDERED = (".yaml", ".yml", ".json", ".jsonnet", "Kustomization")
_GLOB = frozenset("*?[")


@rule(
    id="application-path-does-not-exist",
    title="What an Application deploys is in the repository",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Argo CD cannot compare or sync an Application whose path is not there; on Linux, case matters.",
    remedy="Correct `path`, or commit the folder that it names.",
    sources=("slipway:requirements-S4-14", "argo-cd:application-specification"),
    kinds=APPLICATION_KINDS,
)
def application_path_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A source's path, and the folders and files that an ApplicationSet's Git generators look for."""
    unassessed = []
    for url, path, where, finds in _wanted(item):
        repository = context.repository
        if repository is None:
            unassessed.append(f"there is no repository to look for '{where}' in")
        elif not in_repository(repository, url):
            unassessed.append(f"'{where}' is in another repository, {repository_address(url)}")
        elif problem := finds(repository, where):
            yield Violation(path, problem)
    if unassessed:
        raise NotAssessed("; ".join(unassessed))


def _wanted(item: Object) -> Iterator[tuple[str, Path, str, Any]]:
    """Repository, path in the object, path in the repository, and what says whether it is there."""
    for path, source in sources(*application_spec(item)):
        where = text(source.get("path"))
        if where and not text(source.get("chart")) and not is_template(where):
            plain = not mapping(source.get("directory")).get("recurse") and source.get("plugin") is None
            yield text(source.get("repoURL")), (*path, "path"), where, _plain_folder if plain else _folder
    if item.get("kind") == "ApplicationSet":
        yield from _generators(mapping(item.get("spec")), ("spec",))


def _generators(holder: dict[str, Any], path: Path) -> Iterator[tuple[str, Path, str, Any]]:
    for index, generator in entries(holder.get("generators")):
        here = (*path, "generators", index)
        git = mapping(generator.get("git"))
        for field, finds in (("directories", _some_folder), ("files", _some_file)):
            excluded = [text(entry.get("path")) for _, entry in entries(git.get(field)) if entry.get("exclude") is True]
            for number, entry in entries(git.get(field)):
                where = text(entry.get("path"))
                if entry.get("exclude") is not True and where and not is_template(where):
                    look = _but_for(excluded, finds)
                    yield text(git.get("repoURL")), (*here, "git", field, number, "path"), where, look
        for nested in ("matrix", "merge"):
            yield from _generators(mapping(generator.get(nested)), (*here, nested))


def _folder(repository: Repository, where: str) -> str:
    folder = where.strip("/").removeprefix("./")
    if folder in ("", ".") or repository.is_dir(folder):
        return ""
    near = _in_other_case(repository, folder)
    return f"the repository has no folder '{where}'" + (f", but '{near}'" if near else "")


def _plain_folder(repository: Repository, where: str) -> str:
    problem = _folder(repository, where)
    if problem or any(name.endswith(_RENDERED) for name in repository.list(where.strip("/").removeprefix("./"))):
        return problem
    return f"the folder '{where}' holds nothing that Argo CD renders"


def _but_for(excluded: list[str], finds: Any) -> Any:
    def look(repository: Repository, where: str) -> str:
        return str(finds(repository, where, excluded))

    return look


def _some_folder(repository: Repository, pattern: str, excluded: list[str]) -> str:
    for found in _matching(repository, "", pattern.strip("/").split("/")):
        if repository.is_dir(found) and not any(_same(found, other) for other in excluded):
            return ""
    return f"the repository has no folder that matches '{pattern}'"


def _some_file(repository: Repository, pattern: str, excluded: list[str]) -> str:
    if "**" in pattern:
        raise NotAssessed(f"the pattern '{pattern}' is not looked up")
    for found in _matching(repository, "", pattern.strip("/").split("/")):
        if repository.is_file(found) and not any(_same(found, other) for other in excluded):
            return ""
    return f"the repository has no file that matches '{pattern}'"


def _matching(repository: Repository, folder: str, parts: list[str]) -> Iterator[str]:
    """The paths that a pattern matches, part by part: a star does not cross a slash. Hidden ones are left out."""
    if not parts:
        yield folder
        return
    prefix = f"{folder}/" if folder else ""
    if _GLOB.isdisjoint(parts[0]):
        if repository.is_dir(prefix + parts[0]) or repository.is_file(prefix + parts[0]):
            yield from _matching(repository, prefix + parts[0], parts[1:])
        return
    for name in repository.list(folder or "."):
        if not name.startswith(".") and fnmatchcase(name, parts[0]):
            yield from _matching(repository, prefix + name, parts[1:])


def _same(path: str, pattern: str) -> bool:
    mine, theirs = path.split("/"), pattern.strip("/").split("/")
    return len(mine) == len(theirs) and all(fnmatchcase(part, glob) for part, glob in zip(mine, theirs, strict=True))


def _in_other_case(repository: Repository, folder: str) -> str:
    found = ""
    for part in folder.split("/"):
        names = repository.list(found or ".")
        match = next((name for name in names if name.casefold() == part.casefold()), None)
        if match is None:
            return ""
        found = f"{found}/{match}" if found else match
    return found
