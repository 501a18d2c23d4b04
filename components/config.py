"""Reads a stack's configuration once, checks it, and hands typed values to the components.

This is the only reader of `pulumi.Config`. The two files that the configuration leads to, the cluster's kubeconfig and
the sandbox's `connection.json`, are read by `access.py` on its behalf. It declares no resource. `parse` is pure apart
from those two files, so that the fixtures in `tests/unit/config/` test it without an engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pulumi
from pydantic import SecretStr, ValidationError

from components.access import Access, Connection, read_connection, read_kubeconfig
from components.errors import ConfigError, suggest
from components.explain import explain
from components.github_config import GitHubSettings
from components.github_config import problems as github_problems
from components.schema import (
    ENVIRONMENTS,
    AdmissionSection,
    ArgoCDSection,
    IngressSection,
    RegistrySection,
    SourcesSection,
    StackSchema,
    SyncSection,
)

__all__ = ["GitOps", "Ingress", "PlatformConfig", "parse", "read"]

PREFIX = "slipway:"
# Keys of the engine itself may stand in a stack file; any other prefix would have no effect (default providers
# are disabled), so it is a mistake.
ENGINE_PREFIX = "pulumi:"


@dataclass(frozen=True)
class GitOps:
    """The repository that Argo CD reads, and the account that reads it."""

    url: str
    revision: str
    username: str | None
    password: SecretStr | None
    insecure: bool  # plain HTTP: only the sandbox's own Git server, which nothing outside the machine reaches


@dataclass(frozen=True)
class Ingress:
    """How HTTP reaches the cluster, with the provider's defaults filled in."""

    service: str
    node_port: int | None
    domain: str | None
    replicas: int
    port: int  # as a client sees it, for the URLs that are printed


@dataclass(frozen=True)
class PlatformConfig:
    """Everything the components need to know about one environment."""

    environment: str
    install: bool  # this stack installs the platform services; else it attaches to a platform that is there
    access: Access
    sources: SourcesSection
    gitops: GitOps
    sync: SyncSection
    argocd: ArgoCDSection
    webhook_secret: SecretStr | None
    ingress: Ingress
    registry: RegistrySection
    admission: AdmissionSection
    github: GitHubSettings | None = None
    sandbox: bool = field(default=False)


def read() -> PlatformConfig:
    """The configuration of the stack that is being run, from the engine."""
    stack, project = pulumi.get_stack(), Path(pulumi.runtime.get_root_directory() or ".").resolve()
    values = {key: _decoded(value) for key, value in _engine_values().items()}
    return parse(values, stack, f"Pulumi.{stack}.yaml", project=project, preview=pulumi.runtime.is_dry_run())


def parse(
    values: Mapping[str, Any], stack: str, file: str, *, project: Path = Path(), preview: bool = True
) -> PlatformConfig:
    """Check `values` (keys as in a stack file) and fill in what follows from the provider.

    `preview` allows a sandbox that is not there: its addresses and accounts are then placeholders.
    """
    own = _own_keys(values, file)
    try:
        schema = StackSchema.model_validate(own)
    except ValidationError as error:
        raise ConfigError(explain(error, StackSchema, PREFIX), where=file) from None
    environment = schema.environment or stack
    if environment not in ENVIRONMENTS:
        raise ConfigError(
            [
                f"the stack '{stack}' is no environment{suggest(stack, ENVIRONMENTS)}; "
                f"allowed: {', '.join(ENVIRONMENTS)}, or set `{PREFIX}environment` to one of them"
            ],
            where=file,
        )
    if schema.cluster.provider == "sandbox":
        connection, found = read_connection(project, preview=preview)
        config = _for_sandbox(schema, environment, connection, found)
    else:
        config = _for_existing(schema, environment, project, file)
    return _with_github(config, schema, file)


def _for_sandbox(schema: StackSchema, environment: str, connection: Connection, found: bool) -> PlatformConfig:
    git = connection.git
    external = schema.gitops.url is not None
    gitops = GitOps(
        url=schema.gitops.url or git.url,
        revision=schema.gitops.revision,
        username=schema.gitops.username if external else git.reader_username,
        password=schema.gitops.password if external else git.reader_password,
        insecure=not external,
    )
    wanted = schema.ingress
    service = wanted.service or "NodePort"
    node_port = (wanted.node_port or connection.ingress.http_port) if service == "NodePort" else None
    return PlatformConfig(
        environment=environment,
        install=schema.platform == "install",
        access=connection.access(found),
        sources=schema.sources,
        gitops=gitops,
        sync=schema.sync,
        argocd=schema.argocd,
        webhook_secret=schema.argocd.webhook_secret or connection.webhook_secret,
        ingress=Ingress(
            service=service,
            node_port=node_port,
            domain=wanted.domain or connection.ingress.domain,
            replicas=wanted.replicas,
            port=node_port or 80,
        ),
        registry=schema.registry,
        admission=schema.admission,
        sandbox=True,
    )


def _for_existing(schema: StackSchema, environment: str, project: Path, file: str) -> PlatformConfig:
    if schema.gitops.url is None:
        problem = f"`{PREFIX}gitops.url` is missing; provider 'existing' has no Git server of its own"
        raise ConfigError([problem], where=file)
    if schema.gitops.url.startswith("http://") and schema.gitops.password is not None:
        problem = f"`{PREFIX}gitops.url` is '{schema.gitops.url}'; a password is sent over https or ssh only"
        raise ConfigError([problem], where=file)
    wanted = schema.ingress
    return PlatformConfig(
        environment=environment,
        install=schema.platform == "install",
        access=read_kubeconfig(schema.cluster, project, where=file, key=f"{PREFIX}cluster"),
        sources=schema.sources,
        gitops=GitOps(
            url=schema.gitops.url,
            revision=schema.gitops.revision,
            username=schema.gitops.username,
            password=schema.gitops.password,
            insecure=False,
        ),
        sync=schema.sync,
        argocd=schema.argocd,
        webhook_secret=schema.argocd.webhook_secret,
        ingress=_ingress(wanted),
        registry=schema.registry,
        admission=schema.admission,
    )


def _with_github(config: PlatformConfig, schema: StackSchema, file: str) -> PlatformConfig:
    if schema.github is None:
        return config
    settings = GitHubSettings(schema.github, config.environment, config.registry, config.webhook_secret)
    if found := github_problems(settings, f"{PREFIX}github."):
        raise ConfigError(found, where=file)
    return replace(config, github=settings)


def _ingress(wanted: IngressSection) -> Ingress:
    service = wanted.service or ("NodePort" if wanted.node_port else "LoadBalancer")
    return Ingress(service, wanted.node_port, wanted.domain, wanted.replicas, wanted.node_port or 80)


def _own_keys(values: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The keys without their prefix; a key with a prefix that nothing reads is an error."""
    own: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in values.items():
        if key.startswith(ENGINE_PREFIX):
            continue
        prefix, colon, name = key.rpartition(":")
        if colon and prefix + colon != PREFIX:
            near = suggest(prefix, [PREFIX[:-1], ENGINE_PREFIX[:-1]])
            problems.append(f"unknown key `{key}`{near}; allowed prefixes: {PREFIX} and {ENGINE_PREFIX}")
        else:
            own[name] = value
    if problems:
        raise ConfigError(problems, where=file)
    return own


def _engine_values() -> dict[str, Any]:
    # pulumi.Config can only be asked for a key that one knows; unknown keys are found in the whole map.
    from pulumi.runtime import config as engine

    return {**engine.get_config_env(), **engine.CONFIG.get()}


def _decoded(value: Any) -> Any:
    """The engine hands over mappings and lists as JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
