"""An application's folder in the repository: complete, and in agreement with itself.

A folder is no Kubernetes object, so whoever reads a repository hands each one over as

    {"apiVersion": "slipway.dev/v1", "kind": "AppFolder", "metadata": {"name": "app1"},
     "spec": {"path": "apps/app1", "environments": ["dev", "staging", "prod"]}}

together with the repository. `environments` defaults to those three.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context, Repository, group_kind
from slipway.rules.dockerfile import Dockerfile, read_dockerfile
from slipway.rules.end_of_life import ended
from slipway.rules.image_name import image_name
from slipway.rules.kustomize_tree import FILE_NAMES, kustomization_in, tree
from slipway.rules.model import Category, NotAssessed, Object, Path, Severity, Violation
from slipway.rules.pods import pod_of
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, name_of, text

__all__ = ["APP_FOLDER", "app_folder"]

APP_FOLDER = "AppFolder.slipway.dev"
_KINDS = (APP_FOLDER,)
_ENVIRONMENTS = ("dev", "staging", "prod")
_PATH: Path = ("spec", "path")


def app_folder(path: str, environments: Iterable[str] = _ENVIRONMENTS) -> Object:
    """The object that stands for the folder `path`, which is given from the repository's root."""
    return {
        "apiVersion": "slipway.dev/v1",
        "kind": "AppFolder",
        "metadata": {"name": path.rstrip("/").rpartition("/")[2]},
        "spec": {"path": path.rstrip("/"), "environments": list(environments)},
    }


def _folder(item: Object, context: Context) -> tuple[Repository, str]:
    path = text(dig(item, "spec", "path"))
    if context.repository is None or not path:
        raise NotAssessed("there is no repository to look for the folder in")
    return context.repository, path


def _dockerfile(item: Object, context: Context) -> Dockerfile:
    repository, path = _folder(item, context)
    return read_dockerfile(repository.text(f"{path}/Dockerfile"))


@rule(
    id="app-folder-incomplete",
    title="An application's folder has all its parts",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="An overlay that is missing is an environment that Argo CD deletes or never makes; tests guard the rest.",
    remedy="Add the missing part; apps/app1 has all of them.",
    sources=("slipway:requirements-S1-49", "slipway:requirements-S1-51"),
    kinds=_KINDS,
)
def app_folder_incomplete(item: Object, context: Context) -> Iterable[Violation]:
    """Dockerfile, sources, tests, base, and one overlay for each environment."""
    repository, path = _folder(item, context)
    if not repository.is_dir(path):
        yield Violation(_PATH, f"the repository has no folder '{path}'")
        return
    if not repository.is_file(f"{path}/Dockerfile"):
        yield Violation(_PATH, "it has no Dockerfile")
    for folder in ("src", "test"):
        if not repository.is_dir(f"{path}/{folder}"):
            yield Violation(_PATH, f"it has no folder {folder}")
    wanted = [text(name) for name in listing(dig(item, "spec", "environments"))] or list(_ENVIRONMENTS)
    for folder in ("base", *(f"overlays/{name}" for name in wanted)):
        if not any(repository.is_file(f"{path}/k8s/{folder}/{name}") for name in FILE_NAMES):
            yield Violation(_PATH, f"it has no k8s/{folder}/kustomization.yaml")


@rule(
    id="app-source-overridden",
    title="What Argo CD renders is what lies in the overlay",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="Argo CD merges `.argocd-source.yaml` over the overlay (images, patches, even its folder), and nothing else "
    "reads it: what is deployed is not what was checked.",
    remedy="Remove the file; write into kustomization.yaml what it holds.",
    sources=("argo-cd:parameter-overrides",),
    kinds=_KINDS,
)
def app_source_overridden(item: Object, context: Context) -> Iterable[Violation]:
    """A `.argocd-source*.yaml` in an overlay or the base."""
    repository, path = _folder(item, context)
    overlays = [f"overlays/{name}" for name in repository.list(f"{path}/k8s/overlays")]
    for folder in ("base", *overlays):
        for name in repository.list(f"{path}/k8s/{folder}"):
            if name.startswith(".argocd-source"):
                yield Violation(_PATH, f"k8s/{folder}/{name} overrides what was checked")


