"""Images of applications: their names, their immutable tags, how they are built, and what a registry holds."""

from slipway.images.builder import BuiltImage, build
from slipway.images.naming import ImageRef, parse, repository_of
from slipway.images.registry import digest_of
from slipway.images.source import Source, source_of

__all__ = ["BuiltImage", "ImageRef", "Source", "build", "digest_of", "parse", "repository_of", "source_of"]
