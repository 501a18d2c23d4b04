"""Owns one GitHub repository: its settings, what its workflows know, who may change its main branch, who reads it.

What it deliberately does not do: anything in the repository's content but CODEOWNERS (Git owns the rest), branches,
teams and their members (the organization's), and organization-wide rules. A repository and its rules have one owner:
every other stack sets `owned=False` and declares its own deployment environments there, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_github as github
from pydantic import SecretStr

__all__ = ["Environment", "Repository", "RepositoryArgs", "Rules", "Webhook", "codeowners", "ruleset"]

CODEOWNERS = ".github/CODEOWNERS"
# Settings of a repository that is adopted: it comes under Pulumi as it is, or the import would be refused. The update
# after `adopt` was taken out makes them what is declared.
_SETTINGS = (
    "allowAutoMerge",
    "allowMergeCommit",
    "allowRebaseMerge",
    "allowSquashMerge",
    "archiveOnDestroy",
    "autoInit",
    "deleteBranchOnMerge",
    "description",
    "hasDownloads",
    "hasIssues",
    "hasProjects",
    "hasWiki",
    "mergeCommitMessage",
    "mergeCommitTitle",
    "squashMergeCommitMessage",
    "squashMergeCommitTitle",
    "visibility",
)


@dataclass(frozen=True)
class Environment:
    """A deployment environment: jobs that name it wait for its reviewers."""

    # GitHub's numbers of teams and users; one approval of any of them is enough.
    teams: Sequence[int] = ()
    users: Sequence[int] = ()
    wait_minutes: int = 0

    @property
    def reviewed(self) -> bool:
        return bool(self.teams or self.users)


@dataclass(frozen=True)
class Rules:
    """What the default branch asks for. History is never rewritten and the branch never deleted."""

    # Names of jobs that must pass.
    checks: Sequence[str] = ()
    # Whether changes come by pull request alone, approved by a code owner.
    pull_requests: bool = True
    approvals: int = 1
    # Numbers of teams that may do what the rules forbid, such as the delivery jobs' account.
    bypass_teams: Sequence[int] = ()


@dataclass(frozen=True)
class Webhook:
    """Who is told of each push; the secret signs the message."""

    url: str
    secret: SecretStr


@dataclass(frozen=True)
class RepositoryArgs:
    """One repository. All but `environments` is for the stack that owns it."""

    name: str
    owned: bool = True
    description: str = ""
    visibility: Literal["private", "internal", "public"] = "private"
    # The repository is there already and comes under Pulumi as it is.
    adopt: bool = False
    # `archive` withdraws its credentials and makes it read-only, `retain` leaves it as it is.
    on_destroy: Literal["archive", "retain", "delete"] = "archive"
    protect: bool = False
    # Of the workflows, by name.
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    # None leaves the default branch open.
    rules: Rules | None = None
    # Public halves by title; they may read.
    deploy_keys: Mapping[str, str] = field(default_factory=dict)
    webhook: Webhook | None = None
    # Patterns and their owners, in the file's order: the last one that matches counts.
    codeowners: Sequence[tuple[str, Sequence[str]]] = ()


class Repository(pulumi.ComponentResource):
    """The repository and everything that GitHub keeps beside its content."""

    repository: pulumi.Output[str]
    url: pulumi.Output[str | None]

    def __init__(self, name: str, args: RepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:repository:Repository", name, None, opts)
        self._declared: pulumi.Resource | None = None
        self._address: pulumi.Input[str | None] = None
        self._target: pulumi.Input[str] = args.name
        if args.owned:
            self._own(args)
        for environment, wanted in args.environments.items():
            self._environment(f"{args.name}/{environment}", environment, wanted)
        self.repository = pulumi.Output.from_input(self._target)
        self.url = pulumi.Output.from_input(self._address)
        self.register_outputs({"repository": self.repository, "url": self.url})

    def _own(self, args: RepositoryArgs) -> None:
        self._repository(args)
        withdrawn = args.on_destroy == "archive"
        for secret, value in args.secrets.items():
            github.ActionsSecret(
                f"{args.name}/{secret}",
                repository=self._target,
                secret_name=secret,
                value=pulumi.Output.secret(value.get_secret_value()),
                opts=self._options(withdrawn=withdrawn, delete_before_replace=True),
            )
        for variable, text in args.variables.items():
            github.ActionsVariable(
                f"{args.name}/{variable}",
                repository=self._target,
                variable_name=variable,
                value=text,
                opts=self._options(delete_before_replace=True),
            )
        for title, key in args.deploy_keys.items():
            github.RepositoryDeployKey(
                f"{args.name}/{title}",
                repository=self._target,
                title=title,
                key=key,
                read_only=True,
                opts=self._options(withdrawn=withdrawn, delete_before_replace=True),
            )
        if args.webhook is not None:
            self._webhook(args.name, args.webhook, withdrawn=withdrawn)
        # A pull request would be asked for even of the first commit of the file.
        before = [self._codeowners(args)] if args.codeowners else []
        if args.rules is not None:
            self._rules(args.name, args.rules, before)

    def _repository(self, args: RepositoryArgs) -> None:
        repository = github.Repository(
            args.name,
            name=args.name,
            description=args.description,
            visibility=args.visibility,
            # The first commit, for the default branch to be there.
            auto_init=True,
            has_issues=True,
            has_projects=False,
            has_wiki=False,
            allow_merge_commit=False,
            allow_rebase_merge=False,
            allow_squash_merge=True,
            delete_branch_on_merge=True,
            archive_on_destroy=args.on_destroy == "archive",
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                retain_on_delete=args.on_destroy == "retain",
                import_=args.name if args.adopt else None,
                ignore_changes=list(_SETTINGS) if args.adopt else None,
            ),
        )
        self._declared, self._target, self._address = repository, repository.name, repository.html_url

    def _environment(self, name: str, environment: str, wanted: Environment) -> None:
        reviewers = github.RepositoryEnvironmentReviewerArgs(teams=list(wanted.teams), users=list(wanted.users))
        github.RepositoryEnvironment(
            name,
            repository=self._target,
            environment=environment,
            reviewers=[reviewers] if wanted.reviewed else None,
            wait_timer=wanted.wait_minutes,
            # Without these two, whoever starts a job may approve it, and an administrator need not wait.
            prevent_self_review=wanted.reviewed,
            can_admins_bypass=not wanted.reviewed,
            opts=self._options(delete_before_replace=True),
        )

    def _webhook(self, name: str, wanted: Webhook, *, withdrawn: bool) -> None:
        github.RepositoryWebhook(
            f"{name}/webhook",
            repository=self._target,
            events=["push"],
            active=True,
            configuration=github.RepositoryWebhookConfigurationArgs(
                url=wanted.url,
                content_type="json",
                insecure_ssl=False,
                secret=pulumi.Output.secret(wanted.secret.get_secret_value()),
            ),
            opts=self._options(withdrawn=withdrawn),
        )

    def _codeowners(self, args: RepositoryArgs) -> pulumi.Resource:
        return github.RepositoryFile(
            f"{args.name}/CODEOWNERS",
            repository=self._target,
            file=CODEOWNERS,
            content=codeowners(args.codeowners),
            commit_message="Name the code owners",
            # Always, because a later change of this setting would make a commit.
            overwrite_on_create=True,
            opts=self._options(),
        )

    def _rules(self, name: str, wanted: Rules, before: Sequence[pulumi.Resource]) -> None:
        github.RepositoryRuleset(
            f"{name}/default-branch",
            name="default-branch",
            repository=self._target,
            target="branch",
            enforcement="active",
            conditions=github.RepositoryRulesetConditionsArgs(
                ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=["~DEFAULT_BRANCH"], excludes=[])
            ),
            bypass_actors=[
                github.RepositoryRulesetBypassActorArgs(actor_type="Team", actor_id=team, bypass_mode="always")
                for team in wanted.bypass_teams
            ],
            rules=ruleset(wanted),
            opts=self._options(depends_on=before),
        )

    def _options(
        self,
        *,
        withdrawn: bool = False,
        delete_before_replace: bool | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> pulumi.ResourceOptions:
        """`withdrawn`: taken away before the repository goes; all else goes or stays together with it."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(depends_on),
            deleted_with=None if withdrawn else self._declared,
            delete_before_replace=delete_before_replace,
        )


def ruleset(wanted: Rules) -> github.RepositoryRulesetRulesArgs:
    """The rules of the default branch as the provider takes them."""
    review = github.RepositoryRulesetRulesPullRequestArgs(
        required_approving_review_count=wanted.approvals,
        require_code_owner_review=True,
        dismiss_stale_reviews_on_push=True,
        require_last_push_approval=True,
        required_review_thread_resolution=True,
        allowed_merge_methods=["squash"],
    )
    checks = github.RepositoryRulesetRulesRequiredStatusChecksArgs(
        required_checks=[
            github.RepositoryRulesetRulesRequiredStatusChecksRequiredCheckArgs(context=check)
            for check in sorted(wanted.checks)
        ],
        strict_required_status_checks_policy=True,
    )
    return github.RepositoryRulesetRulesArgs(
        deletion=True,
        non_fast_forward=True,
        pull_request=review if wanted.pull_requests else None,
        required_status_checks=checks if wanted.checks else None,
    )


def codeowners(entries: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The text of a CODEOWNERS file."""
    lines = [" ".join([pattern, *owners]) for pattern, owners in entries]
    return "\n".join(["# Declared in the stack's configuration: `slipway:github`.", *lines, ""])