@rule(
    id="app-port-mismatch",
    title="The image exposes the ports that the manifests name",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A port that nothing listens on fails its probe; one that no manifest names is reached by nobody.",
    remedy="Make `EXPOSE` in the Dockerfile and `containerPort` in the manifests say the same.",
    sources=("slipway:requirements-S3-49",),
    kinds=_KINDS,
)
def app_port_mismatch(item: Object, context: Context) -> Iterable[Violation]:
    """`EXPOSE` of the built image against `containerPort` of the containers that run it, in the base.

    A Dockerfile that exposes nothing says nothing. A container runs the image when their names end alike, or when it
    is the folder's only one.
    """
    repository, path = _folder(item, context)
    exposed = _dockerfile(item, context).ports
    named = _named_ports(repository, path, name_of(item)) if exposed else None
    if named is None:
        return
    for port in sorted(exposed - named):
        yield Violation(_PATH, f"port {port} is exposed by the Dockerfile and named in no manifest")
    for port in sorted(named - exposed):
        yield Violation(_PATH, f"port {port} is named in the manifests and not exposed by the Dockerfile")


def _named_ports(repository: Repository, path: str, app: str) -> set[int] | None:
    base = kustomization_in(repository, f"{path}/k8s/base")
    if base is None:
        return None
    containers = list(_containers(tree(repository, f"{path}/k8s/base", base[1]).objects))
    own = [spec for spec in containers if image_name(text(spec.get("image"))).path.rpartition("/")[2] == app]
    if not own and len(containers) == 1:
        own = containers
    if not own:
        return None
    ports = [entry.get("containerPort") for spec in own for _, entry in entries(spec.get("ports"))]
    return {port for port in ports if isinstance(port, int)}


def _containers(objects: Iterable[Object]) -> Iterator[dict[str, Any]]:
    for item in objects:
        pod = pod_of(item, group_kind(item))
        if pod is not None:
            yield from (container.spec for container in pod.main)


@rule(
    id="base-image-unpinned",
    title="Dockerfiles start from a version",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Without a tag two builds of one commit start from different systems.",
    remedy="Write the base image's exact tag, or its digest.",
    sources=("slipway:requirements-S3-35", "hadolint:DL3006", "hadolint:DL3007"),
    kinds=_KINDS,
)
def base_image_unpinned(item: Object, context: Context) -> Iterable[Violation]:
    """A `FROM` without a tag, or with `latest`. An argument without a default is chosen by the build."""
    for stage in _dockerfile(item, context).bases:
        named = image_name(stage.image)
        if stage.image and not named.digest and named.tag in ("", "latest"):
            yield Violation(_PATH, f"line {stage.line} of its Dockerfile: '{stage.image}' is no fixed version")


@rule(
    id="base-image-end-of-life",
    title="Dockerfiles start from what upstream still mends",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="After its last update a base image keeps every fault that is found in it.",
    remedy="Move to a version that upstream supports; the sources are named in `end_of_life.yaml`.",
    sources=("slipway:end-of-life",),
    kinds=_KINDS,
)
def base_image_end_of_life(item: Object, context: Context) -> Iterable[Violation]:
    """A `FROM` whose language, server or system had its last update before today."""
    said_before = set()
    for stage in _dockerfile(item, context).bases:
        yesterday = context.today - datetime.timedelta(days=1)
        for said in ended(stage.image, datetime.date.min, yesterday, context.today):
            if said not in said_before:
                said_before.add(said)
                yield Violation(_PATH, f"line {stage.line} of its Dockerfile: {said}")
