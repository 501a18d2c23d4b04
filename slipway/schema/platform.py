"""The kinds that the platform adds: Argo CD's and the Gateway API's, out of the mirror of upstream's manifests."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import orjson
import yaml

from slipway.paths import cache_dir
from slipway.schema.crd import CustomKind, custom_kinds

__all__ = ["platform_crds"]

_FORM = 1
"""Goes up when `crd.py` converts differently, so that older caches are not read."""
_NUMBER = re.compile(r"\d+")


def platform_crds(mirror: Path, cache: Path | None = None) -> list[CustomKind]:
    """Every kind that the mirror's manifests define; of several versions of a manifest the newest counts.

    Reading upstream's manifests takes half a second and more, so what comes of it is kept in `cache` (the user's, when
    left out) under the content's hash. What is not in the mirror is not known: its kinds cannot be assessed.
    """
    found: dict[tuple[str, str], CustomKind] = {}
    for manifest in sorted(mirror.glob("*/*/*.yaml"), key=_by_version):
        for kind in _kinds(manifest, cache or cache_dir() / "schemas"):
            found[kind.api_version, kind.kind] = kind
    return list(found.values())


def _by_version(manifest: Path) -> tuple[str, list[int], str]:
    version = manifest.parent.name
    return manifest.parent.parent.name, [int(number) for number in _NUMBER.findall(version)], manifest.name


def _kinds(manifest: Path, cache: Path) -> list[CustomKind]:
    content = manifest.read_bytes()
    if b"CustomResourceDefinition" not in content:
        return []
    kept = cache / f"crds-{_FORM}-{hashlib.sha256(content).hexdigest()[:32]}.json"
    try:
        return [CustomKind(**entry) for entry in orjson.loads(kept.read_bytes())]
    except (OSError, ValueError, TypeError):
        # Not there yet, or not as we wrote it: made anew.
        pass
    kinds = [kind for document in _documents(content) for kind in custom_kinds(document)]
    _keep(kept, kinds)
    return kinds


def _documents(content: bytes) -> list[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Any] = []
    # Most of the manifest is not asked for.
    for part in re.split(rb"^---[ \t]*$", content, flags=re.MULTILINE):
        if b"CustomResourceDefinition" in part:
            try:
                found += yaml.load_all(part, Loader=loader)
            except yaml.YAMLError:
                continue
    return [item for item in found if isinstance(item, dict) and item.get("kind") == "CustomResourceDefinition"]


def _keep(place: Path, kinds: list[CustomKind]) -> None:
    entries = [
        {"api_version": kind.api_version, "kind": kind.kind, "served": kind.served, "schema": kind.schema}
        for kind in kinds
    ]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Two processes may write at once: each its own file, and the rename is one step.
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=place.name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(orjson.dumps(entries))
        Path(name).replace(place)
    except OSError:
        # A cache that cannot be written costs time, nothing else.
        pass
