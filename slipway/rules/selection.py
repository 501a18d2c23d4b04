"""Who selects whom in a set of objects, found through an index and kept as long as the set.

Each Pod is compared with the selectors that can mean it, not with all of them: a namespace may hold thousands of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from slipway.rules.context import Context, ObjectSet
from slipway.rules.model import Object
from slipway.rules.pods import PodView
from slipway.rules.selectors import Selector
from slipway.rules.shape import labels_of, mapping, name_of, namespace_of

__all__ = ["LabelIndex", "namespaces_with_services", "pods_selected", "services_selected"]

_POD_NAME = "statefulset.kubernetes.io/pod-name"
# Controllers add these to the Pods that they make, so no manifest shows them.
_GENERATED = frozenset(
    {
        _POD_NAME,
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/job-name",
        "controller-revision-hash",
        "controller-uid",
        "job-name",
        "pod-template-generation",
        "pod-template-hash",
        "rollouts-pod-template-hash",
    }
)

T = TypeVar("T")


class LabelIndex(Generic[T]):
    """Things with labels, found by selector in the order in which they came."""

    def __init__(self, items: Iterable[tuple[Mapping[str, Any], T]]) -> None:
        self._labels: list[Mapping[str, Any]] = []
        self._items: list[T] = []
        self._by_pair: dict[tuple[str, str], list[int]] = {}
        self._by_key: dict[str, list[int]] = {}
        for number, (labels, item) in enumerate(items):
            self._labels.append(labels)
            self._items.append(item)
            for key, value in labels.items():
                self._by_key.setdefault(key, []).append(number)
                if isinstance(value, str):
                    self._by_pair.setdefault((key, value), []).append(number)

    def select(self, selector: Selector) -> list[T]:
        """All that the selector matches."""
        if selector.everything:
            return self._items
        labels, items, matches = self._labels, self._items, selector.matches
        return [items[number] for number in self._candidates(selector) if matches(labels[number])]

    def _candidates(self, selector: Selector) -> Sequence[int]:
        """The shortest list that holds all that can match."""
        if selector.nothing:
            return ()
        lists: list[Sequence[int]] = [self._by_pair.get(pair, ()) for pair in selector.equal.items()]
        lists += [self._by_key.get(r.key, ()) for r in selector.requirements if r.operator in ("In", "Exists")]
        return min(lists, key=len, default=range(len(self._items)))


class _Indexes:
    """The indexes of one set of objects. It holds no reference to the set, which it must not keep alive."""

    def __init__(self, objects: ObjectSet) -> None:
        self.pods: dict[str, LabelIndex[PodView]] = {}
        services: dict[str, list[Object]] = {}
        for item in objects.of("Service"):
            services.setdefault(namespace_of(item), []).append(item)
        self.services = {namespace: LabelIndex((labels_of(item), item) for item in items)
                         for namespace, items in services.items()}  # fmt: skip


_INDEXES: WeakKeyDictionary[ObjectSet, _Indexes] = WeakKeyDictionary()


def _indexes(context: Context) -> _Indexes:
    known = _INDEXES.get(context.objects)
    if known is None:
        known = _INDEXES[context.objects] = _Indexes(context.objects)
    return known


def pods_selected(context: Context, namespace: str, selector: Selector) -> list[PodView]:
    """The Pods of a namespace that the selector matches, with the labels that controllers will add to them."""
    indexes = _indexes(context).pods
    index = indexes.get(namespace)
    if index is None:
        pods = context.objects.pods(namespace)
        index = LabelIndex((mapping(pod.template_metadata.get("labels")), pod) for pod in pods)
        indexes[namespace] = index
    found = index.select(selector)
    written = selector.without(_GENERATED)
    if found or written is selector:
        return found
    member = selector.equal.get(_POD_NAME, "").rpartition("-")[0]
    return [pod for pod in index.select(written) if not member or name_of(pod.object) == member]


def services_selected(context: Context, namespace: str, selector: Selector) -> list[Object]:
    """The Services of a namespace whose own labels the selector matches."""
    index = _indexes(context).services.get(namespace)
    return [] if index is None else index.select(selector)


def namespaces_with_services(context: Context) -> Iterable[str]:
    """The namespaces of all Services that were read."""
    return _indexes(context).services.keys()
