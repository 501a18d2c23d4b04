"""What Argo CD would prune: the objects that an environment's overlays had before and no longer have.

Argo CD knows an object by group, kind, namespace and name; the version does not count. It prunes neither hooks nor
objects with the sync option `Prune=false`, and asks first for those with `Prune=confirm`
(gitops-engine: pkg/sync/sync_context.go, pkg/sync/hook/hook.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Environment", "Pruned", "compare", "pruned"]

Object = Mapping[str, Any]

HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
SYNC_OPTIONS = "argocd.argoproj.io/sync-options"

# kustomize's hash of a generated ConfigMap or Secret (kyaml/hasher: hex digits, some replaced by consonants).
_GENERATED = re.compile(r"^(?P<stem>.+)-[2456789bcdfghkmt]{10}$")


@dataclass(frozen=True, order=True)
class Pruned:
    """One object that Git no longer has.

    `kept` holds the sync option that keeps it running (`Prune=false`) or makes Argo CD ask (`Prune=confirm`);
    `successor` is the name of the object that a generator made in its place.
    """

    kind: str
    """As kubectl writes it: `Deployment.apps`, `Service`."""
    namespace: str
    name: str
    kept: str = ""
    successor: str = ""


def pruned(before: Iterable[Object], after: Iterable[Object]) -> list[Pruned]:
    """The objects of `before` that are not in `after`, sorted; what is no Kubernetes object is passed over."""
    old = dict(_identified(before))
    new = dict(_identified(after))
    appeared = {_stem(key): key[2] for key in new if key not in old and _stem(key)}
    gone = (key for key in old if key not in new)
    return sorted(Pruned(*key, _option(old[key]), appeared.get(_stem(key), "")) for key in gone)


Key = tuple[str, str, str]


def _identified(objects: Iterable[Object]) -> Iterator[tuple[Key, Object]]:
    for item in objects:
        metadata = _mapping(item.get("metadata"))
        kind, name = item.get("kind"), metadata.get("name")
        if not (isinstance(kind, str) and isinstance(name, str)) or _is_hook(item):
            continue
        group, slash, _ = str(item.get("apiVersion", "")).rpartition("/")
        yield (f"{kind}.{group}" if slash else kind, str(metadata.get("namespace") or ""), name), item


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _annotations(item: Object) -> Mapping[str, Any]:
    return _mapping(_mapping(item.get("metadata")).get("annotations"))


def _is_hook(item: Object) -> bool:
    # Helm marks definitions of custom resources as hooks, too; they are not.
    return HOOK in _annotations(item) or _annotations(item).get(HELM_HOOK, "crd-install") != "crd-install"


def _option(item: Object) -> str:
    options = [option.strip() for option in str(_annotations(item).get(SYNC_OPTIONS) or "").split(",")]
    return next((option for option in ("Prune=false", "Prune=confirm") if option in options), "")


def _stem(key: Key) -> tuple[str, str, str] | None:
    """What the names of a generated object have in common from one content to the next."""
    found = _GENERATED.match(key[2]) if key[0] in ("ConfigMap", "Secret") else None
    return (key[0], key[1], found["stem"]) if found else None


@dataclass(frozen=True)
class Environment:
    """What happens to the applications of one environment."""

    name: str
    automatic: bool
    """Argo CD prunes by itself; otherwise when somebody syncs with pruning."""
    objects: tuple[tuple[str, Pruned], ...] = ()
    """(application, object) of those that stay but lose objects."""
    applications: tuple[str, ...] = ()
    """Those whose overlay is gone."""
    unknown: tuple[str, ...] = ()
    """Overlays that could not be rendered, and why: what they lose is not known."""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        listed = [{"application": application} | asdict(item) for application, item in self.objects]
        return asdict(self) | {"objects": listed}


def compare(
    name: str,
    before: Mapping[str, Iterable[Object]],
    after: Mapping[str, Iterable[Object]],
    *,
    automatic: bool,
    unknown: Iterable[str] = (),
) -> Environment:
    """Compare an environment's rendered overlays, each by its application's name."""
    lost = [
        (application, item)
        for application in sorted(before.keys() & after.keys())
        for item in pruned(before[application], after[application])
    ]
    return Environment(name, automatic, tuple(lost), tuple(sorted(before.keys() - after.keys())), tuple(unknown))
