"""What a registry holds: the digest behind a tag, by the registry's HTTP API."""

from __future__ import annotations

import http.client
import ipaddress

from slipway.errors import SlipwayError

__all__ = ["digest_of", "is_local", "path_in"]

_TIMEOUT_S = 10
_ACCEPTED = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def is_local(registry: str) -> bool:
    """Whether the registry is on this machine: only there plain HTTP is right."""
    host = registry.rpartition(":")[0] or registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def path_in(repository: str) -> str:
    """`ghcr.io/owner/app` -> `owner/app`: the name of a repository inside a registry that mirrors its host."""
    return repository.partition("/")[2]


def digest_of(registry: str, path: str, tag: str) -> str | None:
    """The digest behind a tag, or None when the registry has no such tag."""
    kind = http.client.HTTPConnection if is_local(registry) else http.client.HTTPSConnection
    connection = kind(registry, timeout=_TIMEOUT_S)
    try:
        connection.request("HEAD", f"/v2/{path}/manifests/{tag}", headers={"Accept": _ACCEPTED})
        answer = connection.getresponse()
    except OSError as failure:
        raise SlipwayError(
            f"the registry does not answer: {failure}",
            code="REGISTRY_DOWN",
            where=registry,
            remedy="`slipway sandbox status` shows whether the sandbox's registry runs",
        ) from failure
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise SlipwayError(
            f"the registry answered HTTP {answer.status} for {path}:{tag}",
            code="REGISTRY_REFUSED",
            where=registry,
            remedy="check the name and your access to this registry",
        )
    return answer.headers.get("Docker-Content-Digest") or None
