"""Builds an application's image from its Dockerfile and pushes it, without a daemon.

buildah works in a scratch folder that is removed afterwards, so nothing of a build stays behind: no storage, no mount,
no process. What is already in the registry under the tag is not built again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway import paths
from slipway.errors import SlipwayError
from slipway.images import pip_settings
from slipway.images.naming import ImageRef, repository_of
from slipway.images.registry import digest_of, is_local, path_in
from slipway.images.source import Source, source_of
from slipway.run import CommandFailed, run

__all__ = ["BuiltImage", "build"]

_TIMEOUT_S = 900


@dataclass(frozen=True)
class BuiltImage(ImageRef):
    """An application's image as the registry holds it."""

    # The name that manifests say, with tag and digest.
    reference: str = ""
    # False when the registry had it already.
    built: bool = False
    seconds: float = 0.0


def build(
    app: str,
    registry: str,
    *,
    base_image: str | None = None,
    push: bool = True,
    project: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> BuiltImage:
    """Build the application's image and push it to the registry; skipped when the registry has its tag.

    `base_image` replaces the Dockerfile's own (a build argument). Without `push` the build is only tried.
    """
    started = time.monotonic()
    source = source_of(app, project or paths.project_dir())
    repository = repository_of(app)
    known = digest_of(registry, path_in(repository), source.tag) if push else None
    digest = known or _build(source, f"{registry}/{path_in(repository)}:{source.tag}", base_image, push, say)
    reference = ImageRef(source.tag, digest).of(repository)
    return BuiltImage(source.tag, digest, reference, known is None, round(time.monotonic() - started, 2))


def _build(source: Source, target: str, base_image: str | None, push: bool, say: Callable[[str], None]) -> str:
    buildah = shutil.which("buildah")
    if buildah is None:
        raise SlipwayError(
            "buildah is not installed",
            code="PACKAGE_MISSING",
            remedy="apt-get install -y --no-install-recommends buildah",
        )
    with _scratch() as scratch:
        # vfs: overlay needs a file system under it that allows overlays, and leaves mounts when it is interrupted.
        tool: list[str | Path] = [
            buildah,
            "--root",
            scratch / "root",
            "--runroot",
            scratch / "run",
            "--storage-driver",
            "vfs",
        ]
        tls = f"--tls-verify={'false' if is_local(target.partition('/')[0]) else 'true'}"
        say(f"building {source.app} {source.tag}")
        arguments = ["--build-arg", f"BASE_IMAGE={base_image}"] if base_image else []
        base_tls = [f"--tls-verify={'false' if base_image and is_local(base_image.partition('/')[0]) else 'true'}"]
        run_build = [*tool, "build", "--isolation", "chroot", "--network", "host", *base_tls, *arguments]
        _run([*run_build, *_volumes(scratch), "--tag", target, source.folder], f"apps/{source.app}/Dockerfile")
        if not push:
            return ""
        say(f"pushing {target}")
        digest = scratch / "digest"
        _run([*tool, "push", tls, "--digestfile", digest, target, f"docker://{target}"], target)
        return digest.read_text("utf-8").strip()


def _volumes(scratch: Path) -> list[str]:
    settings = pip_settings.read(os.environ, Path.home())
    config = scratch / "pip.conf"
    pip_settings.write(settings, config)
    mounted = [(config, Path("/etc/pip.conf")), *((path, path) for path in pip_settings.mounts(settings))]
    return [word for source, target in mounted for word in ("--volume", f"{source.resolve()}:{target}:ro")]


def _run(argv: list[str | Path], where: str) -> None:
    try:
        run(argv, timeout=_TIMEOUT_S)
    except CommandFailed as failure:
        raise SlipwayError(
            failure.what,
            code="IMAGE_BUILD",
            where=where,
            remedy="the last lines say which step failed; `slipway sandbox status` shows whether the registry runs",
        ) from failure


@contextmanager
def _scratch() -> Iterator[Path]:
    parent = paths.cache_dir() / "builds"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)
