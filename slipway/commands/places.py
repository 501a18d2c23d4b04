"""Which repository a check is about: where its exemptions are, and whose commits `--ref` names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.commands.request import EXEMPTIONS, Request
from slipway.console import err
from slipway.errors import UsageError
from slipway.paths import project_dir

if TYPE_CHECKING:
    from slipway.checks.run import Group

__all__ = ["APPS", "base", "commit_tree", "exempt", "names_within", "once"]

APPS = "apps"


def base() -> Path:
    """The checkout that the user stands in, where it holds applications; else the platform's own."""
    from slipway.checks.folder import repository_of

    around = repository_of(Path.cwd())
    return around if around is not None and (around / APPS).is_dir() else project_dir()


def once(targets: Iterable[str], here: Path) -> list[str]:
    """The targets, each once, however it is written: a folder, and the kustomization in it, are one."""
    from slipway.rules.kustomize_tree import FILE_NAMES

    found: dict[str, str] = {}
    for target in targets:
        place = Path(here, target)
        if place.name in FILE_NAMES and place.is_file():
            place = place.parent
        found.setdefault(target if target == "-" else os.path.realpath(place), target)
    return list(found.values())


def exempt(groups: Iterable[Group], request: Request, here: Path, tree: Path | None) -> None:
    """Give each set the exemptions of the repository that it lies in, and say which file they are from.

    A commit has its own (`tree`). Raises `UsageError` for a file with a mistake.
    """
    from slipway.checks import read_exemptions
    from slipway.checks.folder import Folder
    from slipway.reports.summary import many
    from slipway.rules import Exemption

    read: dict[Path, list[Exemption]] = {}
    for group in groups:
        root = tree or (group.repository.root if isinstance(group.repository, Folder) else None)
        file = request.exemptions or (root / EXEMPTIONS if root else None)
        if file is None or (request.exemptions is None and not file.is_file()):
            group.exemptions = []
            continue
        if file not in read:
            shown = str(file) if request.exemptions else EXEMPTIONS if tree else _shown(file, here)
            read[file] = read_exemptions(file, shown=shown, named=request.exemptions is not None)
            err.print(f"· exemptions: {shown}, {many(len(read[file]), 'entry', 'entries')}", markup=False)
        group.exemptions = read[file]


def _shown(file: Path, here: Path) -> str:
    root = here.resolve()
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)


def commit_tree(request: Request) -> AbstractContextManager[Path | None]:
    """The files of the commit, where one is named."""
    return _checkout(request) if request.ref else nullcontext()


@contextmanager
def _checkout(request: Request) -> Iterator[Path]:
    from slipway.manifests import checkout

    repository = repository_named(request.targets or ())
    with checkout(request.ref, repository) as tree:
        try:
            yield tree
        except UsageError as error:
            if error.code != "NOT_FOUND":
                raise
            raise UsageError(
                f"no such file or folder in {request.ref} of {repository}",
                code=error.code,
                where=error.where,
                remedy=f"git -C {repository} ls-tree {request.ref}",
            ) from error


def repository_named(targets: Iterable[str]) -> Path:
    """The repository whose commit is to be read: the targets', or the working folder's, or the platform's."""
    from slipway.checks.folder import repository_of

    named = [Path.cwd() / target for target in targets if target != "-"]
    around = {repository_of(place): place for place in named or [Path.cwd()]}
    if len(around) > 1:
        raise UsageError(
            "the targets of --ref lie in several repositories",
            code="CONTRADICTION",
            where=" ".join(map(str, around.values())),
            remedy="run the command once for each",
        )
    ((root, place),) = around.items()
    if root is not None:
        return root
    # A path from the root of the platform, from anywhere.
    inside = place == Path.cwd() or place.is_relative_to(Path.cwd())
    return project_dir() if inside else place


def names_within(targets: Iterable[str], tree: Path) -> list[str]:
    """The targets by their path from the commit's root: as they are written, or else seen from the working folder."""
    root = repository_named(targets := list(targets)).resolve()
    found = []
    for target in targets:
        seen = Path(os.path.normpath(Path.cwd() / target))
        if target != "-" and (Path(target).is_absolute() or not (tree / target).exists()):
            place = seen if seen.is_relative_to(root) else seen.resolve()
            if place.is_relative_to(root) and (Path(target).is_absolute() or (tree / place.relative_to(root)).exists()):
                target = str(place.relative_to(root))
        found.append(target)
    return found
