"""One owner for each namespace, and no text that a template left behind."""

from __future__ import annotations

import marshal
import re
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from slipway.rules.applications import application_spec, in_repository, sources, sync_policy
from slipway.rules.context import Context, ObjectSet, group_kind
from slipway.rules.images import is_reference
from slipway.rules.kustomize_tree import namespaces
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import pod_of
from slipway.rules.registry import rule
from slipway.rules.shape import listing, mapping, name_of, namespace_of, text

__all__: list[str] = []

_APPLICATION = "Application.argoproj.io"
_Place = tuple[str, str]


@rule(
    id="namespace-declared-twice",
    title="A Namespace is declared once",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Two declarations of one Namespace undo each other's labels, and pruning one deletes all that is in it.",
    remedy="Leave the Namespace to one owner: remove it from the other folder.",
    sources=("slipway:requirements-S1-02", "argo-cd:shared-resources"),
    kinds=("Namespace",),
    whole_set=True,
)
def namespace_declared_twice(item: Object, context: Context) -> Iterable[Violation]:
    """Every declaration of the same name but the first that was read."""
    first = context.objects.get("Namespace", namespace_of(item), name_of(item))
    if first is not None and first is not item:
        yield Violation(("metadata", "name"), f"Namespace '{name_of(item)}' is declared before")


@rule(
    id="namespace-has-two-owners",
    title="One Application makes a namespace",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Two Applications that make one namespace fight over it, and deleting either deletes what both run there.",
    remedy="Let one of them make it (CreateNamespace or a Namespace in its folder), or give each its own namespace.",
    sources=("slipway:requirements-S1-02", "argo-cd:shared-resources"),
    kinds=(_APPLICATION,),
    whole_set=True,
)
def namespace_has_two_owners(item: Object, context: Context) -> Iterable[Violation]:
    """A namespace that an Application read before makes too.

    An Application makes a namespace by CreateNamespace, or by a Namespace in the folder that it deploys; the folder
    is looked into where the repository is at hand.
    """
    owners = _owners(context)
    for place, path in _made(item, context):
        first = owners.get(place)
        if first is not None and first is not item:
            yield Violation(path, f"Application '{name_of(first)}' makes namespace '{place[1]}' too")


_OWNERS: WeakKeyDictionary[ObjectSet, dict[_Place, Object]] = WeakKeyDictionary()


def _owners(context: Context) -> dict[_Place, Object]:
    """The first Application that makes each namespace, of one set of objects."""
    owners = _OWNERS.get(context.objects)
    if owners is None:
        owners = _OWNERS[context.objects] = {}
        for application in context.objects.of(_APPLICATION):
            for place, _ in _made(application, context):
                owners.setdefault(place, application)
    return owners


def _made(item: Object, context: Context) -> Iterator[tuple[_Place, Path]]:
    path, spec = application_spec(item)
    destination = mapping(spec.get("destination"))
    cluster = text(destination.get("server")) or text(destination.get("name"))
    namespace = text(destination.get("namespace"))
    creates = "CreateNamespace=true" in listing(sync_policy(spec).get("syncOptions"))
    if creates and namespace:
        yield (cluster, namespace), (*path, "destination", "namespace")
    if context.repository is not None:
        for where, source in sources(path, spec):
            folder = text(source.get("path")).strip("/")
            ours = in_repository(context.repository, text(source.get("repoURL")))
            if folder and ours and context.repository.is_dir(folder):
                for name in namespaces(context.repository, folder):
                    if not creates or name != namespace:
                        yield (cluster, name), (*where, "path")


# Text that a template leaves behind. `example.com` is not among it: RFC 2606 keeps that name for examples, but so do
# tests and documentation that are meant to stay.
_NAMED = r"\{(?:APP_NAME|REGISTRY_IMAGE|NAMESPACE|GITHUB_REPO)\}"
_WORDS = (
    r"(?i:change[-_]?me\b|replace[-_]me\b|<(?:your|replace|change|insert)[-_ ][^<>]*>"
    r"|\byour[-_](?:org|organi[sz]ation|user(?:name)?|repo(?:sitory)?|domain|company|registry|app|project|image"
    r"|namespace|cluster|bucket|region|account|email|password|secret|token|(?:api[-_])?key)\b)"
)
# Not after $ (a shell's or Kubernetes' variable), % (a log format) or { (a template language).
_BRACES = r"(?<![$%{\\])\{[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\}(?!\})"
_IN_MANIFEST = re.compile(f"{_NAMED}|{_WORDS}|{_BRACES}")
_IN_CONTENT = re.compile(f"{_NAMED}|{_WORDS}")
# One of these is in every text that the patterns match; they are found much faster.
_HINTS = (b"your", b"change", b"replace", b"<insert")
_BRACE = re.compile(rb"\{[A-Z]")
_SKIPPED = ("status", "kubectl.kubernetes.io/last-applied-configuration")


@rule(
    id="placeholder-left",
    title="No placeholder of a template is left",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="What a template left open is wrong wherever it is read: an image that is not there, a host of nobody's.",
    remedy="Write the value, or leave the field out.",
    sources=("slipway:requirements-S0-23", "slipway:requirements-S1-36"),
    kinds=("*",),
)
def placeholder_left(item: Object, context: Context) -> Iterable[Violation]:
    """`{APP_NAME}` and its like, `CHANGEME`, `your-org`. A ConfigMap's own files may use braces as they like."""
    kind = item.get("kind")
    if kind == "CustomResourceDefinition":
        return
    if not _may_hold_placeholder(item):
        return
    for path, value in _texts(item, ()):
        pattern = _IN_CONTENT if kind in ("ConfigMap", "Secret") and path[0] != "metadata" else _IN_MANIFEST
        if (found := pattern.search(value)) and not _names_no_image(item, path, value):
            yield Violation(path, f"the placeholder `{found[0]}` is left")


def _names_no_image(item: Object, path: Path, value: str) -> bool:
    """Whether `image-reference-invalid` speaks of the value."""
    if path[-1] != "image" or is_reference(value) or (pod := pod_of(item, group_kind(item))) is None:
        return False
    return any((*container.path, "image") == path for container in pod.containers)


def _may_hold_placeholder(item: Object) -> bool:
    # One pass in C over the whole object: hardly any has a text to look at. Version 2 writes each text as it is, and
    # nothing that looks like a brace before a capital.
    try:
        whole = marshal.dumps(item, 2)
    except ValueError:
        # It holds what no file can: a value of Pulumi's own.
        whole = repr(item).encode("utf-8", "replace")
    lowered = whole.lower()
    for hint in _HINTS:
        if hint in lowered:
            return True
    return _BRACE.search(whole) is not None


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _SKIPPED:
                yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
