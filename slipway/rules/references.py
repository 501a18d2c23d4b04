"""References of Pods to Secrets, ConfigMaps and claims that do not exist.

A missing one is reported once for each Pod, where it is named first. `optional: true` is respected. What counts as
existing is said in `provided.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slipway.rules import provided
from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import Container, PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.shape import dig, entries, mapping, name_of, namespace_of, text

__all__: list[str] = []


class _Reference(NamedTuple):
    """A name of a Secret or ConfigMap that has to be there, and maybe of one of its keys."""

    kind: str
    name: str
    path: Path
    key: str = ""
    key_path: Path = ()


def _references(pod: PodView) -> Iterator[_Reference]:
    for container in pod.containers:
        if "env" in container.spec or "envFrom" in container.spec:
            yield from _environment(container)
    for index, volume in entries(pod.spec.get("volumes")):
        path = (*pod.path, "volumes", index)
        yield from _volume(volume, path, "secretName")
        for number, source in entries(dig(volume, "projected", "sources")):
            yield from _volume(source, (*path, "projected", "sources", number), "name")
        if (secret := dig(volume, "csi", "nodePublishSecretRef", "name")) is not None:
            yield _Reference("Secret", text(secret), (*path, "csi", "nodePublishSecretRef", "name"))


def _environment(container: Container) -> Iterator[_Reference]:
    for index, entry in entries(container.spec.get("envFrom")):
        path = (*container.path, "envFrom", index)
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            source = mapping(entry.get(field))
            if source and source.get("optional") is not True:
                yield _Reference(kind, text(source.get("name")), (*path, field, "name"))
    for index, entry in entries(container.spec.get("env")):
        origin = mapping(entry.get("valueFrom"))
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")) if origin else ():
            source = mapping(origin.get(field))
            if source and source.get("optional") is not True:
                path = (*container.path, "env", index, "valueFrom", field)
                yield _Reference(
                    kind, text(source.get("name")), (*path, "name"), text(source.get("key")), (*path, "key")
                )


def _volume(volume: Object, path: Path, secret_name: str) -> Iterator[_Reference]:
    for field, kind, name_field in (("secret", "Secret", secret_name), ("configMap", "ConfigMap", "name")):
        source = mapping(volume.get(field))
        if not source or source.get("optional") is True:
            continue
        name, name_path = text(source.get(name_field)), (*path, field, name_field)
        yield _Reference(kind, name, name_path)
        for index, item in entries(source.get("items")):
            yield _Reference(kind, name, name_path, text(item.get("key")), (*path, field, "items", index, "key"))


def _missing(pod: PodView, context: Context, kind: str) -> Iterator[Violation]:
    namespace = namespace_of(pod.object)
    seen = set()
    for reference in _references(pod):
        if reference.kind != kind or not reference.name or reference.name in seen:
            continue
        seen.add(reference.name)
        if provided.find(context.objects, kind, namespace, reference.name) is None:
            provided.must_be_known(context, f"{kind} '{reference.name}'")
            yield Violation(reference.path, f"{kind} '{reference.name}' does not exist in {_place(namespace)}")


def _place(namespace: str) -> str:
    return f"namespace '{namespace}', in what was read" if namespace else "what was read"


@pod_rule(
    id="secret-does-not-exist",
    title="Secrets that a Pod needs exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The kubelet does not start a container whose Secret is missing: it waits in CreateContainerConfigError.",
    remedy=(
        "Correct the name, or commit what makes the Secret (SealedSecret, ExternalSecret, Certificate). If the "
        "platform makes it, say so on the Namespace: `slipway.dev/provides: Secret/<name>`."
    ),
    sources=("slipway:references", "kube-linter:env-value-from"),
    whole_set=True,
)
def secret_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A Secret in env, envFrom or a volume that nothing makes."""
    return _missing(pod, context, "Secret")


