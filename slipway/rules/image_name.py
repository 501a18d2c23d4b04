"""The parts of an image's name, as the distribution specification writes it: `[host/]path[:tag][@digest]`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

__all__ = ["ImageName", "image_name"]


@dataclass(frozen=True, slots=True)
class ImageName:
    """An image's name in parts; a part that is not written is empty."""

    repository: str
    """With the host where one is written."""
    tag: str
    digest: str

    @property
    def path(self) -> str:
        """The repository without its host: the first part is a host when it could not be anything else."""
        host, slash, path = self.repository.partition("/")
        return path if slash and ("." in host or ":" in host or host == "localhost") else self.repository


@lru_cache(maxsize=4096)
def image_name(reference: str) -> ImageName:
    """The parts of `reference`. Nothing is filled in: no `docker.io`, no `latest`."""
    rest, _, digest = reference.partition("@")
    repository, colon, tag = rest.rpartition(":")
    # A colon before the last slash belongs to the host's port.
    if not colon or "/" in tag:
        return ImageName(rest, "", digest)
    return ImageName(repository, tag, digest)
