"""From what was asked for to sets of objects: which belong together, in which environment, and where they come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from slipway.checks.folder import Folder, repository_of
from slipway.checks.kustomizations import Kustomization, Origins, Rendered, chain, has_kustomization, roots
from slipway.checks.run import Group
from slipway.errors import UsageError
from slipway.forks import cores
from slipway.manifests import STDIN, Batch, Document, read
from slipway.platform import ENVIRONMENTS
from slipway.rules import Located, Object
from slipway.rules.app_folder import app_folder
from slipway.rules.kustomize_tree import FILE_NAMES

__all__ = ["Gatherer", "environment_of"]

Say = Callable[[str], None]
Render = Callable[[Path], Batch]


def environment_of(folder: Path) -> str:
    """The environment that a folder is for: its own name, or the one right below `overlays`. Empty for none."""
    parts = folder.parts
    if parts and parts[-1] in ENVIRONMENTS:
        return parts[-1]
    below = [later for earlier, later in pairwise(parts) if earlier == "overlays"]
    return below[-1] if below and below[-1] in ENVIRONMENTS else ""


@dataclass
class Gatherer:
    """Reads targets below `root`, by their path from `here`."""

    render: Render
    here: Path = field(default_factory=Path)
    """What relative targets are relative to; files below are shown by their path from it."""
    root: Path | None = None
    """The repository's root, where it is not the Git checkout around the target."""
    environment: str = ""
    """The environment to judge as; overlays of others are left out."""
    say: Say = lambda text: None
    _renders: dict[Path, Batch] = field(default_factory=dict)

    def gather(self, targets: Sequence[str]) -> Iterator[Group]:
        """The sets of the targets. Raises `UsageError` for a target that is not there or holds nothing."""
        files: list[str] = []
        for target in targets:
            self._refuse_outside(target)
            path = self.here / target
            if target == "-" or path.is_fifo() or (path.is_file() and path.name not in FILE_NAMES):
                files.append(target)
            elif path.exists() and not (path.is_dir() or path.is_file()):
                raise UsageError(
                    "no regular file", code="NO_FILE", where=target, remedy="name a file or folder, or - for stdin"
                )
            elif path.exists():
                folder = path if path.is_dir() else path.parent
                yield from map(self._relabelled, self._folder(folder, wanted=True))
            else:
                raise UsageError(
                    "no such file or folder",
                    code="NOT_FOUND",
                    where=target,
                    remedy="name a file or folder, or - for stdin",
                )
        if files:
            yield from map(self._relabelled, self._files(files))

    def _refuse_outside(self, target: str) -> None:
        """What lies outside of a commit must not be judged as if it were of it."""
        if self.root is None:
            return
        if target == "-" or Path(target).is_absolute() or Path(os.path.normpath(target)).parts[:1] == (os.pardir,):
            raise UsageError(
                "not a file or folder of the commit",
                code="CONTRADICTION",
                where=target,
                remedy="name a path from the repository's root, or leave out --ref",
            )

    def _relabelled(self, group: Group) -> Group:
        """The group with its files shown from `here`: nobody knows the folder that a commit was laid out in."""
        if self.here != Path():
            group.documents = [self._label(document) for document in group.documents]
            group.problems = [replace(problem, file=self._shown(problem.file)) for problem in group.problems]
            group.skipped = [self._shown(line) for line in group.skipped]
        return group

    def _label(self, document: Located) -> Located:
        match document:
            case Document():
                return replace(document, file=self._shown(document.file))
            case Rendered():
                written = replace(document.written, file=self._shown(document.written.file))
                return replace(document, written=written)
        return document

    def _files(self, targets: Iterable[str]) -> Iterator[Group]:
        """Files that were named: one set for each environment and repository, and never all of it."""
        sets: dict[tuple[str, Path | None], list[str]] = {}
        for target in targets:
            place = self._place(target)
            environment = "" if target == "-" else environment_of(place.parent)
            sets.setdefault((self.environment or environment, self._root(place)), []).append(target)
        for (environment, _), names in sets.items():
            self.say(f"{len(names)} files")
            batch = read([name if name == "-" else self.here / name for name in names], processes=cores())
            title = STDIN if names == ["-"] else names[0] if len(names) == 1 else f"{len(names)} files"
            yield self._group(title, batch, self._place(names[0]), environment=environment)

    def _place(self, target: str) -> Path:
        """Where a file lies; what comes through a pipe belongs to the working folder."""
        file = self.here / target
        return self.here if target == "-" or file.is_fifo() else file

    def _folder(self, folder: Path, *, wanted: bool = False) -> Iterator[Group]:
        if has_kustomization(folder):
            own = environment_of(folder)
            if wanted or not self.environment or own in ("", self.environment):
                yield self._rendered(folder, self.environment or own)
            return
        apps = [folder] if (folder / "k8s").is_dir() else [c for c in _folders(folder) if (c / "k8s").is_dir()]
        for app in apps:
            yield self._app(app)
            for overlay in roots(app / "k8s", self._root(app)):
                yield from self._folder(overlay)
        if apps:
            return
        overlays = roots(folder, self._root(folder))
        rendered = [group for overlay in overlays for group in self._folder(overlay)]
        self.say(str(folder))
        batch = self._plain(folder, overlays)
        plain = bool(batch.documents or batch.problems or not overlays)
        if rendered and not plain:
            # No set of its own would say what was left out.
            rendered[0].skipped += batch.skipped
        yield from rendered
        if plain:
            yield self._group(
                self._shown(folder), batch, folder,
                environment=self.environment or environment_of(folder), complete=not overlays,
            )  # fmt: skip

    def _plain(self, folder: Path, overlays: Iterable[Path]) -> Batch:
        """What lies in the folder besides its Kustomizations and what these are made of."""
        batch = read([folder], processes=cores())
        taken = {one.folder for overlay in overlays for one in chain(overlay, self._root(overlay))}
        if not taken:
            return batch
        batch.documents = [d for d in batch.documents if Path(os.path.normpath(d.file)).parent not in taken]
        batch.problems = [p for p in batch.problems if Path(os.path.normpath(p.file)).parent not in taken]
        return batch

    def _app(self, folder: Path) -> Group:
        """The application's folder itself, of which some rules are about."""
        # Its own parts are known without a repository around it.
        root = self._root(folder) or folder.resolve().parent
        where = folder.resolve().relative_to(root).as_posix()
        item = Document(app_folder(where), self._shown(folder), 0)
        return Group(f"{self._shown(folder)} (folder)", [item], environment=self.environment, complete=True,
                     repository=Folder(root))  # fmt: skip

    def _rendered(self, folder: Path, environment: str) -> Group:
        name = self._shown(folder)
        self.say(f"rendering {name}")
        batch = self._render(folder)
        own = chain(folder, self._root(folder))
        origins = Origins(own)
        root = self._root(folder)
        group = Group(
            name,
            [origins.of(document) for document in batch.documents],
            [*batch.problems, *origins.duplicates],
            list(batch.skipped),
            environment=environment,
            complete=True,
            repository=Folder(root) if root else None,
            counted=len(batch.documents),
        )
        if not batch.problems and root is not None:
            group.documents += [self._written(one, root) for one in own]
        return group

    def _written(self, own: Kustomization, root: Path) -> Document:
        """A Kustomization, with what it makes and what it makes it of, where that can be compared."""
        bases = [self._render(folder) for folder in own.folders if has_kustomization(folder)]
        comparable = len(bases) == len(own.folders) == 1 and not own.files
        objects = _objects(self._render(own.folder)) if comparable else None
        return own.document(root, objects, _objects(bases[0]) if comparable else None)

    def _render(self, folder: Path) -> Batch:
        folder = Path(os.path.normpath(folder))
        if folder not in self._renders:
            self._renders[folder] = self.render(folder)
        return self._renders[folder]

    def _root(self, place: Path) -> Path | None:
        return self.root or repository_of(place)

    def _shown(self, place: str | Path) -> str:
        return str(place).removeprefix(f"{self.here}{os.sep}") if self.here != Path() else str(place)

    def _group(self, name: str, batch: Batch, place: Path, **settings: object) -> Group:
        root = self._root(place)
        return Group.of(name, batch, repository=Folder(root) if root else None, **settings)


def _objects(batch: Batch) -> list[Object] | None:
    return None if batch.problems else batch.objects


def _folders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
