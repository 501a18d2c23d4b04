"""Secrets that are readable where they should not be. No message shows a value.

One secret is one finding: by its name in a variable or a ConfigMap's key; else by its form, wherever it stands.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.plaintext import (
    assignments,
    cel_harmless,
    cel_sensitive,
    credentials,
    is_harmless,
    is_sensitive,
    may_hold_credentials,
)
from slipway.rules.registry import rule
from slipway.rules.shape import annotations_of, mapping, text

__all__: list[str] = []

# Public parts of certificates and of ServiceAccounts' tokens.
_PUBLIC_KEYS = frozenset({"ca.crt", "namespace", "tls.crt"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# kubectl writes compact JSON.
_APPLIED_DATA = ('"data":{"', '"stringData":{"')
# What the API server or a controller says, and a copy of the rest; nobody wrote it into a manifest.
_NOT_WRITTEN = frozenset({"status", "managedFields", _LAST_APPLIED})
# Of a built-in workload, what has no room for a text of one's own: most of it, so this saves most of the time.
_WORKLOADS = frozenset({"apps/v1", "batch/v1"})
_NO_TEXT = _NOT_WRITTEN | {
    "affinity",
    "labels",
    "matchLabels",
    "ports",
    "resources",
    "securityContext",
    "selector",
    "strategy",
    "tolerations",
    "topologySpreadConstraints",
    "volumeMounts",
}
# No credential that has a form is shorter.
_SHORTEST = 12


@rule(
    id="secret-plaintext",
    title="Secrets are not written down in manifests",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="Base64 hides nothing: everybody who reads the repository, now or in its history, has the secret.",
    remedy="Renew the secret, and commit a SealedSecret or an ExternalSecret instead.",
    sources=("slipway:secrets-never-in-git", "kubescape:C-0012"),
    kinds=("Secret",),
)
def secret_plaintext(item: Object, context: Context) -> Iterable[Violation]:
    """A Secret with values. Empty ones, references for a later tool, SOPS ciphertext and certificates are none."""
    if "sops" in item:
        return
    for field, decode in (("data", _decoded), ("stringData", str)):
        named = [key for key, value in mapping(item.get(field)).items()
                 if key not in _PUBLIC_KEYS and value is not None and not is_harmless(decode(value))]  # fmt: skip
        if named:
            yield Violation((field,), f"the Secret holds {', '.join(map(str, named))} in plain text")
            return


def _decoded(value: Any) -> str:
    """The text of a Secret's value; what is no base64 is itself."""
    if not isinstance(value, str):
        return str(value)
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace").strip()
    except (binascii.Error, ValueError):
        return value


@rule(
    id="secret-last-applied",
    title="Secrets carry no copy of their values",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Annotations are shown, logged and exported where the values of Secrets are held back.",
    remedy="Remove the annotation, and apply on the server's side.",
    sources=("kubernetes:last-applied-configuration",),
    kinds=("Secret",),
)
def secret_last_applied(item: Object, context: Context) -> Iterable[Violation]:
    """The annotation of `kubectl apply`, with the Secret's values in it."""
    applied = text(annotations_of(item).get(_LAST_APPLIED))
    if any(start in applied for start in _APPLIED_DATA):
        yield Violation(("metadata", "annotations", _LAST_APPLIED), "the annotation repeats the Secret's values")


@rule(
    id="configmap-secret",
    title="ConfigMaps hold no secrets",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="ConfigMaps are neither encrypted nor kept from readers as Secrets are.",
    remedy="Move the value into a Secret, and renew it.",
    sources=("polaris:sensitiveConfigmapContent", "kubescape:C-0012"),
    kinds=("ConfigMap",),
    cel=(f"!has(object.data) || object.data.all(k, {cel_harmless('object.data[k]')} || !{cel_sensitive('k')})"),
)
def configmap_secret(item: Object, context: Context) -> Iterable[Violation]:
    """A key with a secret's name."""
    for key, value in mapping(item.get("data")).items():
        if isinstance(key, str) and value and is_sensitive(key) and not is_harmless(str(value)):
            yield Violation(("data", key), f"the value of '{key}' is in plain text")


