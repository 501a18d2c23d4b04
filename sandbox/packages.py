"""The Debian packages that the sandbox needs, and their installation without starting any service."""

from __future__ import annotations

import os
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.run import run

__all__ = ["NEEDED", "install", "missing", "require"]

# Package -> why, so that a person asked to install it can judge.
NEEDED = {
    "containerd": "runs containers",
    "runc": "runs containers",
    "containernetworking-plugins": "connects pods to the bridge",
    "iptables": "services, and the guard that keeps the sandbox on this machine",
    "conntrack": "kube-proxy drops stale connections with it",
    "iproute2": "makes the bridge",
    "ethtool": "the kubelet reads link properties with it",
    "socat": "kubectl port-forward",
    "kmod": "loads kernel modules",
    "buildah": "builds an app's Dockerfile",
    "docker-registry": "the registry",
    "lighttpd": "the Git server's HTTP side",
    "git": "the Git server",
}
POLICY = Path("/usr/sbin/policy-rc.d")
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt: 101 forbids every service action.
FORBID_SERVICES = "#!/bin/sh\nexit 101\n"


def missing(status: Path = Path("/var/lib/dpkg/status")) -> list[str]:
    """The needed packages that dpkg does not know as installed."""
    present: set[str] = set()
    name = ""
    try:
        lines = status.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        if line.startswith("Package: "):
            name = line.removeprefix("Package: ").strip()
        elif line.startswith("Status: ") and line.endswith(" installed"):
            present.add(name)
    return [package for package in NEEDED if package not in present]


def command(packages: list[str]) -> str:
    """The command that installs these packages."""
    return f"apt-get install -y --no-install-recommends {' '.join(packages)}"


def require() -> None:
    """Raise when a package is missing, with the command that installs it."""
    absent = missing()
    if absent:
        raise SlipwayError(
            f"missing Debian packages: {', '.join(f'{name} ({NEEDED[name]})' for name in absent)}",
            code="PACKAGE_MISSING",
            remedy=f"as root: slipway sandbox packages --install   (or: {command(absent)})",
        )


def _has_lists(folder: Path = Path("/var/lib/apt/lists")) -> bool:
    # The images of the sandbox are made from packages that these lists name; container images come without them.
    return any(folder.glob("*_Packages*"))


def install() -> list[str]:
    """Install what is missing, starting no service; returns the packages that were installed."""
    absent = missing()
    if not absent and _has_lists():
        return []
    if os.geteuid() != 0:
        remedy = f"as root: {command(absent) if absent else 'apt-get update'}"
        raise SlipwayError("only root can install packages", code="NOT_ROOT", remedy=remedy)
    # Our own text there is what a killed run left.
    own_policy = not POLICY.exists() or POLICY.read_text() == FORBID_SERVICES
    if own_policy:
        POLICY.write_text(FORBID_SERVICES)
        POLICY.chmod(0o755)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update", "-q"], env=environment, timeout=300)
        if absent:
            run(command(absent).split(), env=environment, timeout=1200)
    finally:
        if own_policy:
            POLICY.unlink()
    return absent
