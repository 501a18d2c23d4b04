"""Faults of Kustomizations that kustomize itself lets pass: overrides and patches that change nothing.

A Kustomization has no name and does not say where it lies, so whoever reads one hands it over as
`kustomization_object(document, file)`: with `metadata.name` set to its folder and the annotation `slipway.dev/file`
to its file, both from the repository's root, and a repository that answers for that root. Who has rendered the
overlay and its base passes both on as well; then an overlay that differs from nothing is found by its render.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import Any

from slipway.rules.context import Context, Repository, group_kind
from slipway.rules.kustomize_tree import Tree, tree
from slipway.rules.model import Category, NotAssessed, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import annotations_of, entries, listing, mapping, name_of, namespace_of, text

__all__ = ["BASE_RENDER", "FILE", "KUSTOMIZATION", "RENDER", "kustomization_object"]

KUSTOMIZATION = "Kustomization.kustomize.config.k8s.io"
FILE = "slipway.dev/file"
RENDER = "slipway.dev/render"
BASE_RENDER = "slipway.dev/base-render"

_COMPONENT = "Component.kustomize.config.k8s.io"
_DEPRECATED = {
    "bases": "resources",
    "commonLabels": "labels",
    "imageTags": "images",
    "patchesJson6902": "patches",
    "patchesStrategicMerge": "patches",
    "vars": "replacements",
}
# What says where things are, and nothing about what comes out.
_INERT = frozenset(
    {
        "apiVersion",
        "bases",
        "buildMetadata",
        "configurations",
        "crds",
        "generatorOptions",
        "kind",
        "metadata",
        "openapi",
        "resources",
        "sortOptions",
    }
)


def kustomization_object(
    document: Object, file: str, *, render: Sequence[Object] | None = None, base_render: Sequence[Object] | None = None
) -> Object:
    """The Kustomization as these rules take it. The document is not changed.

    `render` and `base_render`: the objects that kustomize makes of it, and of the folders among its resources.
    """
    folder = posixpath.dirname(file)
    notes = {FILE: file}
    if render is not None and base_render is not None:
        notes |= {RENDER: _fingerprint(render), BASE_RENDER: _fingerprint(base_render)}
    metadata = mapping(document.get("metadata"))
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        **document,
        "metadata": {"name": folder or ".", **metadata, "annotations": {**annotations_of(document), **notes}},
    }


def _fingerprint(objects: Sequence[Object]) -> str:
    ordered = sorted(objects, key=lambda item: (group_kind(item), namespace_of(item), name_of(item)))
    return hashlib.sha256(json.dumps(ordered, sort_keys=True, default=str).encode()).hexdigest()


def _tree(item: Object, context: Context) -> tuple[Repository, Tree]:
    file = text(annotations_of(item).get(FILE))
    if context.repository is None or not file:
        raise NotAssessed("the files that the Kustomization names are not at hand")
    return context.repository, tree(context.repository, posixpath.dirname(file), item)


@rule(
    id="image-override-ineffective",
    title="Image overrides change an image",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="kustomize ignores an override whose name matches no image: the old version is deployed, and all is green.",
    remedy="Write the name as the base's own `images` leave it, without tag, and say what is new.",
    sources=("slipway:requirements-S0-05", "kustomize:images"),
    kinds=(KUSTOMIZATION,),
)
def image_override_ineffective(item: Object, context: Context) -> Iterable[Violation]:
    """An entry of `images` that matches nothing, or that says nothing new."""
    overrides = list(entries(item.get("images")))
    if not overrides:
        return
    _, below = _tree(item, context)
    lost = [(index, text(entry.get("name"))) for index, entry in overrides]
    lost = [(index, name) for index, name in lost if name not in below.images]
    if lost and not below.complete:
        names = ", ".join(name for _, name in lost)
        raise NotAssessed(f"not all that the Kustomization renders can be followed, so {names} may be in it")
    for index, name in lost:
        yield Violation(("images", index, "name"), f"nothing that is rendered has the image '{name}'")
    for index, entry in overrides:
        if not any(text(entry.get(key)) for key in ("newName", "newTag", "digest", "tagSuffix")):
            yield Violation(("images", index), f"the override of '{text(entry.get('name'))}' changes nothing")


@rule(
    id="patch-target-ineffective",
    title="Patches find an object",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="kustomize ignores a patch whose target selects nothing: what it was to change stays as it is.",
    remedy="Correct the target's kind and name; they are those of the resources' files.",
    sources=("kustomize:patches",),
    kinds=(KUSTOMIZATION,),
)
def patch_target_ineffective(item: Object, context: Context) -> Iterable[Violation]:
    """A `patches` entry whose target's group, kind and name select nothing. Labels are taken to match."""
    targets = [(index, mapping(entry.get("target"))) for index, entry in entries(item.get("patches"))]
    targets = [(index, target) for index, target in targets if target]
    if not targets:
        return
    _, below = _tree(item, context)
    for index, target in targets:
        if any(_selects(target, candidate, below.renamed) for candidate in below.objects):
            continue
        wanted = " ".join(text(target[key]) for key in ("kind", "name") if text(target.get(key)))
        if not below.complete:
            raise NotAssessed(f"not all that the Kustomization renders can be followed, so {wanted} may be in it")
        yield Violation(("patches", index, "target"), f"nothing that is rendered is {wanted or 'of this group'}")


