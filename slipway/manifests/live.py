"""The objects of a running namespace that somebody wrote, without what controllers made of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from slipway.errors import SlipwayError, UsageError
from slipway.manifests.model import Batch, Document, Object, Problem
from slipway.run import run

__all__ = ["live", "written_objects"]

_TIMEOUT_S = 120
_CHUNK = 200
_SKIPPED = frozenset(
    {
        "bindings",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "pods.metrics.k8s.io",
    }
)
"""Kinds that only the cluster itself writes, by their name in `kubectl api-resources`."""
_GIVEN = frozenset({("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")})
"""What every namespace is given."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_HELM_RELEASE = "helm.sh/release.v1"


def live(namespace: str, kubectl: Path, kubeconfig: Path, *, context: str = "") -> Batch:
    """The Namespace and what was written into it. Values of Secrets are emptied as soon as they are read.

    Kinds that the account may not list become problems. Raises `UsageError` (UNKNOWN_NAMESPACE) and `SlipwayError`
    (CLUSTER) when the cluster does not answer.
    """
    kube = _Kubectl(kubectl, kubeconfig, context)
    place = f"namespace {namespace}"
    batch = Batch()
    objects = [_namespace(kube, namespace)]
    kinds, complaint = kube.kinds()
    if complaint:
        # Its objects would be missing, and nobody would know.
        remedy = "`kubectl api-resources` names the API whose server is away"
        batch.problems.append(Problem(place, None, "NOT_READABLE", complaint, remedy))
    wanted = sorted(set(kinds) - _SKIPPED)
    if wanted:
        found, complaints = kube.objects("get", ",".join(wanted), "--namespace", namespace, f"--chunk-size={_CHUNK}")
        objects += found
        batch.problems += [
            Problem(place, None, "NOT_READABLE", complaint, "ask for an account that may list it")
            for complaint in complaints
        ]
    for index, item in enumerate(written_objects(objects)):
        batch.documents.append(Document(item, place, index))
    return batch


def written_objects(items: Iterable[Object]) -> list[Object]:
    """The objects that a person or a pipeline wrote, without what the cluster adds to them.

    The objects are changed in place. Left out: what a controller owns, what every namespace is given, and the records
    that Helm keeps of its releases. Taken off: `status`, `metadata.managedFields`.
    """
    written: list[Object] = []
    for item in items:
        metadata = item.get("metadata")
        if not isinstance(metadata, dict) or _made_by_cluster(item, metadata):
            continue
        item.pop("status", None)
        metadata.pop("managedFields", None)
        written.append(item)
    return written


def _made_by_cluster(item: Object, metadata: Object) -> bool:
    owners = metadata.get("ownerReferences")
    for owner in owners if isinstance(owners, list) else ():
        if isinstance(owner, dict) and owner.get("controller") is True:
            return True
    return item.get("type") == _HELM_RELEASE or (item.get("kind"), metadata.get("name")) in _GIVEN


def without_secret_values(item: Object) -> Object:
    """The object; of a Secret only the names of its keys. Changed in place."""
    if item.get("kind") != "Secret":
        return item
    for field in ("data", "stringData"):
        values = item.get(field)
        if isinstance(values, dict):
            item[field] = dict.fromkeys(values, "")
    metadata = item.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict):
        # `kubectl apply` keeps the whole Secret in it.
        annotations.pop(_LAST_APPLIED, None)
    return item


def _namespace(kube: _Kubectl, name: str) -> Object:
    found, complaints = kube.objects("get", "namespaces", name)
    if found:
        return found[0]
    said = "; ".join(dict.fromkeys(line.rstrip(".") for line in complaints))
    # A context or a user of the kubeconfig can be "not found" too.
    if "(NotFound)" not in said:
        raise SlipwayError(
            f"the namespace cannot be read: {said or 'kubectl says nothing'}",
            code="CLUSTER",
            where=str(kube.kubeconfig),
            remedy="check that the cluster runs and that the account may read it",
        )
    known = [line.partition("/")[2] for line in kube.lines("get", "namespaces", "-o", "name")]
    near = difflib.get_close_matches(name, known, n=3) or known[:10]
    raise UsageError(
        f"there is no namespace '{name}'",
        code="UNKNOWN_NAMESPACE",
        where=str(kube.kubeconfig),
        remedy=f"there are: {', '.join(near)}" if near else "`kubectl get namespaces` lists them",
    )


class _Kubectl:
    def __init__(self, kubectl: Path, kubeconfig: Path, context: str) -> None:
        self.kubeconfig = kubeconfig
        self._argv = [str(kubectl), "--kubeconfig", str(kubeconfig), "--request-timeout=30s"]
        self._argv += ["--context", context] if context else []

    def kinds(self) -> tuple[list[str], str]:
        """The namespaced kinds that can be listed, and kubectl's last word where it could not ask for all of them."""
        argv = [*self._argv, "api-resources", "--namespaced", "--verbs=list", "-o", "name"]
        done = run(argv, timeout=_TIMEOUT_S, check=False)
        said = done.stderr.strip().splitlines() or [f"kubectl ended with status {done.returncode}"]
        return done.stdout.split(), said[-1].strip() if done.returncode else ""

    def lines(self, *arguments: str) -> list[str]:
        """The words that kubectl prints; what it says on the side does not matter here."""
        return run([*self._argv, *arguments], timeout=_TIMEOUT_S, check=False).stdout.split()

    def objects(self, *arguments: str) -> tuple[list[Object], list[str]]:
        """The objects that kubectl prints, and its complaints. The output is in no error: it may hold Secrets."""
        done = run([*self._argv, *arguments, "--output=json"], timeout=_TIMEOUT_S, check=False)
        said = [line.strip() for line in done.stderr.splitlines()]
        complaints = [line for line in said if line and not line.startswith("Warning:")]
        try:
            answer: Any = orjson.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            answer = {}
            complaints.append("kubectl printed something else than JSON")
        items = answer.get("items") if answer.get("kind") == "List" else [answer] if answer else []
        return [without_secret_values(item) for item in items or () if isinstance(item, dict)], complaints
