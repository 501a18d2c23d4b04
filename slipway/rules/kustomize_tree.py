"""What a Kustomization is made of, read from the repository without rendering it.

Enough to say which images and objects an override can reach. Whatever cannot be followed (a remote base, a Helm
chart, a plugin, a broken file) makes the tree incomplete, and then nothing is said to be missing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from slipway.rules.context import Repository
from slipway.rules.image_name import image_name
from slipway.rules.model import Object
from slipway.rules.shape import entries, listing, name_of, text

__all__ = ["FILE_NAMES", "Tree", "documents", "kustomization_in", "namespaces", "tree"]

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""In the order in which kustomize looks for them."""

_MAX_DEPTH = 20
_OPAQUE = ("generators", "transformers", "helmCharts", "helmChartInflationGenerator", "validators")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Tree:
    """What reaches the transformations of one Kustomization, before its own."""

    objects: list[Object] = field(default_factory=list)
    """As their files say; names and namespaces are not transformed."""
    images: set[str] = field(default_factory=set)
    """Repositories of images, under the names that the folders below give them."""
    renamed: bool = False
    """A folder below adds a prefix or suffix to names."""
    complete: bool = True


def documents(content: str) -> list[Object] | None:
    """The mappings of a YAML text, those of `List` objects too; None for what is no YAML."""
    try:
        read = list(yaml.load_all(content, Loader=_LOADER))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    found: list[Object] = []
    for document in read:
        if isinstance(document, dict):
            inner = [item for _, item in entries(document.get("items"))]
            found += inner if text(document.get("kind")).endswith("List") and inner else [document]
    return found


def kustomization_in(repository: Repository, folder: str) -> tuple[str, Object] | None:
    """The folder's Kustomization and its file, or None where it has none that can be read."""
    for name in FILE_NAMES:
        path = _join(folder, name)
        if repository.is_file(path):
            found = documents(repository.text(path))
            return (path, found[0]) if found else None
    return None


def tree(repository: Repository, folder: str, item: Object) -> Tree:
    """What the Kustomization `item` of `folder` works on."""
    result = Tree()
    _fill(result, repository, folder, item, 0, {folder})
    return result


def _fill(result: Tree, repository: Repository, folder: str, item: Object, depth: int, seen: set[str]) -> None:
    if depth > _MAX_DEPTH or any(item.get(key) for key in _OPAQUE):
        result.complete = False
        return
    for key in ("resources", "bases", "components"):
        for entry in listing(item.get(key)):
            path = _join(folder, text(entry))
            if repository.is_file(path):
                _add(result, documents(repository.text(path)))
            elif repository.is_dir(path) and path not in seen:
                _descend(result, repository, path, depth, seen | {path})
            else:
                result.complete = False
    for generator, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for _, entry in entries(item.get(generator)):
            result.objects.append({"apiVersion": "v1", "kind": kind, "metadata": {"name": text(entry.get("name"))}})
    for patch in _patches(repository, folder, item):
        found = documents(patch)
        result.images.update(_images([*(found or ()), *_operations(patch)]))
    if item.get("replacements") and "image" in repr(item["replacements"]):
        result.complete = False


def _descend(result: Tree, repository: Repository, folder: str, depth: int, seen: set[str]) -> None:
    below = kustomization_in(repository, folder)
    if below is None:
        result.complete = False
        return
    _, item = below
    part = Tree()
    _fill(part, repository, folder, item, depth + 1, seen)
    result.objects += part.objects
    result.complete = result.complete and part.complete
    result.renamed = result.renamed or part.renamed or bool(item.get("namePrefix") or item.get("nameSuffix"))
    result.images |= _renamed(part.images, item)
    # A component renames what others bring along: which of both names arrives is not followed.
    if item.get("kind") == "Component":
        result.images |= {text(entry.get("newName")) for _, entry in entries(item.get("images"))} - {""}


def _renamed(images: set[str], item: Object) -> set[str]:
    names = {text(entry.get("name")): text(entry.get("newName")) for _, entry in entries(item.get("images"))}
    return {names.get(image) or image for image in images}


def _add(result: Tree, found: list[Object] | None) -> None:
    if found is None:
        result.complete = False
        return
    result.objects += found
    result.images.update(_images(found))


def _images(values: list[Any]) -> Iterator[str]:
    """Every image of a container, at any depth, as kustomize finds them. A shared YAML node is visited once."""
    waiting, visited = list(values), set()
    while waiting:
        value = waiting.pop()
        if not isinstance(value, (dict, list)) or id(value) in visited:
            continue
        visited.add(id(value))
        if isinstance(value, list):
            waiting += value
            continue
        for key in ("containers", "initContainers"):
            for _, container in entries(value.get(key)):
                if image := text(container.get("image")):
                    yield image_name(image).repository
        waiting += value.values()


def _patches(repository: Repository, folder: str, item: Object) -> Iterator[str]:
    """The texts of a Kustomization's patches, inline or from their files."""
    for key in ("patches", "patchesJson6902"):
        for _, entry in entries(item.get(key)):
            yield text(entry.get("patch")) or repository.text(_join(folder, text(entry.get("path"))))
    for entry in listing(item.get("patchesStrategicMerge")):
        inline = "\n" in text(entry)
        yield text(entry) if inline else repository.text(_join(folder, text(entry)))


def _operations(patch: str) -> list[Any]:
    """What the operations of a JSON patch put in, in the shape in which `_images` looks for images."""
    try:
        read = yaml.load(patch, Loader=_LOADER)  # noqa: S506 - the loader is a safe one
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    found: list[Any] = []
    for _, operation in entries(read):
        value = operation.get("value")
        if text(operation.get("path")).endswith("/image"):
            value = {"containers": [{"image": value}]}
        elif isinstance(value, dict) and "image" in value:
            value = {"containers": [value]}
        elif isinstance(value, list):
            value = {"containers": value}
        found.append(value)
    return found


def _join(folder: str, path: str) -> str:
    """A path from the repository's root. One that leaves the repository is found nowhere."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def namespaces(repository: Repository, folder: str) -> set[str]:
    """The names of the Namespaces that a folder brings along: through its Kustomization, or its plain files."""
    found = kustomization_in(repository, folder)
    if found is None:
        plain = [name for name in repository.list(folder) if name.endswith((".yaml", ".yml", ".json"))]
        objects = [item for name in plain for item in documents(repository.text(_join(folder, name))) or ()]
        return {name_of(item) for item in objects if item.get("kind") == "Namespace"}
    _, item = found
    names = {name_of(entry) for entry in tree(repository, folder, item).objects if entry.get("kind") == "Namespace"}
    # kustomize's `namespace` renames Namespaces too.
    return {text(item.get("namespace"))} if names and text(item.get("namespace")) else names