def _assigned(key: str, value: str) -> str:
    """What the text of a ConfigMap's entry gives a secret's name to; empty when nothing."""
    if is_sensitive(key):
        return ""
    # A name that holds such characters is an expression of some language, not a value.
    return next((name for _, name, given, _ in assignments(value) if not set("(){}[]$<>|") & set(given)), "")


@rule(
    id="configmap-secret-content",
    title="Files in ConfigMaps hold no secrets",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="ConfigMaps are neither encrypted nor kept from readers as Secrets are.",
    remedy="Move the file into a Secret, or let it refer to a variable; renew the value.",
    sources=("polaris:sensitiveConfigmapContent", "kubescape:C-0012"),
    kinds=("ConfigMap",),
)
def configmap_secret_content(item: Object, context: Context) -> Iterable[Violation]:
    """A line `password: ...` or `token = ...` in an entry."""
    for key, value in mapping(item.get("data")).items():
        if isinstance(value, str) and isinstance(key, str) and (name := _assigned(key, value)):
            yield Violation(("data", key), f"'{key}' sets '{name}' in plain text")


@rule(
    id="credential-in-manifest",
    title="Manifests hold no credentials",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="The value has the form of a token, a key or a URL with a password: whoever reads the repository has it.",
    remedy="Revoke it, and refer to a Secret instead.",
    sources=("slipway:secrets-never-in-git", "polaris:sensitiveConfigmapContent", "polaris:sensitiveContainerEnvVar"),
    kinds=("*",),
)
def credential_in_manifest(item: Object, context: Context) -> Iterable[Violation]:
    """Any text of the object that has the form of a credential, unless another rule names it already."""
    # Every value of every object is looked at: first for a hint, and only then with care.
    if not may_hold_credentials("\n".join(_texts(item))):
        return
    for path, value in _placed_texts(item, ()):
        form = next((name for _, name in credentials(value)), "")
        if form and not _named_already(item, path):
            yield Violation(path, f"the value holds a {form}")


def _texts(item: Object) -> list[str]:
    """The texts of an object, without their places and without the shortest."""
    texts: list[str] = []
    skipped = _NO_TEXT if item.get("apiVersion") in _WORKLOADS else _NOT_WRITTEN
    waiting: list[Any] = [item]
    while waiting:
        held = waiting.pop()
        for key, value in held.items() if type(held) is dict else enumerate(held):
            kind = type(value)
            if kind is str:
                if len(value) >= _SHORTEST:
                    texts.append(value)
            elif (kind is dict or kind is list) and key not in skipped:
                waiting.append(value)
    return texts


def _placed_texts(held: Any, path: Path) -> Iterator[tuple[Path, str]]:
    for key, value in held.items() if isinstance(held, dict) else enumerate(held):
        if isinstance(value, str) and key not in _NOT_WRITTEN:
            yield (*path, key), value
        elif isinstance(value, dict | list) and key not in _NOT_WRITTEN:
            yield from _placed_texts(value, (*path, key))


def _named_already(item: Object, path: Path) -> bool:
    """Whether the rules above speak of this value."""
    kind = item.get("kind")
    if kind == "Secret":
        return path[0] in ("data", "stringData")
    if kind == "ConfigMap" and len(path) == 2 and path[0] == "data":
        key = str(path[1])
        value = str(mapping(item.get("data")).get(key))
        return (is_sensitive(key) and not is_harmless(value)) or bool(_assigned(key, value))
    if len(path) > 2 and path[-1] == "value" and path[-3] == "env":
        variable: Any = item
        for part in path[:-1]:
            variable = variable[part]
        return is_sensitive(text(variable.get("name"))) and not is_harmless(text(variable.get("value")))
    return False
