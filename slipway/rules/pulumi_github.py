"""Repositories, branches and environments that a Pulumi program makes on GitHub. Their form: `pulumi_resources.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Severity, Violation
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, listing, mapping, text

__all__: list[str] = []

_INDEX = "pulumi:github:index"
_REPOSITORY = (f"{_INDEX}/repository:Repository",)
_RULESETS = (
    f"{_INDEX}/organizationRuleset:OrganizationRuleset",
    f"{_INDEX}/repositoryRuleset:RepositoryRuleset",
)


def _props(item: Object) -> dict[str, Any]:
    return mapping(item.get("props"))


@rule(
    id="pulumi-repository-public",
    title="Repositories are private, or public on purpose",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="GitHub makes a repository public when the program does not say; what was public once stays copied.",
    remedy='Set `visibility="private"`; exempt a repository that is meant to be public.',
    sources=("slipway:requirements-S3-02", "github:repository-visibility"),
    kinds=_REPOSITORY,
)
def pulumi_repository_public(item: Object, context: Context) -> Iterable[Violation]:
    """`visibility: public`, or nothing that makes it private. A template or fork says it too."""
    props = _props(item)
    visibility = text(props.get("visibility"))
    if visibility == "public" or (not visibility and props.get("private") is not True):
        said = "the repository is public" if visibility else "no visibility is set, which means public"
        yield Violation(("props", "visibility"), said)


@rule(
    id="pulumi-repository-deletable",
    title="Destroying a repository archives it",
    severity=Severity.MEDIUM,
    category=Category.PRODUCTION,
    reason="A repository that Pulumi deletes takes issues, pull requests and releases along; Git has none of them.",
    remedy="Set `archive_on_destroy=True`, or protect or retain the resource.",
    sources=("slipway:pulumi", "pulumi:github-Repository"),
    kinds=_REPOSITORY,
)
def pulumi_repository_deletable(item: Object, context: Context) -> Iterable[Violation]:
    """Neither archived on destroy, nor protected, nor retained."""
    options = mapping(item.get("options"))
    kept = options.get("protect") is True or options.get("retainOnDelete") is True
    if not kept and _props(item).get("archiveOnDestroy") is not True:
        yield Violation(("props", "archiveOnDestroy"), "destroying the stack deletes the repository")


@rule(
    id="pulumi-branch-unchecked",
    title="Protected branches ask for checks",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Without required checks a pull request is merged while its validation fails, or before it ran.",
    remedy="Name the workflow's jobs as required status checks, and set a ruleset's `enforcement` to active.",
    sources=("slipway:requirements-S0-46", "github:required-status-checks"),
    kinds=(
        f"{_INDEX}/branchProtection:BranchProtection",
        f"{_INDEX}/branchProtectionV3:BranchProtectionV3",
        *_RULESETS,
    ),
    environments=("prod",),
)
def pulumi_branch_unchecked(item: Object, context: Context) -> Iterable[Violation]:
    """A protection without a single required check, or a ruleset of branches that is not in force."""
    props = _props(item)
    if f"pulumi:{text(item.get('type'))}" in _RULESETS:
        if text(props.get("target")) != "branch":
            return
        if text(props.get("enforcement")) != "active":
            yield Violation(("props", "enforcement"), f"the ruleset is '{text(props.get('enforcement'))}', not active")
        if not listing(dig(props, "rules", "requiredStatusChecks", "requiredChecks")):
            yield Violation(("props", "rules", "requiredStatusChecks"), "no check is required")
        return
    checks = props.get("requiredStatusChecks")
    named = [dig(entry, key) for entry in [checks, *listing(checks)] for key in ("contexts", "checks")]
    if not any(named):
        yield Violation(("props", "requiredStatusChecks"), "no check is required")


@rule(
    id="pulumi-environment-unreviewed",
    title="GitHub's environment for prod has reviewers",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A job of the environment has prod's secrets; without a reviewer any workflow on any branch is such a job.",
    remedy="Set `reviewers`, and `can_admins_bypass=False` where nobody shall be above the rule.",
    sources=("slipway:requirements-S3-18", "github:environments"),
    kinds=(f"{_INDEX}/repositoryEnvironment:RepositoryEnvironment",),
)
def pulumi_environment_unreviewed(item: Object, context: Context) -> Iterable[Violation]:
    """An environment called prod or production without a user or team that reviews."""
    props = _props(item)
    if text(props.get("environment")) not in ("prod", "production"):
        return
    reviewers = [entry for _, entry in entries(props.get("reviewers"))]
    if not any(entry.get("users") or entry.get("teams") for entry in reviewers):
        yield Violation(("props", "reviewers"), "nobody reviews what runs with prod's secrets")


@rule(
    id="pulumi-deploy-key-writable",
    title="Deploy keys only read",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Argo CD only reads; a key that may write lets whoever steals it from the cluster change what is deployed.",
    remedy="Set `read_only=True`; exempt the one key that a workflow writes with.",
    sources=("slipway:requirements-S0-21", "github:deploy-keys"),
    kinds=(f"{_INDEX}/repositoryDeployKey:RepositoryDeployKey",),
)
def pulumi_deploy_key_writable(item: Object, context: Context) -> Iterable[Violation]:
    """A key that may push. GitHub's provider makes a key read-only when nothing is said."""
    if _props(item).get("readOnly") is False:
        yield Violation(("props", "readOnly"), "the key may write")
