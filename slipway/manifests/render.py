"""What kustomize makes of a folder, and which folders there are to render."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.manifests.files import KUSTOMIZATIONS, read_bytes
from slipway.manifests.model import LIMITS, Batch, Limits, Problem
from slipway.run import CommandFailed, run

__all__ = ["Overlay", "overlays", "render"]

_TIMEOUT_S = 120
_REMEDY = "run `kustomize build` on the folder, and correct what it names"
_LINE = re.compile(r"yaml: line (\d+)")
_FOLDER = re.compile(r"(?:recursed accumulation of|make target for) path '([^']+)'")
_RESOURCE = re.compile(
    r"accumulating resources: (?:accumulation err=')?accumulating resources from '([^']+)': "
    r"(.*?)(?:'?: must build at .*)?$"
)
_MISSING = re.compile(r"evalsymlink failure on '[^']*' : lstat .*: no such file or directory")


@dataclass(frozen=True, slots=True)
class Overlay:
    """A folder to render. `environment` is its name below `overlays/`, else empty."""

    folder: Path
    environment: str = ""


def render(folder: str | os.PathLike[str], kustomize: Path, *, limits: Limits = LIMITS) -> Batch:
    """The objects that `kustomize build` prints; what it refuses is a `Problem` (RENDER_FAILED) that names the folder.

    Their file is `<folder> (rendered)`, and their lines are those of what kustomize prints.
    """
    batch = Batch()
    try:
        done = run([kustomize, "build", os.fspath(folder)], timeout=_TIMEOUT_S)
    except CommandFailed as failure:
        batch.problems.append(_problem(os.fspath(folder), failure))
        return batch
    read_bytes(done.stdout.encode("utf-8", "surrogateescape"), f"{os.fspath(folder)} (rendered)", batch, limits=limits)
    return batch


def overlays(root: Path, environment: str = "") -> list[Overlay]:
    """The folders below `root` that are rendered on their own, in order; of one environment, when it is given.

    Every `overlays/<environment>/` counts. A kustomization that is in none of them counts when there is no `overlays/`
    beside it or above it: then it is no base. Without any, the folder holds plain manifests.
    """
    if _is_kustomization(root):
        found = [Overlay(root, root.name if root.parent.name == "overlays" else "")]
    else:
        found = list(_below(root))
    return [overlay for overlay in found if environment in ("", overlay.environment)]


def _below(folder: Path) -> Iterator[Overlay]:
    own = folder / "overlays"
    if own.is_dir():
        for place in sorted(own.iterdir()):
            if _is_kustomization(place):
                yield Overlay(place, place.name)
        return
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.is_symlink() and not place.name.startswith("."):
            if _is_kustomization(place):
                yield Overlay(place)
            else:
                yield from _below(place)


def _is_kustomization(folder: Path) -> bool:
    return any((folder / name).is_file() for name in KUSTOMIZATIONS)


def _problem(folder: str, failure: CommandFailed) -> Problem:
    """kustomize tells the whole way to the fault in one line: keep the end of it."""
    said = " ".join(failure.output.split()).removeprefix("Error: ")
    if not said:
        return Problem(folder, None, "RENDER_FAILED", failure.what, "check that kustomize is there and runs")
    place = Path(folder)
    for recursion in list(_FOLDER.finditer(said))[-1:]:
        place = Path(os.path.relpath(recursion[1]))
        said = said[recursion.end() :].lstrip("': ")
    file = next((place / name for name in KUSTOMIZATIONS if (place / name).is_file()), place)
    if match := _RESOURCE.match(said):
        named = place / match[1]
        said = f"{match[1]}: {match[2]}"
        if named.is_file() and "no such file" not in said:
            file = named
    said = _MISSING.sub("no such file or folder", said)
    line = _LINE.search(said)
    return Problem(str(file), int(line[1]) if line else None, "RENDER_FAILED", f"kustomize: {said}", _REMEDY)
