"""Where things live: the checkout, its ignored state, and the user's cache.

Two places only. `.sandbox/` and `.state/` in the checkout hold what belongs to this checkout; the user cache
holds what is expensive to make and the same for every checkout (built tools, image layers, the mirror).
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_dir", "mirror_dir", "project_dir", "sandbox_dir", "state_dir"]


def project_dir() -> Path:
    """The root of the checkout: the folder that holds `Pulumi.yaml`."""
    return Path(os.environ.get("SLIPWAY_PROJECT_DIR") or Path(__file__).resolve().parent.parent)


def sandbox_dir() -> Path:
    """The sandbox's state (`.sandbox/`): certificates, etcd, containers, registry, Git."""
    return Path(os.environ.get("SLIPWAY_SANDBOX_DIR") or project_dir() / ".sandbox")


def state_dir() -> Path:
    """The default Pulumi file backend (`.state/`)."""
    return project_dir() / ".state"


def cache_dir() -> Path:
    """The user's cache: `$SLIPWAY_CACHE`, else `$XDG_CACHE_HOME/slipway`, else `~/.cache/slipway`."""
    if explicit := os.environ.get("SLIPWAY_CACHE"):
        return Path(explicit)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


def mirror_dir() -> Path:
    """Upstream manifests and charts, copied out of the Go modules that the tools are built from."""
    return cache_dir() / "mirror"
