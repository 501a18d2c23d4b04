"""Which GitHub repositories a stack declares: what must agree in its configuration, and what follows from it.

Pure: plain values in, plain values out.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from components.repository import Environment, RepositoryArgs, Rules, Webhook
from components.schema import ENVIRONMENTS, GitHubRepository, GitHubSection, RegistrySection

__all__ = ["APP_CHECKS", "GitHubSettings", "problems", "repositories"]

# Jobs of .github/workflows/check.yml, which runs on every pull request.
APP_CHECKS = ("check", "validate")
DOCKER_HUB = "docker.io"
DIGITALOCEAN = "registry.digitalocean.com"


@dataclass(frozen=True)
class GitHubSettings:
    """The section, and what other sections say about the same things."""

    section: GitHubSection
    environment: str
    registry: RegistrySection
    # Signs what GitHub tells Argo CD.
    webhook_secret: SecretStr | None


def problems(wanted: GitHubSettings, prefix: str) -> list[str]:
    """What is missing or contradicts itself, each with its key; `prefix` stands before a key (`slipway:github.`)."""
    section, found = wanted.section, []
    for name, environment in _environments(wanted).items():
        if name == "prod" and not environment.reviewed:
            found.append(
                f"`{prefix}environments.prod` has no reviewers; name at least one in `teams` or `users`, by GitHub's "
                "number of it"
            )
    if section.app is None and section.gitops is None:
        found.append(f"`{prefix}app` and `{prefix}gitops` are missing; name one repository at least")
    given = {
        "gitopsPat": section.gitops_pat,
        "imagePush": section.image_push,
        "sonar": section.sonar,
        "digitaloceanToken": section.digitalocean_token,
        "deployKey": section.deploy_key,
        "webhookUrl": section.webhook_url,
        "variables": section.variables or None,
    }
    if section.manage == "environments":
        found += [
            f"`{prefix}{key}` belongs to the stack that owns the repositories; this one has `manage: environments`"
            for key, value in given.items()
            if value is not None
        ]
        return found
    needed = _needed(wanted)
    found += [f"`{prefix}{key}` is missing; {why}" for key, why in needed.items() if given[key] is None]
    push = section.image_push
    if "imagePush" in needed and push is not None and push.username is None and wanted.registry.host == DOCKER_HUB:
        found.append(f"`{prefix}imagePush.username` is missing; {DOCKER_HUB} asks for one")
    if section.webhook_url is not None and wanted.webhook_secret is None:
        found.append(f"`{prefix}webhookUrl` needs `slipway:argocd.webhookSecret`, which signs what is sent there")
    return found


def _needed(wanted: GitHubSettings) -> dict[str, str]:
    """The secrets that the app repository's workflows cannot do without, and what for."""
    if wanted.section.app is None:
        return {}
    needed = {
        "gitopsPat": "the app repository's workflows commit to the GitOps repository with it",
        "imagePush": f"the app repository's workflows push images to {wanted.registry.host} with it",
    }
    if wanted.registry.host == DIGITALOCEAN:
        needed["digitaloceanToken"] = f"{DIGITALOCEAN} is reached with it"
    return needed


def repositories(wanted: GitHubSettings) -> list[RepositoryArgs]:
    """The repositories of both roles; one alone when both roles point at it."""
    section = wanted.section
    # Where the workflows are that deploy and promote.
    deploying = section.app or section.gitops
    if deploying is None:
        return []
    if section.manage == "environments":
        return [RepositoryArgs(name=deploying.name, owned=False, environments=_environments(wanted))]
    roles = [deploying]
    if section.gitops is not None and section.gitops.name != deploying.name:
        roles.append(section.gitops)
    # The GitOps repository; the only one is it as well.
    delivered = section.gitops or deploying
    return [
        _repository(role, wanted, deploys=role is deploying, delivered=role.name == delivered.name) for role in roles
    ]


def _repository(role: GitHubRepository, wanted: GitHubSettings, *, deploys: bool, delivered: bool) -> RepositoryArgs:
    section = wanted.section
    is_app = role is section.app
    # Delivery jobs commit to the GitOps repository: that is how an application changes.
    pull_requests = is_app if role.pull_requests is None else role.pull_requests
    checks = (APP_CHECKS if is_app else ()) if role.checks is None else tuple(role.checks)
    webhook = None
    if delivered and section.webhook_url is not None and wanted.webhook_secret is not None:
        webhook = Webhook(section.webhook_url, wanted.webhook_secret)
    return RepositoryArgs(
        name=role.name,
        description=role.description,
        visibility=role.visibility,
        adopt=role.adopt,
        on_destroy=role.on_destroy,
        protect=role.protect,
        secrets=_secrets(wanted) if is_app else {},
        variables=_variables(wanted) if is_app else {},
        environments=_environments(wanted) if deploys else {},
        rules=Rules(checks, pull_requests, role.approvals, tuple(role.bypass_teams)),
        deploy_keys={"argocd": section.deploy_key} if delivered and section.deploy_key else {},
        webhook=webhook,
        codeowners=[(entry.pattern, entry.owners) for entry in role.codeowners],
    )


def _secrets(wanted: GitHubSettings) -> dict[str, SecretStr]:
    section = wanted.section
    found: dict[str, SecretStr | None] = {"GITOPS_PAT": section.gitops_pat}
    if section.image_push is not None:
        push = section.image_push
        if wanted.registry.host == DOCKER_HUB:
            found |= {"DOCKER_USERNAME": SecretStr(push.username or ""), "DOCKER_PASSWORD": push.token}
        else:
            found["REGISTRY_TOKEN"] = push.token
    if section.sonar is not None:
        found |= {"SONAR_HOST_URL": SecretStr(section.sonar.host_url), "SONAR_TOKEN": section.sonar.token}
    found["DIGITALOCEAN_ACCESS_TOKEN"] = section.digitalocean_token
    return {name: value for name, value in found.items() if value is not None}


def _variables(wanted: GitHubSettings) -> dict[str, str]:
    section = wanted.section
    found = {"REGISTRY": f"{wanted.registry.host}/{wanted.registry.namespace}"}
    if section.gitops is not None:
        found["GITOPS_REPOSITORY"] = f"{section.owner}/{section.gitops.name}"
    return {**found, **section.variables}


def _environments(wanted: GitHubSettings) -> dict[str, Environment]:
    """The stack's own environment, and those that it declares for others."""
    found: dict[str, Environment] = {}
    for name in ENVIRONMENTS:
        gate = getattr(wanted.section.environments, name)
        if gate is not None:
            found[name] = Environment(tuple(gate.teams), tuple(gate.users), gate.wait_minutes)
        elif name == wanted.environment:
            found[name] = Environment()
    return found
