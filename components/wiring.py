"""Hands the stack's configuration to the components: which value goes where, and what the stack puts out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.admission import AdmissionArgs
from components.applications import Applications, ApplicationsArgs
from components.argocd import ArgoCDArgs
from components.cluster import Cluster
from components.config import PlatformConfig
from components.github_config import GitHubSettings, repositories
from components.github_provider import GitHub, GitHubArgs, require_token
from components.ingress import IngressArgs
from components.namespaces import ARGOCD
from components.registry import Registry, RegistryArgs
from components.repository import Repository
from components.sources import SOURCES, load, resolve

__all__ = ["admission_args", "applications_args", "argocd_args", "github", "ingress_args", "outputs", "registry_args"]


def ingress_args(config: PlatformConfig) -> IngressArgs:
    """The ingress controller of a stack that installs the platform."""
    sources, wanted = config.sources, config.ingress
    return IngressArgs(
        gateway_api=load("gateway-api", sources.mode, sources.location),
        image=resolve("traefik", sources.mode, sources.location),
        service=wanted.service,
        node_port=wanted.node_port,
        replicas=wanted.replicas,
        address=wanted.domain if config.sandbox else None,
        wait=_wait(config),
    )


def argocd_args(config: PlatformConfig, gateway: Sequence[pulumi.Resource]) -> ArgoCDArgs:
    """Argo CD of a stack that installs the platform."""
    wanted = config.argocd
    return ArgoCDArgs(
        objects=load("argo-cd", config.sources.mode, config.sources.location),
        dex=wanted.dex,
        reconciliation_seconds=wanted.reconciliation_seconds,
        exec_timeout_seconds=wanted.exec_timeout_seconds,
        webhook_secret=config.webhook_secret,
        host=_argocd_host(config),
        wait=_wait(config),
        gateway=gateway,
    )


def admission_args(config: PlatformConfig) -> AdmissionArgs:
    """What the API server refuses in the environment's namespaces."""
    hosts: dict[str, list[str]] = {}
    for grant in config.admission.hosts:
        hosts.setdefault(grant.app, []).append(grant.host)
    own = _argocd_host(config) if config.install else None
    return AdmissionArgs(
        environment=config.environment,
        install=config.install,
        domain=config.ingress.domain,
        hosts=hosts,
        reserved=[own] if own else [],
    )


def github(settings: GitHubSettings) -> dict[str, pulumi.Output[str | None]]:
    """The stack's part of GitHub; the repositories' addresses by name."""
    section = settings.section
    require_token(section.token, section.owner, preview=pulumi.runtime.is_dry_run())
    account = GitHub("github", GitHubArgs(section.owner, section.token, base_url=section.base_url))
    through = pulumi.ResourceOptions(providers=[account.provider])
    return {args.name: Repository(args.name, args, through).url for args in repositories(settings)}


def registry_args(config: PlatformConfig) -> RegistryArgs:
    """The registry of the applications' images."""
    wanted = config.registry
    return RegistryArgs(
        host=wanted.host,
        namespace=wanted.namespace,
        username=wanted.username,
        password=wanted.password,
        secret_namespace=ARGOCD,
    )


def applications_args(config: PlatformConfig) -> ApplicationsArgs:
    """The environment's delivery."""
    git = config.gitops
    return ApplicationsArgs(
        environment=config.environment,
        repository=git.url,
        revision=git.revision,
        username=git.username,
        password=git.password,
        insecure=git.insecure,
        sync=config.sync,
    )


def outputs(config: PlatformConfig, cluster: Cluster, registry: Registry, applications: Applications) -> dict[str, Any]:
    """What `pulumi stack output` shows."""
    port = "" if config.ingress.port == 80 else f":{config.ingress.port}"
    urls: dict[str, str] = {}
    if config.ingress.domain:
        urls["applications"] = f"http://<app>.{config.environment}.{config.ingress.domain}{port}/"
    if config.install and (host := _argocd_host(config)):
        urls["argocd"] = f"http://{host}{port}/"
    return {
        "environment": config.environment,
        "mode": cluster.mode,
        "cluster": {"provider": config.access.kind, "fingerprint": config.access.fingerprint},
        "urls": urls,
        "root": applications.root,
        "repository": applications.repository,
        "registry": registry.prefix,
        "versions": {source.name: source.version for source in SOURCES} if config.install else {},
    }


def _argocd_host(config: PlatformConfig) -> str | None:
    # Only the sandbox gets one by default: outside, an admin API over plain HTTP is a person's decision.
    if config.argocd.host or not config.sandbox:
        return config.argocd.host
    return f"argocd.{config.environment}.{config.ingress.domain}"


def _wait(config: PlatformConfig) -> bool:
    # `slipway up` waits for the sandbox's applications afterwards; they start while Argo CD's server still does.
    return not config.sandbox
