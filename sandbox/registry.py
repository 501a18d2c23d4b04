"""The sandbox's image registry: Debian's docker-registry with a configuration of our own.

It holds every image the node pulls, under the upstream repository names without their host
(`quay.io/argoproj/argocd` is `argoproj/argocd` here); containerd is told to ask it first. Debian's own
configuration is not used: it listens on all interfaces and asks for a password file.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sandbox import files, settings
from slipway.errors import SlipwayError

__all__ = ["program", "write_config"]


def _config_file(state: Path) -> Path:
    return state / "registry.yml"


def write_config(state: Path, address: str = settings.REGISTRY) -> None:
    """Write the registry's configuration; its storage is `state/registry`."""
    storage = state / "registry"
    storage.mkdir(parents=True, exist_ok=True)
    config = {
        "version": 0.1,
        "log": {"level": "warn", "formatter": "text", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            # No cache of blob descriptions: it would remember the size of a broken blob after its repair.
            # An upload that a power cut interrupted is useless: the next push starts again.
            "maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "24h", "dryrun": False}},
        },
        "http": {"addr": address},
    }
    # JSON is YAML: no template, and no quoting mistake for a path with a space.
    files.write_json(_config_file(state), config)


def program(state: Path) -> list[str]:
    """The command that serves the registry in the foreground."""
    binary = shutil.which("docker-registry", path="/usr/bin:/usr/local/bin")
    if binary is None:
        raise SlipwayError(
            "docker-registry is not installed",
            code="PACKAGE_MISSING",
            remedy="apt-get install -y --no-install-recommends docker-registry",
        )
    return [binary, "serve", str(_config_file(state))]
