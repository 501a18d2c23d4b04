"""The sandbox's images: made here from Debian packages and built tools, under the names that upstream's manifests use.

`ensure` makes what is missing and fills the registry. It says what runs at another version, or with other content,
than the name declares: nothing may be hidden behind a tag.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox import settings
from sandbox.images.build import Image, Say, images
from sandbox.images.push import push
from sandbox.images.recipes import PYTHON_BASE, recipes

__all__ = ["PYTHON_BASE", "differences", "ensure"]


def ensure(state: Path, say: Say, registry: str = settings.REGISTRY) -> list[dict[str, Any]]:
    """Make the images that the cache lacks, put them into the running registry, and return the differences.

    `state` is the sandbox's folder: a blob that a power cut left short is removed from the registry's storage in it.
    """
    made = images(recipes(), say)
    for image in made:
        if push(image.layout, image.digest, image.recipe.reference, registry, state / "registry"):
            say(f"pushed {image.recipe.reference}")
    return differences(made)


def differences(made: list[Image]) -> list[dict[str, Any]]:
    """What runs under a name that declares something else."""
    return [
        {
            "component": known.component,
            "declared": known.declared or image.recipe.reference,
            "runs": known.runs.format(version=_upstream_version(image.packages.get(known.package, ""))),
            "reason": known.reason,
        }
        for image in made
        if (known := image.recipe.difference)
    ]


def _upstream_version(debian_version: str) -> str:
    """`5:7.0.15-1~deb12u5` -> `7.0.15`."""
    return debian_version.rpartition(":")[2].partition("-")[0]
