"""Containers' variables: set once, from one place, and no secret among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Path, Severity, Violation
from slipway.rules.plaintext import cel_harmless, cel_sensitive, is_harmless, is_sensitive
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule
from slipway.rules.shape import entries, mapping, text

__all__: list[str] = []


def _env(pod: PodView) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Each variable of each container: path, the container's name, the entry."""
    for container in pod.containers:
        if "env" in container.spec:
            for index, variable in entries(container.spec["env"]):
                yield (*container.path, "env", index), container.name, variable


@pod_rule(
    id="env-secret-literal",
    title="Variables take secrets from a Secret",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="Everybody who reads the manifest has the secret, and so has everybody who may look at the Pod.",
    remedy="Mount a Secret as a file, or name it in `valueFrom.secretKeyRef`; renew the value.",
    sources=("polaris:sensitiveContainerEnvVar", "kube-linter:env-var-secret", "kubescape:C-0012"),
    cel=(
        "variables.containers.all(c, !has(c.env) || c.env.all(e, !has(e.value) || !has(e.name) || "
        f"{cel_harmless('e.value')} || !{cel_sensitive('e.name')}))"
    ),
)
def env_secret_literal(pod: PodView, context: Context) -> Iterable[Violation]:
    """A variable with a secret's name and a value of its own."""
    for path, container, variable in _env(pod):
        name, value = variable.get("name"), variable.get("value")
        if value and isinstance(name, str) and is_sensitive(name) and not is_harmless(str(value)):
            yield Violation((*path, "value"), f"container '{container}' has the value of '{name}' in plain text")


@pod_rule(
    id="secret-in-env",
    title="Containers read secrets from files",
    severity=Severity.ADVISORY,
    category=Category.SECURITY,
    reason="Variables are inherited by every child process and turn up in dumps and error reports; files do not.",
    remedy="Mount the Secret as a volume and read the file.",
    sources=("kube-linter:read-secret-from-env-var", "CIS:5.4.1"),
    cel=(
        "variables.containers.all(c, (!has(c.env) || c.env.all(e, !has(e.valueFrom) || "
        "!has(e.valueFrom.secretKeyRef))) && (!has(c.envFrom) || c.envFrom.all(f, !has(f.secretRef))))"
    ),
)
def secret_in_env(pod: PodView, context: Context) -> Iterable[Violation]:
    """A container with variables that come from a Secret; one finding a container."""
    for container in pod.containers:
        spec = container.spec
        if "env" not in spec and "envFrom" not in spec:
            continue
        read = [text(variable.get("name")) for _, variable in entries(spec.get("env"))
                if mapping(variable.get("valueFrom")).get("secretKeyRef") is not None]  # fmt: skip
        if read:
            message = f"container '{container.name}' reads {', '.join(read)} from a Secret into variables"
            yield Violation((*container.path, "env"), message)
        elif any(source.get("secretRef") is not None for _, source in entries(spec.get("envFrom"))):
            message = f"container '{container.name}' reads a whole Secret into variables"
            yield Violation((*container.path, "envFrom"), message)


@pod_rule(
    id="env-duplicate",
    title="Variables are set once",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="The last one wins, and a three-way merge may keep either.",
    remedy="Remove all but one.",
    sources=("kube-score:environment-variable-key-duplication", "kube-linter:duplicate-env-var"),
    cel=(
        "variables.containers.all(c, !has(c.env) || c.env.all(e, !has(e.name) || "
        "c.env.exists_one(o, has(o.name) && o.name == e.name)))"
    ),
)
def env_duplicate(pod: PodView, context: Context) -> Iterable[Violation]:
    """A name that an earlier variable of the container has."""
    seen: set[tuple[Path, Any]] = set()
    for path, container, variable in _env(pod):
        name = text(variable.get("name"))
        if name and (path[:-1], name) in seen:
            yield Violation((*path, "name"), f"container '{container}' sets '{name}' twice")
        seen.add((path[:-1], name))


@pod_rule(
    id="env-value-and-source",
    title="Variables have a value or a source",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object.",
    remedy="Remove `value` or `valueFrom`.",
    sources=("kubernetes:ValidateEnv",),
)
def env_value_and_source(pod: PodView, context: Context) -> Iterable[Violation]:
    """A variable with both."""
    for path, container, variable in _env(pod):
        if variable.get("value") and variable.get("valueFrom"):
            name = text(variable.get("name"))
            yield Violation(path, f"container '{container}' gives '{name}' both a value and a source")
