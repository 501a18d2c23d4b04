"""Images: that they can be found, stay what they are, and are fetched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from slipway.rules.context import Context
from slipway.rules.model import Category, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule

__all__ = ["is_reference"]

# These expressions are CEL's too (in its raw strings), so they keep to what Python and RE2 read alike.
# The grammar of a reference is the one of the distribution project (reference/regexp.go).
_HOST_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = f"(?:{_HOST_LABEL}(?:[.]{_HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?"
_PATH = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_TAG = "[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_DIGEST = "(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})"
_REFERENCE = f"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*(?::{_TAG})?(?:@{_DIGEST})?"
_NAME = "(?:[^@]*/)?[^/:@]+"
_UNTAGGED = _NAME
# A tag without a digit in it is the name of a channel, a branch or a flavour, never of one build.
_WORDS = "latest|LATEST|nightly|NIGHTLY|snapshot|SNAPSHOT"
_CHANNEL = f"[a-zA-Z_.-]+|[a-zA-Z0-9_.-]*(?:{_WORDS})|latest[-_.].*|(?:pr|mr)[-_.]?[0-9]+"
_CHANGING = f"{_NAME}:(?:{_CHANNEL})"
# ... unless it is a commit's hash that happens to have none.
_HASH = ".*:[a-f]{7,64}"
_LONGEST = 1024

# `https://user:password@host`: a finding must not show it.
_ACCOUNT = re.compile(r"(?<=//)[^/]*@|^[^/]*@(?=[^/]+/)")
_reference, _untagged, _changing, _hash = map(re.compile, (_REFERENCE, _UNTAGGED, _CHANGING, _HASH))
_PINNED = "c.image.contains('@')"
_MUTABLE = f"(c.image.matches(r'^(?:{_UNTAGGED}|{_CHANGING})$') && !c.image.matches(r'^{_HASH}$'))"


@lru_cache(maxsize=8192)
def is_reference(image: str) -> bool:
    """Whether a registry could hold an image of the name."""
    return len(image) <= _LONGEST and _reference.fullmatch(image) is not None


@lru_cache(maxsize=8192)
def _changing_tag(image: str) -> str | None:
    """The tag that may mean another image tomorrow (`latest` when none is written); None for one that stays."""
    if _untagged.fullmatch(image):
        return "latest"
    if _changing.fullmatch(image) and not _hash.fullmatch(image):
        return image.rpartition(":")[2]
    return None


def _images(pod: PodView, wrong: Callable[[str], str]) -> Iterable[Violation]:
    for container in pod.containers:
        image = container.spec.get("image")
        if image and isinstance(image, str) and len(image) <= _LONGEST and (fault := wrong(image)):
            yield Violation((*container.path, "image"), f"container '{container.name}' {fault}")


@pod_rule(
    id="image-reference-invalid",
    title="Images have names that can be pulled",
    severity=Severity.CRITICAL,
    category=Category.PRODUCTION,
    reason="The kubelet cannot pull what is no image reference (`InvalidImageName`), so the container never starts.",
    remedy="Write registry/path:tag@sha256:<64 digits>, the path in lower case and without spaces.",
    sources=("distribution:reference",),
    cel=f"variables.containers.all(c, has(c.image) && size(c.image) <= {_LONGEST} && "
    f"c.image.matches(r'^{_REFERENCE}$'))",
)
def image_reference_invalid(pod: PodView, context: Context) -> Iterable[Violation]:
    """No image, or one that no registry could hold."""
    for container in pod.containers:
        image = container.spec.get("image")
        if not image:
            yield Violation(container.path, f"container '{container.name}' has no image")
        elif isinstance(image, str) and not is_reference(image):
            fault = f"container '{container.name}' runs '{_ACCOUNT.sub('', image)[:80]}', which is no image reference"
            yield Violation((*container.path, "image"), fault)


@pod_rule(
    id="image-tag-mutable",
    title="Images have tags that stay what they are",
    severity=Severity.HIGH,
    # Of the part of `image-digest-missing`, which says nothing of such an image: no part rises by a worse tag.
    category=Category.SECURITY,
    reason="A tag such as `latest` or `main` is another image tomorrow: Pods of one Deployment differ, a restart is "
    "an upgrade, and a rollback brings back nothing.",
    remedy="Name the build: a version, a commit's hash or a digest. `slipway image set` writes both tag and digest.",
    sources=(
        "kube-score:container-image-tag",
        "polaris:tagNotSpecified",
        "kube-linter:latest-tag",
        "kyverno:disallow-latest-tag",
        "kubescape:C-0075",
    ),
    severity_in={"dev": Severity.MEDIUM},
    cel=f"variables.containers.all(c, !has(c.image) || {_PINNED} || size(c.image) > {_LONGEST} || !{_MUTABLE})",
)
def image_tag_mutable(pod: PodView, context: Context) -> Iterable[Violation]:
    """No tag, or the name of a channel or branch. A digest makes the tag irrelevant."""
    return _images(pod, _of_changing_tag)


def _of_changing_tag(image: str) -> str:
    tag = None if "@" in image else _changing_tag(image)
    if tag is None:
        return ""
    written = image.endswith(f":{tag}")
    return f"runs the tag '{tag}', which changes" if written else f"runs '{image}' without a tag, which is `latest`"


@pod_rule(
    id="image-digest-missing",
    title="Images are pinned by their digest",
    severity=Severity.LOW,
    category=Category.SECURITY,
    reason="Whoever may push to the registry can move a tag. Only with its digest is the image that runs the one "
    "that was tested.",
    remedy="Write the digest behind the tag: name:tag@sha256:...; `slipway image set` does.",
    sources=("kyverno:require-image-checksum", "nsa:supply-chain"),
    severity_in={"dev": Severity.ADVISORY},
    cel=f"variables.containers.all(c, !has(c.image) || c.image == '' || {_PINNED} || size(c.image) > {_LONGEST} "
    f"|| {_MUTABLE})",
)
def image_digest_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """A tag that should stay, and nothing that makes it. A tag that changes is the other rule's."""
    return _images(pod, _of_no_digest)


def _of_no_digest(image: str) -> str:
    if "@" in image or _changing_tag(image) is not None:
        return ""
    return f"runs '{image}' without a digest"


@pod_rule(
    id="image-pull-policy-never",
    title="Nodes may pull the images that they run",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="With `Never` a Pod runs only on nodes that happen to hold the image, whatever it is there. For an image "
    "that stays what it is `IfNotPresent` is as safe as `Always`, and works while the registry is away.",
    remedy="Set imagePullPolicy to IfNotPresent, or to Always where tags change.",
    sources=("kube-score:container-image-pull-policy", "polaris:pullPolicyNotAlways"),
    cel="variables.containers.all(c, !has(c.imagePullPolicy) || c.imagePullPolicy != 'Never')",
)
def image_pull_policy_never(pod: PodView, context: Context) -> Iterable[Violation]:
    """The policy that never asks the registry."""
    for container in pod.containers:
        if container.spec.get("imagePullPolicy") == "Never":
            yield Violation((*container.path, "imagePullPolicy"), f"container '{container.name}' never pulls its image")
