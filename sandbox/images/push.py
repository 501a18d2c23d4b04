"""Fills a registry from OCI layouts, through the registry's own HTTP API.

Only what the registry lacks is sent, so a full registry answers in milliseconds. Blobs are compared by size as well:
a machine that stopped while the registry wrote leaves short files under good names, which the registry would keep for
ever, so those are removed from its storage first.
"""

from __future__ import annotations

import http.client
import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from slipway.errors import SlipwayError

__all__ = ["push", "repository_and_tag"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_TIMEOUT_S = 120


def repository_and_tag(reference: str) -> tuple[str, str]:
    """`quay.io/argoproj/argocd:v3.5.3` -> (`argoproj/argocd`, `v3.5.3`): how containerd asks a mirror."""
    _, _, path = reference.partition("/")
    repository, _, tag = path.rpartition(":")
    return repository, tag


def push(layout: Path, digest: str, reference: str, registry: str, storage: Path) -> bool:
    """Put the image of a layout into the registry under its reference; False when it was there already.

    `storage` is the registry's own folder, for the repair of broken blobs.
    """
    repository, tag = repository_and_tag(reference)
    connection = http.client.HTTPConnection(registry, timeout=_TIMEOUT_S)
    try:
        return _push(connection, layout, digest, repository, tag, storage)
    except OSError as failure:
        raise SlipwayError(
            f"the registry does not answer: {failure}",
            code="REGISTRY_DOWN",
            where=f"http://{registry}",
            remedy="slipway sandbox status",
        ) from failure
    finally:
        connection.close()


def _push(
    connection: http.client.HTTPConnection, layout: Path, digest: str, repository: str, tag: str, storage: Path
) -> bool:
    manifest = _blob(layout, digest).read_bytes()
    parts = json.loads(manifest)
    _drop_broken(storage, digest, len(manifest))
    for part in (parts["config"], *parts["layers"]):
        _drop_broken(storage, part["digest"], part["size"])
    missing = [
        part
        for part in (parts["config"], *parts["layers"])
        if _length(connection, f"/v2/{repository}/blobs/{part['digest']}") != part["size"]
    ]
    if not missing and _tag_digest(connection, repository, tag) == digest:
        return False
    for part in missing:
        _upload(connection, repository, part["digest"], _blob(layout, part["digest"]))
    answer = _ask(connection, "PUT", f"/v2/{repository}/manifests/{tag}", manifest, {"Content-Type": _MANIFEST})
    _expect(answer, 201, f"{repository}:{tag}")
    return True


def _upload(connection: http.client.HTTPConnection, repository: str, digest: str, blob: Path) -> None:
    started = _ask(connection, "POST", f"/v2/{repository}/blobs/uploads/")
    _expect(started, 202, repository)
    location = urlsplit(started.headers["Location"])
    query = f"{location.query}&digest={digest}" if location.query else f"digest={digest}"
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.stat().st_size)}
    with blob.open("rb") as stream:
        connection.request("PUT", f"{location.path}?{query}", stream, headers)
        answer = connection.getresponse()
        answer.read()
    _expect(answer, 201, digest)


def _drop_broken(storage: Path, digest: str, size: int) -> None:
    name = digest.removeprefix("sha256:")
    kept = storage / "docker" / "registry" / "v2" / "blobs" / "sha256" / name[:2] / name
    data = kept / "data"
    if kept.exists() and (not data.exists() or data.stat().st_size != size):
        shutil.rmtree(kept)


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _length(connection: http.client.HTTPConnection, path: str) -> int:
    answer = _ask(connection, "HEAD", path)
    return int(answer.headers.get("Content-Length", -1)) if answer.status == 200 else -1


def _tag_digest(connection: http.client.HTTPConnection, repository: str, tag: str) -> str:
    answer = _ask(connection, "HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": _MANIFEST})
    return answer.headers.get("Docker-Content-Digest", "") if answer.status == 200 else ""


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> http.client.HTTPResponse:
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer


def _expect(answer: http.client.HTTPResponse, status: int, what: str) -> None:
    if answer.status != status:
        raise SlipwayError(
            f"the registry answered HTTP {answer.status} to {what}",
            code="REGISTRY_REFUSED",
            remedy="slipway sandbox logs registry",
        )
