"""What kustomize makes of a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from slipway.manifests.files import KUSTOMIZATIONS, read_bytes
from slipway.manifests.model import LIMITS, Batch, Limits, Problem
from slipway.run import CommandFailed, run

__all__ = ["render"]

_TIMEOUT_S = 120
_REMEDY = "run `kustomize build` on the folder, and correct what it names"
_LINE = re.compile(r"yaml: line (\d+)")
_FOLDER = re.compile(r"(?:recursed accumulation of|make target for) path '([^']+)'")
_RESOURCE = re.compile(
    r"accumulating resources: (?:accumulation err=')?accumulating resources from '([^']+)': "
    r"(.*?)(?:'?: must build at .*)?$"
)
_MISSING = re.compile(r"evalsymlink failure on '[^']*' : lstat .*: no such file or directory")
# What it repeats of the files may be a Secret's value.
_REPEATED = (
    (re.compile(r"literal sources \[.*\]: invalid literal source .*, expected"), "a literal source: expected"),
    (re.compile(r"with config: `.*`: "), ""),
    (re.compile(r'(unable to parse SM or JSON patch from) \[path: "?([^\s"\]]+).*'), r"\1 \2"),
    (re.compile(r"(unable to parse SM or JSON patch) from \[.*"), r"\1"),
    (re.compile(r"unknown anchor '[^']*' referenced"), "an alias without its anchor"),
    (re.compile(r"`[^`]*`"), "a value"),
)


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
    for pattern, instead in _REPEATED:
        said = pattern.sub(instead, said)
    line = _LINE.search(said)
    return Problem(str(file), int(line[1]) if line else None, "RENDER_FAILED", f"kustomize: {said}", _REMEDY)
