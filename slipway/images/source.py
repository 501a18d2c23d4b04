"""What an application's image is made from, and the tag that says so.

`git-<12 hex>` is the last commit that touched the image's inputs; `-dirty-<8 hex>` is added when the work tree holds
something else, and then names its content. A tag names one content; one content may have several tags, since a revert
is a new commit that brings the old content back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import UsageError
from slipway.run import CommandFailed, run

__all__ = ["Source", "source_of"]

INPUTS = ("src", "Dockerfile", ".dockerignore")
_NO_COMMIT = "0" * 12


@dataclass(frozen=True)
class Source:
    """An application's folder and the tag of what it holds now."""

    app: str
    folder: Path
    tag: str


def source_of(app: str, project: Path) -> Source:
    """The sources of an application in this checkout."""
    folder = project / "apps" / app
    if not (folder / "Dockerfile").is_file():
        known = sorted(path.parent.name for path in (project / "apps").glob("*/Dockerfile"))
        raise UsageError(
            f"no application {app!r} with a Dockerfile",
            code="UNKNOWN_APP",
            where=str(folder),
            remedy=f"one of: {', '.join(known) or 'none yet'}",
        )
    commit = _last_commit(folder)
    if commit is not None and not _changed(folder):
        return Source(app, folder, f"git-{commit}")
    return Source(app, folder, f"git-{commit or _NO_COMMIT}-dirty-{content_hash(folder)}")


def content_hash(folder: Path) -> str:
    """Eight hex digits for the content of the image's inputs: names, modes and bytes."""
    total = hashlib.sha256()
    for path in _files(folder):
        executable = bool(path.stat().st_mode & 0o100)
        total.update(f"{path.relative_to(folder)}\0{executable}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:8]


def _files(folder: Path) -> list[Path]:
    found = [path for name in INPUTS for path in ((folder / name), *(folder / name).rglob("*"))]
    return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)


def _last_commit(folder: Path) -> str | None:
    try:
        found = run(["git", "log", "-1", "--format=%H", "--", *INPUTS], cwd=folder).stdout.strip()
    except CommandFailed:
        # No repository (a source archive) or no commit yet: the content alone names the image.
        return None
    return found[:12] or None


def _changed(folder: Path) -> bool:
    listing = run(["git", "status", "--porcelain", "--untracked-files=all", "--", *INPUTS], cwd=folder).stdout
    return bool(listing.strip())
