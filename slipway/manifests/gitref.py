"""The files of a commit, branch or tag, in a folder that goes away again."""

from __future__ import annotations

import difflib
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from slipway.errors import SlipwayError, UsageError
from slipway.run import CommandFailed, run

__all__ = ["checkout"]

_TIMEOUT_S = 60


@contextmanager
def checkout(ref: str, repository: Path) -> Iterator[Path]:
    """A temporary folder with the whole tree of `ref`, as it was committed; the work tree is not touched.

    Links that lead out of the tree are left out. Raises `UsageError`: NOT_A_CHECKOUT, UNKNOWN_REF; `SlipwayError`
    (GIT_ARCHIVE) when git cannot give all of it.
    """
    commit = _commit(ref, repository)
    with tempfile.TemporaryDirectory(prefix="slipway-ref-") as scratch:
        # Without links, as paths below it are compared with what they resolve to.
        place = Path(scratch).resolve()
        tree = place / "tree"
        tree.mkdir()
        _unpack(commit, repository, place, tree)
        yield tree


def _commit(ref: str, repository: Path) -> str:
    try:
        _git(repository, "rev-parse", "--git-dir")
    except CommandFailed as failure:
        raise UsageError(
            "not a Git checkout", code="NOT_A_CHECKOUT", where=str(repository), remedy="run it inside one"
        ) from failure
    try:
        return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except CommandFailed as failure:
        known = _git(repository, "for-each-ref", "--format=%(refname:short)").split()
        near = difflib.get_close_matches(ref, known, n=3)
        hint = f"did you mean {', '.join(near)}? " if near else ""
        raise UsageError(
            f"no commit, branch or tag is called '{ref}'",
            code="UNKNOWN_REF",
            where=str(repository),
            remedy=f"{hint}`git branch --all` and `git tag` list them; `git fetch` brings those of the server",
        ) from failure


def _unpack(commit: str, repository: Path, scratch: Path, tree: Path) -> None:
    # A commit can keep files out of archives by its attributes (export-ignore), and a check must see them. Those of
    # the repository itself come first, and this one has its own.
    bare = scratch / "bare"
    objects = Path(repository, _git(repository, "rev-parse", "--git-path", "objects")).resolve()
    form = _git(repository, "rev-parse", "--show-object-format")
    _git(repository, "init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(bare))
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "attributes").write_text("* -export-ignore -export-subst\n", encoding="utf-8")
    # In the variable of the same purpose a colon would end the path.
    (bare / "objects" / "info" / "alternates").write_bytes(os.fsencode(objects) + b"\n")
    argv = ["git", f"--git-dir={bare}", "archive", "--format=tar", commit]
    words = scratch / "words"
    said: object = ""
    with (
        words.open("wb") as stderr,
        subprocess.Popen(argv, env=_environment(), stdout=subprocess.PIPE, stderr=stderr) as process,
    ):
        assert process.stdout
        try:
            _extract(process.stdout, tree)
        except (tarfile.TarError, OSError) as error:
            process.kill()
            said = error
    if process.returncode or said:
        told = words.read_text("utf-8", "replace").strip()
        raise SlipwayError(
            f"git cannot give the files of {commit[:12]}: {told or said or f'status {process.returncode}'}",
            code="GIT_ARCHIVE",
            where=str(repository),
            remedy="`git fsck` tells whether the repository is whole",
        )


def _extract(stream: IO[bytes], tree: Path) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            try:
                archive.extract(member, tree, filter="data")
            except tarfile.FilterError:
                # It would be written, or lead, outside of the folder.
                continue
    # git ends well only when it could write all of it.
    while stream.read(1 << 16):
        pass


def _git(repository: Path, *arguments: str) -> str:
    return run(["git", "-C", repository, *arguments], env=_environment(), timeout=_TIMEOUT_S).stdout.strip()


def _environment() -> dict[str, str]:
    # A caller's GIT_DIR (we may run inside a hook) would name another repository.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
