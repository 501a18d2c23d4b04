"""What a stack may configure: every key, its type and its default. Unknown keys and wrong types are errors.

Keys are camelCase as everywhere in Pulumi configuration. Only values that work are allowed: a provider joins
`ClusterSection.provider` in the change that makes it work. This module reads nothing; see `config.py`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.alias_generators import to_camel

__all__ = [
    "ENVIRONMENTS",
    "AdmissionSection",
    "ArgoCDSection",
    "ClusterSection",
    "Environment",
    "GitHubRepository",
    "GitHubSection",
    "GitOpsSection",
    "HostGrant",
    "IngressSection",
    "RegistrySection",
    "Section",
    "SourcesSection",
    "StackSchema",
    "SyncSection",
    "SyncWindow",
]

Environment = Literal["dev", "staging", "prod"]
ENVIRONMENTS: tuple[str, ...] = get_args(Environment)

_HOST = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_DURATION = r"^[1-9][0-9]*[smh]$"


class Section(BaseModel):
    """A mapping in the stack file. Strict: a number in quotes is text, and text is not a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class ClusterSection(Section):
    """Which cluster the stack works on."""

    provider: Literal["sandbox", "existing"] = "sandbox"
    # `existing` only; a relative path starts at the project's folder, `~` is the user's home.
    kubeconfig: Annotated[str, Field(min_length=1)] | None = None
    context: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _kubeconfig_fits_provider(self) -> ClusterSection:
        if self.provider == "existing" and self.kubeconfig is None:
            raise ValueError("provider 'existing' needs `kubeconfig`: the path of the cluster's kubeconfig file")
        if self.provider == "sandbox" and (self.kubeconfig or self.context):
            raise ValueError(
                "provider 'sandbox' has its own kubeconfig; remove `kubeconfig` and `context`, "
                "or set provider 'existing'"
            )
        return self


class SourcesSection(Section):
    """Where upstream manifests come from: their release pages, or a mirror (the sandbox's, or an air-gapped one)."""

    mode: Literal["upstream", "mirror"] = "mirror"
    # The mirror's folder; without it, the one that `slipway tools build` fills.
    location: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _location_is_the_mirror(self) -> SourcesSection:
        if self.mode == "upstream" and self.location:
            raise ValueError("`location` is a mirror's folder and means nothing with mode 'upstream'; remove one")
        return self


class GitOpsSection(Section):
    """The repository that Argo CD reads. In the sandbox, its own Git server is the default."""

    url: Annotated[str, Field(pattern=r"^(https?|ssh)://[^\s@]+(@[^\s@]+)?$")] | None = None
    revision: Annotated[str, Field(min_length=1, pattern=r"^\S+$")] = "main"
    username: Annotated[str, Field(min_length=1)] | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> GitOpsSection:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` are needed together, or neither for a public repository")
        if self.username and not self.url:
            raise ValueError("`username` and `password` belong to a `url`, which is missing")
        return self


class SyncWindow(Section):
    """When Argo CD may (`allow`) or may not (`deny`) sync; `manualSync` lets a person sync all the same."""

    kind: Literal["allow", "deny"]
    schedule: Annotated[str, Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")]
    duration: Annotated[str, Field(pattern=_DURATION)]
    manual_sync: bool = False


class SyncSection(Section):
    """Who syncs: Argo CD by itself (`automated`), or a person or a promotion job."""

    automated: bool = False
    prune: bool = False
    self_heal: bool = False
    windows: list[SyncWindow] = []

    @model_validator(mode="after")
    def _options_need_automation(self) -> SyncSection:
        if not self.automated and (self.prune or self.self_heal):
            raise ValueError("`prune` and `selfHeal` act only with `automated: true`")
        return self


class ArgoCDSection(Section):
    """How Argo CD itself is set up."""

    # Dex is only for single sign-on; the local admin login works without it.
    dex: bool = True
    # With Argo CD's jitter a push is seen within twice this time even when no webhook arrives.
    reconciliation_seconds: Annotated[int, Field(ge=10, le=120)] = 60
    # For one git, helm or kustomize call in the repo-server, and for calls to it.
    exec_timeout_seconds: Annotated[int, Field(ge=30, le=600)] = 180
    webhook_secret: SecretStr | None = None
    host: Annotated[str, Field(pattern=_HOST)] | None = None


class IngressSection(Section):
    """How HTTP reaches the cluster."""

    service: Literal["NodePort", "LoadBalancer"] | None = None
    node_port: Annotated[int, Field(ge=30000, le=32767)] | None = None
    domain: Annotated[str, Field(pattern=_HOST)] | None = None
    replicas: Annotated[int, Field(ge=1, le=10)] = 1

    @model_validator(mode="after")
    def _node_port_needs_its_service(self) -> IngressSection:
        if self.node_port is not None and self.service == "LoadBalancer":
            raise ValueError("`nodePort` fits `service: NodePort` only")
        return self


class RegistrySection(Section):
    """Where applications' images are, and the account that pulls them (none for a public or mirrored registry)."""

    host: Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9.]*(:[0-9]+)?$")] = "ghcr.io"
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]+([-._/][a-z0-9]+)*$")] = "slipway-gitops"
    username: Annotated[str, Field(min_length=1)] | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> RegistrySection:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` are needed together, or neither")
        return self


