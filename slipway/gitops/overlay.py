"""The image of an application in an overlay's `kustomization.yaml`: read it, set it, and nothing else.

Plain text in, plain text out. Comments, order and quoting stay as the author wrote them.
"""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slipway.errors import SlipwayError
from slipway.images.naming import ImageRef, repository_of

__all__ = ["image_in", "image_name", "with_image"]

_FLUSH_LIST = re.compile(r"^\w[^\n]*:\n- ", re.MULTILINE)


def image_in(text: str, app: str) -> ImageRef | None:
    """The image that the overlay sets for the application; None when it sets none."""
    entry = _entry(_load(text), app)
    return ImageRef(str(entry.get("newTag", "")), str(entry.get("digest", ""))) if entry is not None else None


def image_name(text: str, app: str) -> str:
    """The image's name in the manifests: the overlay's own entry, else the default."""
    entry = _entry(_load(text), app)
    return str(entry["name"]) if entry is not None else repository_of(app)


def with_image(text: str, app: str, image: ImageRef) -> str:
    """The overlay with this image; the very same text when it says so already."""
    if image_in(text, app) == ImageRef(image.tag, image.digest):
        return text
    document = _load(text)
    entry = _entry(document, app)
    if entry is None:
        entry = {"name": repository_of(app)}
        document.setdefault("images", []).append(entry)
    entry["newTag"] = image.tag
    if image.digest:
        entry["digest"] = image.digest
    else:
        entry.pop("digest", None)
    return _dump(document, flush=bool(_FLUSH_LIST.search(text)))


def _entry(document: Any, app: str) -> Any:
    found = [entry for entry in document.get("images") or [] if str(entry.get("name", "")).rpartition("/")[2] == app]
    if len(found) > 1:
        raise SlipwayError(
            f"{len(found)} entries under `images` name {app}",
            code="OVERLAY_IMAGES",
            where="kustomization.yaml",
            remedy="keep one entry for each image",
        )
    return found[0] if found else None


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    # Long lines stay long: a fold would be a change that nobody asked for.
    yaml.width = 4096
    return yaml


def _load(text: str) -> Any:
    try:
        document = _yaml().load(text)
    except YAMLError as broken:
        raise SlipwayError(
            f"not YAML: {broken}", code="OVERLAY_YAML", where="kustomization.yaml", remedy="correct it in Git"
        ) from broken
    if not hasattr(document, "get"):
        raise SlipwayError("not a mapping", code="OVERLAY_YAML", where="kustomization.yaml", remedy="correct it in Git")
    return document


def _dump(document: Any, *, flush: bool) -> str:
    yaml = _yaml()
    yaml.indent(mapping=2, sequence=2 if flush else 4, offset=0 if flush else 2)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
