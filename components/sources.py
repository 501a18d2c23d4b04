"""Every upstream manifest and image that the platform installs, each with its exact version: the one place for them.

An entry is redirected to a mirror (a local folder) by the stack's `sources`; that is what the sandbox does, and
what a user without the Internet needs. Nothing from upstream is committed to this repository.
"""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from components.errors import ProgramError, suggest

__all__ = ["SOURCES", "Source", "find", "load", "mirror_dir", "resolve"]

Kind = Literal["manifest", "image"]
Mode = Literal["upstream", "mirror"]


@dataclass(frozen=True)
class Source:
    """One upstream artefact. `upstream` and `path` hold `{version}`, so that a bot changes one line."""

    name: str
    kind: Kind
    version: str
    # A URL for a manifest, a repository for an image.
    upstream: str
    # Below the mirror; images are mirrored by the container runtime under their own names.
    path: str = ""


SOURCES: tuple[Source, ...] = (
    Source(
        name="argo-cd",
        kind="manifest",
        version="v3.5.3",
        upstream="https://raw.githubusercontent.com/argoproj/argo-cd/{version}/manifests/install.yaml",
        path="argo-cd/{version}/install.yaml",
    ),
    # The version in Traefik's go.mod: its informers and these CRDs must know the same fields.
    Source(
        name="gateway-api",
        kind="manifest",
        version="v1.6.1",
        upstream="https://github.com/kubernetes-sigs/gateway-api/releases/download/{version}/standard-install.yaml",
        path="gateway-api/{version}/standard-install.yaml",
    ),
    Source(name="traefik", kind="image", version="v3.7.10", upstream="docker.io/library/traefik"),
)


def find(name: str) -> Source:
    """The entry called `name`."""
    for source in SOURCES:
        if source.name == name:
            return source
    names = [source.name for source in SOURCES]
    raise ProgramError(f"no source is called '{name}'{suggest(name, names)}; there are: {', '.join(names)}")


def mirror_dir() -> Path:
    """The mirror that `slipway tools build` fills, in the user's cache."""
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SLIPWAY_CACHE") or Path(cache_home) / "slipway") / "mirror"


def resolve(name: str, mode: Mode, location: str | None = None) -> str:
    """Where to get `name`: an image reference, a URL, or a file of the mirror that is known to be there."""
    source = find(name)
    if source.kind == "image":
        return f"{source.upstream}:{source.version}"
    if mode == "upstream":
        return source.upstream.format(version=source.version)
    root = Path(location).expanduser() if location else mirror_dir()
    path = root / source.path.format(version=source.version)
    if not path.is_file():
        raise ProgramError(
            f"the mirror has no {name} {source.version}",
            where=str(path),
            remedy="put the file there, or set `slipway:sources` to upstream" if location else "slipway tools build",
        )
    return str(path)


def load(name: str, mode: Mode, location: str | None = None) -> list[dict[str, Any]]:
    """The Kubernetes objects of the manifest called `name`, as upstream released them."""
    place = resolve(name, mode, location)
    objects = [item for item in _documents(place) if isinstance(item, dict) and item.get("kind")]
    if not objects:
        raise ProgramError("the manifest holds no Kubernetes object", where=place)
    return objects


@cache
def _text(place: str) -> str:
    if not place.startswith("https://"):
        return Path(place).read_text(encoding="utf-8")
    try:
        with urllib.request.urlopen(place, timeout=30) as answer:  # noqa: S310 - its scheme was just checked
            content: bytes = answer.read()
    except OSError as error:
        raise ProgramError(
            f"the manifest cannot be fetched: {error}",
            where=place,
            remedy="set `slipway:sources` to mirror, and fill the mirror by `slipway tools build`",
        ) from None
    return content.decode("utf-8")


def _documents(place: str) -> list[Any]:
    # libyaml's parser reads Argo CD's 34,000 lines in 0.4 s, PyYAML's own in 10 s.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(yaml.load_all(_text(place), Loader=loader))
    except yaml.YAMLError as error:
        raise ProgramError(f"the manifest is not YAML: {error}", where=place) from None
