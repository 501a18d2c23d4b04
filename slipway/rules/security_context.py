"""Reads how a Pod and its containers are confined. The rules about it stand on these helpers.

A fault's path is the faulty field where it is written down, else the `securityContext` that ought to hold it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slipway.rules.model import Path
from slipway.rules.pods import Container, PodView
from slipway.rules.shape import dig, mapping, text

__all__ = ["IN_USER_NAMESPACE", "ON_WINDOWS", "everywhere", "field", "in_user_namespace", "named", "on_windows"]
__all__ += ["security_of", "setters"]

_NAMES = {"container": "container", "init": "init container", "sidecar": "sidecar", "ephemeral": "ephemeral container"}

ON_WINDOWS = "(has(variables.spec.os) && has(variables.spec.os.name) && variables.spec.os.name == 'windows')"
"""CEL for `on_windows`."""
IN_USER_NAMESPACE = "(has(variables.spec.hostUsers) && !variables.spec.hostUsers)"
"""CEL for `in_user_namespace`."""


def named(container: Container | None) -> str:
    """`container 'web'`, `init container 'wait'`; `the Pod` for None."""
    return "the Pod" if container is None else f"{_NAMES[container.role]} '{container.name}'"


def security_of(container: Container) -> dict[str, Any]:
    """The container's own securityContext, empty when it has none."""
    return mapping(container.spec.get("securityContext"))


def setters(pod: PodView) -> Iterator[tuple[Container | None, Path, dict[str, Any]]]:
    """Each securityContext there is: the container it belongs to (None: the Pod's), its path, its content."""
    own = pod.spec.get("securityContext")
    if isinstance(own, dict):
        yield None, (*pod.path, "securityContext"), own
    for container in pod.containers:
        own = container.spec.get("securityContext")
        if isinstance(own, dict):
            yield container, (*container.path, "securityContext"), own


def field(container: Container, *keys: str) -> Path:
    """The path of a securityContext's field, or of the securityContext when the field is not written down."""
    base: Path = (*container.path, "securityContext")
    return base if dig(container.spec, "securityContext", *keys) is None else (*base, *keys)


def on_windows(pod: PodView) -> bool:
    """The Pod says that it is for Windows, which has none of the Linux settings: the API server refuses them there."""
    return text(dig(pod.spec, "os", "name")) == "windows"


def in_user_namespace(pod: PodView) -> bool:
    """The Pod's users are not the host's, root included."""
    return pod.spec.get("hostUsers") is False


def everywhere(condition: str) -> str:
    """CEL: the condition holds of the Pod and of each container; `@` in it is whose `securityContext` is meant."""
    of_containers = f"variables.containers.all(c, {condition.replace('@', 'c')})"
    return f"({condition.replace('@', 'variables.spec')}) && {of_containers}"