class HostGrant(Section):
    """A host name that an application may have besides `<app>.<environment>.<domain>`."""

    app: Annotated[str, Field(pattern=_NAME)]
    host: Annotated[str, Field(pattern=_HOST)]


class AdmissionSection(Section):
    """What the API server refuses or warns of in the environment's namespaces (see `admission.py`)."""

    # Off, the cluster admits what its owner's own policies admit.
    enabled: bool = True
    hosts: list[HostGrant] = []


class CodeOwners(Section):
    """A pattern of paths and who approves changes there, as in a CODEOWNERS file."""

    pattern: Annotated[str, Field(pattern=r"^\S+$")]
    owners: list[Annotated[str, Field(pattern=r"^@[\w.-]+(/[\w.-]+)?$|^[^@\s]+@[^@\s]+$")]]


class GitHubRepository(Section):
    """One repository and how its main branch changes."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")]
    description: Annotated[str, Field(max_length=350)] = ""
    visibility: Literal["private", "internal", "public"] = "private"
    # It is there already. Take this out after the first update; the next one makes its settings those declared here.
    adopt: bool = False
    on_destroy: Literal["archive", "retain", "delete"] = "archive"
    protect: bool = False
    # Jobs that must pass before a merge. For the app repository the default is those of its own workflow.
    checks: list[Annotated[str, Field(min_length=1)]] | None = None
    # Default: true for the app repository, false for the GitOps one, where delivery jobs commit.
    pull_requests: bool | None = None
    approvals: Annotated[int, Field(ge=0, le=10)] = 1
    # Numbers of teams that the rules do not hold.
    bypass_teams: list[int] = []
    codeowners: list[CodeOwners] = []


class GitHubEnvironment(Section):
    """Who approves a deployment: numbers of teams and users (`gh api users/<name> --jq .id`)."""

    teams: list[int] = []
    users: list[int] = []
    wait_minutes: Annotated[int, Field(ge=0, le=43200)] = 0

    @model_validator(mode="after")
    def _github_takes_six(self) -> GitHubEnvironment:
        if len(self.teams) + len(self.users) > 6:
            raise ValueError("GitHub takes six reviewers at most, teams and users together")
        return self


class GitHubEnvironments(Section):
    """Deployment environments that this stack declares besides its own. Each belongs to one stack."""

    dev: GitHubEnvironment | None = None
    staging: GitHubEnvironment | None = None
    prod: GitHubEnvironment | None = None


class GitHubImagePush(Section):
    """The account that pushes images; Docker Hub wants the name too."""

    username: Annotated[str, Field(min_length=1)] | None = None
    token: SecretStr


class GitHubSonar(Section):
    """The SonarQube server that the workflows ask."""

    host_url: Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]
    token: SecretStr


class GitHubSection(Section):
    """GitHub as code. Without this section nothing of GitHub is touched."""

    owner: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")]
    # A preview does without.
    token: SecretStr | None = None
    base_url: Annotated[str, Field(pattern=r"^https://[^\s@]+/$")] = "https://api.github.com/"
    # One stack owns the repositories; the others declare their deployment environment there, nothing else.
    manage: Literal["repositories", "environments"] = "repositories"
    app: GitHubRepository | None = None
    gitops: GitHubRepository | None = None
    gitops_pat: SecretStr | None = None
    image_push: GitHubImagePush | None = None
    sonar: GitHubSonar | None = None
    digitalocean_token: SecretStr | None = None
    # Not secret; REGISTRY and GITOPS_REPOSITORY are there without being named.
    variables: dict[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], str] = {}
    # The public half of the key that Argo CD reads the GitOps repository with.
    deploy_key: str | None = None
    # Argo CD's `/api/webhook` as GitHub reaches it.
    webhook_url: Annotated[str, Field(pattern=r"^https://[^\s@]+$")] | None = None
    environments: GitHubEnvironments = GitHubEnvironments()

    @field_validator("deploy_key")
    @classmethod
    def _the_public_half(cls, value: str | None) -> str | None:
        # No pattern: its error would repeat the value, and a private key by mistake is a secret.
        if value is not None and not re.fullmatch(r"ssh-(ed25519|rsa) [A-Za-z0-9+/]+=*( \S+)?", value):
            raise ValueError("this is no public key; it is one line, `ssh-ed25519 <text>`, from the file `<name>.pub`")
        return value


class StackSchema(Section):
    """The whole configuration of a stack, without the `slipway:` prefix."""

    # Defaults to the stack's name.
    environment: Environment | None = None
    platform: Literal["install", "attach"] = "install"
    cluster: ClusterSection = ClusterSection()
    sources: SourcesSection = SourcesSection()
    gitops: GitOpsSection = GitOpsSection()
    sync: SyncSection = SyncSection()
    argocd: ArgoCDSection = Field(default=ArgoCDSection(), alias="argocd")
    ingress: IngressSection = IngressSection()
    registry: RegistrySection = RegistrySection()
    admission: AdmissionSection = AdmissionSection()
    github: GitHubSection | None = None

    @field_validator("sources", mode="before")
    @classmethod
    def _sources_in_one_word(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value
