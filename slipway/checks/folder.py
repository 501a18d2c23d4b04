"""A repository's files for the rules that look into it: those of a folder, and nothing outside of it."""

from __future__ import annotations

from pathlib import Path

from slipway.paths import project_dir

__all__ = ["Folder", "repository_of"]

_LARGEST = 4 * 1024 * 1024


class Folder:
    """The files below a root, by their path from it (`slipway.rules.Repository`)."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    @property
    def root(self) -> Path:
        """Where the files are, without links."""
        return self._root

    def is_dir(self, path: str) -> bool:
        """Whether there is such a folder."""
        found = self._inside(path)
        return found is not None and found.is_dir()

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        found = self._inside(path)
        return found is not None and found.is_file()

    def text(self, path: str) -> str:
        """A file's content; empty when it is not there, is no text, or is far too large for a manifest."""
        found = self._inside(path)
        try:
            if found is None or not found.is_file() or found.stat().st_size > _LARGEST:
                return ""
            return found.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def list(self, path: str) -> list[str]:
        """The names in a folder; empty when there is none. Git's own folder is none of the repository's."""
        found = self._inside(path)
        try:
            return sorted(item.name for item in found.iterdir() if item.name != ".git") if found is not None else []
        except OSError:
            return []

    def _inside(self, path: str) -> Path | None:
        """The path if it is there. A manifest chooses it: it may lead out of the repository, or be no path at all."""
        try:
            found = (self._root / path.lstrip("/")).resolve()
            found.stat()
        except (OSError, ValueError, RuntimeError):
            return None
        return found if found.is_relative_to(self._root) else None


def repository_of(place: Path) -> Path | None:
    """The root of the Git checkout that holds `place`, or the platform that does without Git, or None."""
    around = (place.resolve(), *place.resolve().parents)
    for folder in around:
        if (folder / ".git").exists():
            return folder
    project = project_dir().resolve()
    return project if project in around else None
