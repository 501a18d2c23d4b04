"""Charts, images, protection and providers of a Pulumi program.

A resource is `{"type", "name", "urn", "props", "options"}`:

- `props`: its inputs, named as the provider's schema names them (camelCase). A secret is the text `[secret]` in place
  of the value, as previews print it. What is not known yet is left to the caller: a rule is not asked about it.
- `options`: `protect`, `retainOnDelete` (booleans) and `provider`, the provider's name; an empty name means the
  default provider. Options that are absent are not known, and nothing is said about them.

Typed Kubernetes resources are not here: a caller hands them over as the objects that they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.image_name import image_name
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, mapping, text

__all__ = ["CHARTS", "SECRET"]

SECRET = "[secret]"  # noqa: S105 - it stands for one
CHARTS = (
    "pulumi:kubernetes:helm.sh/v3:Chart",
    "pulumi:kubernetes:helm.sh/v3:Release",
    "pulumi:kubernetes:helm.sh/v4:Chart",
)
_EXACT = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]*)?")


def _props(item: Object) -> dict[str, Any]:
    return mapping(item.get("props"))


def _is_local(chart: str) -> bool:
    return chart.startswith((".", "/", "~"))


@rule(
    id="pulumi-chart-unpinned",
    title="Helm charts have an exact version",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Without an exact version two updates of one commit install different things.",
    remedy="Set `version` to the chart's exact version; a bot can raise it.",
    sources=("slipway:requirements-S0-33",),
    kinds=CHARTS,
)
def pulumi_chart_unpinned(item: Object, context: Context) -> Iterable[Violation]:
    """No version, `latest` or a range. A chart in a local folder has its version in its own file."""
    props = _props(item)
    chart, version = text(props.get("chart")), text(props.get("version"))
    if _is_local(chart) or "path" in props or version == SECRET:
        return
    named = image_name(chart) if chart.startswith("oci://") else None
    if named is not None and (named.digest or _EXACT.fullmatch(named.tag)):
        return
    if not _EXACT.fullmatch(version):
        said = f"'{version}' is no exact version" if version else "no version is set"
        yield Violation(("props", "version"), f"chart '{chart}': {said}")


@rule(
    id="pulumi-chart-repository",
    title="Helm charts name their repository, and reach it by TLS",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Without a repository the chart comes from whatever this machine has under that name; http can be changed.",
    remedy="Set `repositoryOpts.repo` to the repository's https address, or use an oci:// chart.",
    sources=("slipway:pulumi", "helm:repositories"),
    kinds=CHARTS,
)
def pulumi_chart_repository(item: Object, context: Context) -> Iterable[Violation]:
    """Neither a URL, a local folder nor a repository; or plain http to another machine."""
    props = _props(item)
    chart = text(props.get("chart"))
    options = mapping(props.get("repositoryOpts")) or mapping(props.get("fetchOpts"))
    repository = text(options.get("repo"))
    for path, url in ((("props", "repositoryOpts", "repo"), repository), (("props", "chart"), chart)):
        if url.startswith("http://") and not url.startswith(("http://127.0.0.1", "http://localhost")):
            yield Violation(path, f"'{url}' is not encrypted")
    if chart and not repository and "://" not in chart and not _is_local(chart) and "path" not in props:
        yield Violation(("props", "repositoryOpts", "repo"), f"chart '{chart}' comes from no named repository")


_IMAGES: dict[str, tuple[tuple[str, ...], ...]] = {
    "docker:index/container:Container": (("image",),),
    "docker:index/image:Image": (("imageName",),),
    "docker:index/registryImage:RegistryImage": (("name",),),
    "docker:index/remoteImage:RemoteImage": (("name",),),
    "docker:index/service:Service": (("taskSpec", "containerSpec", "image"),),
    "docker:index/tag:Tag": (("targetImage",),),
    "docker-build:index:Image": (("tags",),),
}
# A tag without a digit is a channel's, a branch's or a flavour's name, unless it is a commit that happens to have none.
_MOVING = re.compile(r"[a-z_.-]+|.*(?:latest|nightly|snapshot).*", re.IGNORECASE)
_COMMIT = re.compile(r"[a-f]{7,64}")


@rule(
    id="pulumi-image-mutable",
    title="Images have a tag that stays, or a digest",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A tag that moves makes a state that says what runs into one that said it once.",
    remedy="Use a version or a commit as tag, or add the digest.",
    sources=("slipway:requirements-S3-35",),
    kinds=tuple(f"pulumi:{token}" for token in _IMAGES),
    severity_in={"dev": Severity.LOW},
)
def pulumi_image_mutable(item: Object, context: Context) -> Iterable[Violation]:
    """No tag, `latest`, or a branch's or channel's name."""
    for where in _IMAGES.get(text(item.get("type")), ()):
        value = dig(item, "props", *where)
        path: Path = ("props", *where)
        several = [((*path, index), text(name)) for index, name in enumerate(listing(value))]
        for place, name in several or [(path, text(value))]:
            named = image_name(name)
            # `sha256:...` is an image's own id.
            if not name or name == SECRET or named.digest or named.repository == "sha256":
                continue
            if not named.tag:
                yield Violation(place, f"image '{name}' has no tag")
            elif _MOVING.fullmatch(named.tag) and not _COMMIT.fullmatch(named.tag):
                yield Violation(place, f"the tag of image '{name}' moves")


# What holds state that no commit brings back. Namespaces are not in it: whatever this program makes in one, it can
# make again, and its data is in claims and buckets, which are.
_PRECIOUS = {
    "aws:dynamodb/table:Table": "a table",
    "aws:ecr/repository:Repository": "a registry's images",
    "aws:eks/cluster:Cluster": "a cluster",
    "aws:kms/key:Key": "a key",
    "aws:rds/cluster:Cluster": "a database",
    "aws:rds/instance:Instance": "a database",
    "aws:s3/bucket:Bucket": "a bucket",
    "aws:s3/bucketV2:BucketV2": "a bucket",
    "azure-native:containerservice:ManagedCluster": "a cluster",
    "azure-native:storage:StorageAccount": "a storage account",
    "digitalocean:index/containerRegistry:ContainerRegistry": "a registry's images",
    "digitalocean:index/databaseCluster:DatabaseCluster": "a database",
    "digitalocean:index/kubernetesCluster:KubernetesCluster": "a cluster",
    "digitalocean:index/spacesBucket:SpacesBucket": "a bucket",
    "digitalocean:index/volume:Volume": "a volume",
    "eks:index:Cluster": "a cluster",
    "gcp:container/cluster:Cluster": "a cluster",
    "gcp:sql/databaseInstance:DatabaseInstance": "a database",
    "gcp:storage/bucket:Bucket": "a bucket",
    "github:index/repository:Repository": "a repository",
    "kubernetes:core/v1:PersistentVolume": "a volume",
    "kubernetes:core/v1:PersistentVolumeClaim": "a volume",
    "minio:index/s3Bucket:S3Bucket": "a bucket",
}


@rule(
    id="pulumi-unprotected",
    title="What cannot be made again is protected in prod",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A renamed resource or a wrong stack deletes it with everything in it, after one confirmation.",
    remedy="Set `protect=True` in its ResourceOptions, or `retain_on_delete=True`.",
    sources=("slipway:pulumi", "pulumi:options-protect"),
    kinds=tuple(f"pulumi:{token}" for token in _PRECIOUS),
    environments=("prod",),
)
def pulumi_unprotected(item: Object, context: Context) -> Iterable[Violation]:
    """Neither protected nor kept when it is deleted."""
    options = mapping(item.get("options"))
    if options.get("protect") is False and options.get("retainOnDelete") is not True:
        what = _PRECIOUS[text(item.get("type"))]
        yield Violation(("options", "protect"), f"{what} can be deleted by an update")


@rule(
    id="pulumi-default-provider",
    title="Every resource has a provider of the program's own",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="The default provider takes whatever this machine is logged in to: another cluster, another organisation.",
    remedy="Pass the provider in the resource's options, and set `pulumi:disable-default-providers`.",
    sources=("slipway:pulumi", "pulumi:explicit-providers"),
    kinds=("pulumi:*",),
)
def pulumi_default_provider(item: Object, context: Context) -> Iterable[Violation]:
    """An empty provider, or one that Pulumi made (its name starts with `default`)."""
    provider = mapping(item.get("options")).get("provider")
    if isinstance(provider, str):
        name = provider.rpartition("::")[2] if provider.count("::") == 3 else provider
        if not name or name == "default" or name.startswith("default_"):
            yield Violation(("options", "provider"), "the default provider is used")


@rule(
    id="pulumi-rbac-wildcard",
    title="Charts and configuration groups grant no wildcard",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A rule with `*` grants what will be invented later too; inside a chart's values no other check sees it.",
    remedy="List the verbs and resources that are needed.",
    sources=("kube-linter:wildcard-in-rules", "slipway:requirements-S2-72"),
    kinds=(*CHARTS, "pulumi:kubernetes:yaml:ConfigGroup", "pulumi:kubernetes:yaml/v2:ConfigGroup"),
)
def pulumi_rbac_wildcard(item: Object, context: Context) -> Iterable[Violation]:
    """A policy rule with `*` in its verbs, resources or groups, anywhere in `values` or `objs`."""
    props = _props(item)
    for field in ("values", "objs"):
        for path, granted in _policy_rules(props.get(field), ("props", field)):
            for part in ("verbs", "resources", "apiGroups"):
                if "*" in listing(granted.get(part)):
                    yield Violation((*path, part), f"`*` is granted in `{part}`")


def _policy_rules(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        if isinstance(value.get("verbs"), list) and isinstance(value.get("resources"), list):
            yield path, value
        for key, inner in value.items():
            yield from _policy_rules(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in entries(value):
            yield from _policy_rules(inner, (*path, index))