def _selects(target: dict[str, Any], candidate: Object, renamed: bool) -> bool:
    group, _, version = text(candidate.get("apiVersion")).rpartition("/")
    values = {"group": group, "version": version, "kind": text(candidate.get("kind"))}
    if not renamed:
        values["name"] = name_of(candidate)
    for key, value in values.items():
        pattern = text(target.get(key))
        try:
            if pattern and pattern != value and not re.fullmatch(pattern, value):
                return False
        except re.error:
            return True
    return True


@rule(
    id="overlay-without-difference",
    title="Overlays differ from their base",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="Two names for one thing: a change that is meant for one environment is made in the base, for all.",
    remedy="Put what differs into the overlay (namespace, replicas, images, patches), or deploy the base itself.",
    sources=("slipway:gitops",),
    kinds=(KUSTOMIZATION,),
)
def overlay_without_difference(item: Object, context: Context) -> Iterable[Violation]:
    """By the renders where they were handed over; else an overlay of one folder that states no difference at all."""
    annotations = annotations_of(item)
    if RENDER in annotations:
        if annotations[RENDER] == annotations.get(BASE_RENDER):
            yield Violation(("resources",), "it renders exactly what its base renders")
        return
    bases = [text(entry) for entry in (*listing(item.get("resources")), *listing(item.get("bases")))]
    # A list of one folder below is no overlay; one that leads up and out is.
    leads_out = len(bases) == 1 and bases[0].startswith("..") and not bases[0].endswith((".yaml", ".yml", ".json"))
    if leads_out and not any(item[key] for key in item.keys() - _INERT):
        yield Violation(("resources",), f"it states no difference from '{bases[0]}'")


@rule(
    id="kustomization-deprecated-field",
    title="Kustomizations use fields that stay",
    severity=Severity.LOW,
    category=Category.PRODUCTION,
    reason="kustomize warns of these fields on each build and leaves them out of its next API version.",
    remedy="Run `kustomize edit fix`.",
    sources=("kustomize:deprecated-fields", "slipway:requirements-S1-07"),
    kinds=(KUSTOMIZATION, _COMPONENT),
)
def kustomization_deprecated_field(item: Object, context: Context) -> Iterable[Violation]:
    """A field that kustomize v5 warns of."""
    for key, instead in _DEPRECATED.items():
        if item.get(key) is not None:
            yield Violation((key,), f"`{key}` is deprecated; `{instead}` takes its place")
