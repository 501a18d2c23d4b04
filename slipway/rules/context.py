"""What a rule may look at besides its object: the target, the other objects, and the repository they came from."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from slipway.rules.model import Object, Path
from slipway.rules.pods import PodView, pod_of
from slipway.rules.shape import mapping, name_of, namespace_of, text

__all__ = ["DEFAULT_VERSION", "Context", "ObjectSet", "Repository", "Schemas", "group_kind"]

DEFAULT_VERSION = (1, 36)
"""The Kubernetes that the sandbox runs; the target when none is named."""


def group_kind(item: Object) -> str:
    """`Kind.group` as kubectl writes it (`Deployment.apps`, `Service`); `pulumi:<token>` for a Pulumi resource."""
    kind = item.get("kind")
    if kind is None and "props" in item:
        return f"pulumi:{text(item.get('type'))}"
    group, slash, _ = text(item.get("apiVersion")).rpartition("/")
    return f"{text(kind)}.{group}" if slash and group else text(kind)


class Repository(Protocol):
    """The files that the objects came from, by their path from the repository's root."""

    def is_dir(self, path: str) -> bool:
        """Whether there is such a folder, in exactly this case."""

    def is_file(self, path: str) -> bool:
        """Whether there is such a file, in exactly this case."""

    def text(self, path: str) -> str:
        """A file's content; empty when it is not there or is no text."""

    def list(self, path: str) -> list[str]:
        """The names in a folder; empty when there is none."""


class Schemas(Protocol):
    """The schemas of the target version (`slipway.schema`)."""

    def faults(self, item: Object) -> Iterable[tuple[str, Path, str]]:
        """Each fault as (code, path, message). Raises `NotAssessed` for a kind that has no schema here."""


class ObjectSet:
    """All objects that were read together, found by kind, namespace and name. Order is the order of reading."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._by_kind: dict[str, list[Object]] = {}
        self._by_name: dict[tuple[str, str, str], Object] = {}
        self._pods: dict[str, list[PodView]] | None = None
        for item in objects:
            kind = group_kind(item)
            self._by_kind.setdefault(kind, []).append(item)
            self._by_name.setdefault((kind, namespace_of(item), name_of(item)), item)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        return self._by_name.get((kind, namespace, name))

    def of(self, kind: str, namespace: str | None = None) -> Iterator[Object]:
        """The objects of a GroupKind, of one namespace where it is given."""
        for item in self._by_kind.get(kind, ()):
            if namespace is None or namespace_of(item) == namespace:
                yield item

    def kinds(self) -> Iterable[str]:
        """The GroupKinds that there are."""
        return self._by_kind.keys()

    def pods(self, namespace: str) -> list[PodView]:
        """The Pods that the objects of a namespace make."""
        if self._pods is None:
            self._pods = {}
            for kind, items in self._by_kind.items():
                for item in items:
                    if (pod := pod_of(item, kind)) is not None:
                        self._pods.setdefault(namespace_of(item), []).append(pod)
        return self._pods.get(namespace, [])

    def selected(self, namespace: str, selector: dict[str, object]) -> list[PodView]:
        """The Pods of a namespace whose template carries all of the labels `selector`."""
        wanted = selector.items()
        return [pod for pod in self.pods(namespace) if wanted <= mapping(pod.template_metadata.get("labels")).items()]


@dataclass(frozen=True)
class Context:
    """What a rule is given besides its object."""

    version: tuple[int, int] = DEFAULT_VERSION
    environment: str = ""
    objects: ObjectSet = field(default_factory=ObjectSet)
    repository: Repository | None = None
    schemas: Schemas | None = None
    today: datetime.date = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).date())
    complete: bool = True
    """All of an application or namespace was read, so that what is not among the objects does not exist."""