@pod_rule(
    id="configmap-does-not-exist",
    title="ConfigMaps that a Pod needs exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The kubelet does not start a container whose ConfigMap is missing: it waits in CreateContainerConfigError.",
    remedy=(
        "Correct the name, or add the ConfigMap or its generator. If the platform makes it, say so on the "
        "Namespace: `slipway.dev/provides: ConfigMap/<name>`."
    ),
    sources=("slipway:references", "kube-linter:env-value-from"),
    whole_set=True,
)
def configmap_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A ConfigMap in env, envFrom or a volume that nothing makes."""
    return _missing(pod, context, "ConfigMap")


@pod_rule(
    id="config-key-does-not-exist",
    title="Keys that a Pod takes from Secrets and ConfigMaps exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="A missing key stops the container, or leaves out the file that it was to be.",
    remedy="Correct the key, add it to the Secret or ConfigMap, or mark the reference `optional: true`.",
    sources=("slipway:references", "kube-linter:env-value-from"),
    whole_set=True,
)
def config_key_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A key that an existing Secret or ConfigMap has not. One that is made elsewhere may have any key."""
    namespace = namespace_of(pod.object)
    for reference in _references(pod):
        if not reference.key or not reference.name:
            continue
        contents = provided.find(context.objects, reference.kind, namespace, reference.name)
        if contents is not None and contents.keys is not None and reference.key not in contents.keys:
            yield Violation(reference.key_path, f"{reference.kind} '{reference.name}' has no key '{reference.key}'")


@pod_rule(
    id="pull-secret-does-not-exist",
    title="Pull secrets that a Pod names exist",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Without its pull secret the kubelet asks the registry as nobody, and a private image is denied.",
    remedy="Correct the name, or make the Secret; for one of the platform: `slipway.dev/provides: Secret/<name>`.",
    sources=("slipway:references",),
    whole_set=True,
)
def pull_secret_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A Pod's `imagePullSecrets` that nothing makes."""
    if "imagePullSecrets" in pod.spec:
        return _missing_pull_secrets(pod.object, pod.spec, (*pod.path, "imagePullSecrets"), context)
    return ()


@rule(
    id="account-pull-secret-does-not-exist",
    title="Pull secrets that a ServiceAccount names exist",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="Every Pod of the account pulls as nobody, and a private image is denied.",
    remedy="Correct the name, or make the Secret; for one of the platform: `slipway.dev/provides: Secret/<name>`.",
    sources=("slipway:references",),
    kinds=("ServiceAccount",),
    whole_set=True,
)
def account_pull_secret_does_not_exist(item: Object, context: Context) -> Iterable[Violation]:
    """A ServiceAccount's `imagePullSecrets` that nothing makes."""
    return _missing_pull_secrets(item, item, ("imagePullSecrets",), context)


def _missing_pull_secrets(item: Object, holder: Object, path: Path, context: Context) -> Iterator[Violation]:
    for index, entry in entries(holder.get("imagePullSecrets")):
        name = text(entry.get("name"))
        if name and provided.find(context.objects, "Secret", namespace_of(item), name) is None:
            provided.must_be_known(context, f"Secret '{name}'")
            yield Violation((*path, index, "name"), f"Secret '{name}' does not exist in {_place(namespace_of(item))}")


@pod_rule(
    id="volume-claim-does-not-exist",
    title="Claims that a Pod mounts exist",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="The scheduler leaves a Pod pending until its PersistentVolumeClaim exists.",
    remedy="Correct `claimName`, or add the PersistentVolumeClaim.",
    sources=("slipway:references",),
    whole_set=True,
)
def volume_claim_does_not_exist(pod: PodView, context: Context) -> Iterable[Violation]:
    """A volume's claim that was not read and that no StatefulSet makes. Its own claims replace volumes."""
    namespace = namespace_of(pod.object)
    own = {name_of(template) for _, template in entries(dig(pod.object, "spec", "volumeClaimTemplates"))}
    for index, volume in entries(pod.spec.get("volumes")):
        name = text(dig(volume, "persistentVolumeClaim", "claimName"))
        if not name or volume.get("name") in own:
            continue
        if provided.find(context.objects, "PersistentVolumeClaim", namespace, name) is None:
            provided.must_be_known(context, f"PersistentVolumeClaim '{name}'")
            path = (*pod.path, "volumes", index, "persistentVolumeClaim", "claimName")
            yield Violation(path, f"PersistentVolumeClaim '{name}' does not exist in {_place(namespace)}")
