"""How images are named: `ghcr.io/<owner>/<app>:<tag>@<digest>`, and which tags are allowed.

A tag says which source an image was built from and never moves. Names that move (`latest`, an environment) are
refused: what runs under them could not be told from Git.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway.errors import UsageError

__all__ = ["IMAGE_PREFIX", "ImageRef", "parse", "repository_of"]

IMAGE_PREFIX = "ghcr.io/slipway-gitops"

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MOVING = frozenset({"canary", "dev", "edge", "latest", "main", "master", "nightly", "prod", "qa", "stable", "staging"})


@dataclass(frozen=True)
class ImageRef:
    """An exact image: its tag, and the digest of what the tag names."""

    tag: str
    digest: str = ""

    def of(self, name: str) -> str:
        """The full reference of this image under the name."""
        return f"{name}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


def repository_of(app: str) -> str:
    """The name of an application's image, as manifests say it."""
    return f"{IMAGE_PREFIX}/{app}"


def parse(text: str) -> ImageRef:
    """`<tag>` or `<tag>@sha256:...`; raises `UsageError` for a form that is neither, or a tag that moves."""
    tag, at, digest = text.partition("@")
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"{text!r} is not a tag",
            code="IMAGE_TAG",
            remedy="give <tag> or <tag>@sha256:<64 hex digits>, for example git-0123456789ab",
        )
    if at and not _DIGEST.fullmatch(digest):
        raise UsageError(
            f"{digest!r} is not a digest", code="IMAGE_DIGEST", remedy="a digest is sha256: and 64 hex digits"
        )
    if tag in _MOVING:
        raise UsageError(
            f"the tag {tag!r} can move to another image",
            code="MUTABLE_TAG",
            remedy="use the tag that `slipway image build` printed: it names the commit",
        )
    return ImageRef(tag, digest)
