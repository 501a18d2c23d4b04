"""What each image of the sandbox is made of.

One recipe per image: the upstream reference it answers to, Debian packages, files of our own, built tools, and the
container's configuration. A recipe says what to put in; `debian.py` and `build.py` know how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import settings
from slipway import paths
from slipway.errors import SlipwayError

__all__ = [
    "ARGOCD_VERSION",
    "PYTHON_BASE",
    "PYTHON_DECLARED",
    "Difference",
    "Folder",
    "Link",
    "Recipe",
    "Text",
    "recipes",
]

ARGOCD_VERSION = "v3.5.3"
PYTHON_BASE = f"{settings.REGISTRY}/slipway/python:3.11.2-bookworm"
# The base image that the applications' Dockerfiles declare.
PYTHON_DECLARED = "docker.io/library/python:3.11.14-slim-bookworm"

# What a root file system needs before anything else in it works: users, a shell, the C library, certificates.
_BASE = ("base-files", "base-passwd", "ca-certificates", "coreutils", "dash", "libc-bin", "libc6")


@dataclass(frozen=True)
class Text:
    """A file with this content."""

    content: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Folder:
    """An empty folder."""

    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Difference:
    """What runs under a name that declares something else."""

    component: str
    # May hold `{version}`: the upstream version of `package`.
    runs: str
    reason: str
    package: str = ""
    # When it is not the image's own reference.
    declared: str = ""


@dataclass(frozen=True)
class Recipe:
    """One image."""

    name: str
    # The reference that manifests use, unmodified.
    reference: str
    # Debian packages; what they depend on comes along.
    packages: tuple[str, ...] = ()
    # Dependencies that only serve package management or interactive use: left out.
    without: tuple[str, ...] = ()
    # Path in the image -> file, folder or link of our own.
    entries: dict[str, Text | Folder | Link] = field(default_factory=dict)
    # Path in the image -> name of a built tool.
    tools: dict[str, str] = field(default_factory=dict)
    # Path in the image -> file on this machine.
    files: dict[str, Path] = field(default_factory=dict)
    # The OCI image's `config`.
    config: dict[str, object] = field(default_factory=dict)
    # What the inventory says when this is not what the name promises.
    difference: Difference | None = None


_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# No maintainer script runs when an image is made, so what only those need is dead weight.
_UNUSED = (
    "adduser", "apt", "debconf", "debianutils", "dpkg", "init-system-helpers", "libaudit-common", "libaudit1",
    "libcap-ng0", "libdb5.3", "libdebconfclient0", "libpam-modules", "libpam-modules-bin", "libpam-runtime",
    "libpam0g", "libsemanage-common", "libsemanage2", "libsepol2", "lsb-base", "passwd", "perl-base",
    "sysvinit-utils", "tar", "zlib1g-dev",
)  # fmt: skip
_PERL = (
    "git-man", "liberror-perl", "libfile-find-rule-perl", "libgdbm-compat4", "libgdbm6", "libnumber-compare-perl",
    "libperl5.36", "libtext-glob-perl", "perl", "perl-modules-5.36",
)  # fmt: skip

_ARGOCD_PACKAGES = (
    "bash", "connect-proxy", "git", "git-lfs", "gpg", "gpg-agent", "grep", "openssh-client", "sed", "tini", "tzdata",
)  # fmt: skip

_LFS = """\
[filter "lfs"]
\tclean = git-lfs clean -- %f
\tsmudge = git-lfs smudge -- %f
\tprocess = git-lfs filter-process
\trequired = true
"""

_ARGOCD_ROLES = (
    "server", "repo-server", "cmp-server", "application-controller", "dex", "notifications",
    "applicationset-controller", "k8s-auth", "commit-server",
)  # fmt: skip


def _argocd() -> Recipe:
    upstream = paths.mirror_dir() / "argo-cd" / ARGOCD_VERSION / "image"
    scripts = ("entrypoint.sh", "gpg-wrapper.sh", "git-verify-wrapper.sh")
    links: dict[str, Text | Folder | Link] = {
        f"usr/local/bin/argocd-{role}": Link("/usr/local/bin/argocd") for role in _ARGOCD_ROLES
    }
    return Recipe(
        name="argocd",
        reference=f"quay.io/argoproj/argocd:{ARGOCD_VERSION}",
        packages=(*_BASE, *_ARGOCD_PACKAGES),
        without=(*_UNUSED, *_PERL, "pinentry-curses"),
        entries={
            **links,
            "usr/local/bin/uid_entrypoint.sh": Link("/usr/local/bin/entrypoint.sh"),
            "etc/passwd": _users("argocd:x:999:999::/home/argocd:/bin/sh"),
            "etc/group": _groups("argocd:x:999:"),
            "etc/gitconfig": Text(_LFS),
            "etc/ssh/ssh_known_hosts": Link("/app/config/ssh/ssh_known_hosts"),
            "home/argocd": Folder(0o775, uid=999),
            "app/config/ssh/ssh_known_hosts": Text(""),
            "app/config/tls": Folder(),
            "app/config/gpg/source": Folder(),
            "app/config/gpg/keys": Folder(0o700, uid=999),
        },
        tools={f"usr/local/bin/{tool}": tool for tool in ("argocd", "helm", "kustomize")},
        files={f"usr/local/bin/{script}": upstream / script for script in scripts},
        config={
            "Entrypoint": ["/usr/bin/tini", "--"],
            "Env": [_PATH, "ARGOCD_USER_ID=999", "USER=argocd", "GRPC_ENABLE_TXT_SERVICE_CONFIG=false"],
            "User": "999",
            "WorkingDir": "/home/argocd",
        },
        difference=Difference(
            component="argocd",
            runs=f"argocd {ARGOCD_VERSION} without its web interface, with git {{version}} (Debian 12)",
            reason="the Go module does not hold the web interface; API, CLI and webhooks are the same",
            package="git",
        ),
    )


def _redis() -> Recipe:
    return Recipe(
        name="redis",
        reference=_redis_reference(),
        packages=(*_BASE, "redis-server", "redis-tools"),
        without=_UNUSED,
        entries={
            "etc/passwd": _users("redis:x:999:1000::/data:/bin/sh"),
            "etc/group": _groups("redis:x:1000:"),
            "data": Folder(uid=999, gid=1000),
        },
        config={
            "Entrypoint": ["/usr/bin/redis-server"],
            "Env": [_PATH],
            "User": "999",
            "WorkingDir": "/data",
            "ExposedPorts": {"6379/tcp": {}},
        },
        difference=Difference(
            component="redis",
            runs="redis {version} (Debian 12)",
            reason="the sandbox makes its images from Debian packages, and Debian 12 has this Redis",
            package="redis-server",
        ),
    )


def _redis_reference() -> str:
    manifest = paths.mirror_dir() / "argo-cd" / ARGOCD_VERSION / "install.yaml"
    if not manifest.exists():
        raise SlipwayError(
            "Argo CD's install manifest is not in the mirror",
            code="MIRROR_MISSING",
            where=str(manifest),
            remedy="slipway tools build",
        )
    found: list[str] = sorted(set(re.findall(r"image: *[\"']?(\S+/redis:[^\s\"']+)", manifest.read_text("utf-8"))))
    if len(found) != 1:
        raise SlipwayError(
            f"expected one Redis image in Argo CD's install manifest, found {found}",
            code="MIRROR_MISMATCH",
            where=str(manifest),
            remedy="delete this folder and run `slipway tools build`",
        )
    return found[0]


def _traefik() -> Recipe:
    return Recipe(
        name="traefik",
        reference="docker.io/library/traefik:v3.7.10",
        packages=("base-files", "ca-certificates", "tzdata"),
        without=("*dependencies*",),
        entries={"etc/passwd": _users(), "etc/group": _groups()},
        tools={"usr/local/bin/traefik": "traefik"},
        config={
            "Entrypoint": ["/usr/local/bin/traefik"],
            "Env": [_PATH],
            "ExposedPorts": {"80/tcp": {}},
        },
    )


def _python() -> Recipe:
    return Recipe(
        name="python",
        reference=PYTHON_BASE,
        packages=(*_BASE, "bash", "grep", "media-types", "python3", "python3-venv", "sed", "tzdata"),
        without=_UNUSED,
        entries={"etc/passwd": _users(), "etc/group": _groups()},
        config={"Cmd": ["python3"], "Env": [_PATH, "LANG=C.UTF-8"]},
        difference=Difference(
            component="python",
            runs="python {version} (Debian 12)",
            reason="the sandbox builds applications on a base image made from Debian packages",
            package="python3",
            declared=PYTHON_DECLARED,
        ),
    )


def _pause() -> Recipe:
    return Recipe(
        name="pause",
        reference=settings.PAUSE_IMAGE,
        tools={"pause": "pause"},
        config={"Entrypoint": ["/pause"], "User": "65535:65535", "Env": [_PATH]},
        difference=Difference(
            component="pause",
            runs="an own program of the same behaviour",
            reason="the sandbox makes its images itself",
        ),
    )


def _users(*extra: str) -> Text:
    lines = ("root:x:0:0:root:/root:/bin/sh", "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin", *extra)
    return Text("".join(f"{line}\n" for line in lines))


def _groups(*extra: str) -> Text:
    return Text("".join(f"{line}\n" for line in ("root:x:0:", "nogroup:x:65534:", *extra)))


def recipes() -> tuple[Recipe, ...]:
    """Every image of the sandbox."""
    return (_pause(), _argocd(), _redis(), _traefik(), _python())
