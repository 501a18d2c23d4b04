"""What the program declares of GitHub, from the configuration to the graph."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.github_config import APP_CHECKS

Run = Callable[..., Any]

ROOT = Path(__file__).parents[2]
SECRET = "4dabf18193072939515e22adb298388d"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGIgmPbZKZGfVAb0ZlzBLZDJzFzQ5XKsSpTKrWbNmn1j"
BOTH = {
    "owner": "acme",
    "token": "hidden-token",
    "app": {"name": "shop", "codeowners": [{"pattern": "*", "owners": ["@acme/platform"]}]},
    "gitops": {"name": "shop-gitops"},
    "gitopsPat": "hidden-pat",
    "imagePush": {"username": "hidden-pusher", "token": "hidden-push"},
    "sonar": {"hostUrl": "https://sonar.example.org", "token": "hidden-sonar"},
    "digitaloceanToken": "hidden-cloud",
    "deployKey": KEY,
    "webhookUrl": "https://argocd.example.org/api/webhook",
}


@pytest.fixture(autouse=True)
def _no_owner_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_OWNER", raising=False)
    monkeypatch.delenv("GITHUB_ORGANIZATION", raising=False)


def names(graph: Any, kind: str) -> list[str]:
    return sorted(item.name for item in graph.of(kind) if item.type.startswith("github:"))


def test_without_the_section_nothing_of_github_is_declared(run: Run) -> None:
    assert not [item for item in run().resources.values() if "github" in item.type.casefold()]


def test_two_roles_are_two_repositories_with_a_key_and_a_token_between_them(run: Run) -> None:
    graph = run(values={"slipway:github": BOTH})
    assert names(graph, "Repository") == ["shop", "shop-gitops"]
    assert names(graph, "RepositoryDeployKey") == ["shop-gitops/argocd"]
    assert "shop/GITOPS_PAT" in names(graph, "ActionsSecret")
    assert names(graph, "RepositoryWebhook") == ["shop-gitops/webhook"]
    assert names(graph, "ActionsVariable") == ["shop/GITOPS_REPOSITORY", "shop/REGISTRY"]


def test_one_repository_for_both_roles_is_declared_once(run: Run) -> None:
    graph = run(values={"slipway:github": {**BOTH, "gitops": {"name": "shop"}}})
    assert names(graph, "Repository") == ["shop"]
    assert names(graph, "RepositoryDeployKey") == ["shop/argocd"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("ghcr.io", {"REGISTRY_TOKEN"}),
        ("docker.io", {"DOCKER_USERNAME", "DOCKER_PASSWORD"}),
        ("registry.digitalocean.com", {"REGISTRY_TOKEN"}),
    ],
)
def test_the_workflows_get_the_registrys_account_and_every_service_that_is_named(
    run: Run, host: str, expected: set[str]
) -> None:
    graph = run(values={"slipway:github": BOTH, "slipway:registry": {"host": host}})
    always = {"GITOPS_PAT", "SONAR_TOKEN", "SONAR_HOST_URL", "DIGITALOCEAN_ACCESS_TOKEN"}
    assert {name.partition("/")[2] for name in names(graph, "ActionsSecret")} == always | expected


def test_every_secret_is_one_to_the_engine(run: Run) -> None:
    graph = run(values={"slipway:github": BOTH})
    for item in graph.of("ActionsSecret"):
        assert item.inputs["value"][SECRET], item.name
    assert "hidden-token" in json.dumps(graph.of("github")[0].inputs["token"])
    (webhook,) = graph.of("RepositoryWebhook")
    assert SECRET in json.dumps(webhook.inputs["configuration"])


def test_every_resource_of_github_goes_through_its_provider(run: Run) -> None:
    graph = run(values={"slipway:github": BOTH})
    (provider,) = graph.of("github")
    found = [item for item in graph.resources.values() if item.type.startswith("github:")]
    assert len(found) > 10
    for item in found:
        assert item.provider.startswith(f"{graph.urn(provider)}::"), item.name


def test_each_stack_declares_its_own_environment_and_production_has_a_gate(run: Run) -> None:
    own = run(values={"slipway:github": BOTH}).of("RepositoryEnvironment")
    assert [item.name for item in own] == ["shop/dev"]
    attached = {"owner": "acme", "manage": "environments", "app": {"name": "shop"}}
    graph = run("prod", {"slipway:github": {**attached, "environments": {"prod": {"teams": [12]}}}})
    (gate,) = graph.of("RepositoryEnvironment")
    assert (gate.inputs["canAdminsBypass"], gate.inputs["preventSelfReview"]) == (False, True)
    assert gate.inputs["reviewers"] == [{"teams": [12.0], "users": []}]
    assert names(graph, "Repository") == []


def test_rules_come_after_the_file_that_they_would_refuse(run: Run) -> None:
    graph = run(values={"slipway:github": BOTH})
    rules = graph.one("RepositoryRuleset", "shop/default-branch")
    assert graph.urn(graph.one("RepositoryFile", "shop/CODEOWNERS")) in graph.before(rules)
    assert "pullRequest" in rules.inputs["rules"]
    assert "pullRequest" not in graph.one("RepositoryRuleset", "shop-gitops/default-branch").inputs["rules"]


def test_a_repository_is_archived_when_destroyed_unless_it_is_said_otherwise(run: Run) -> None:
    graph = run(values={"slipway:github": BOTH})
    assert all(item.inputs["archiveOnDestroy"] for item in graph.of("Repository") if item.type.startswith("github:"))


def test_the_required_checks_are_jobs_of_the_workflow_that_runs_on_every_pull_request() -> None:
    workflow = (ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8")
    jobs = re.findall(r"^  ([a-z-]+):$", workflow.partition("\njobs:\n")[2], re.MULTILINE)
    assert "pull_request:" in workflow
    assert set(APP_CHECKS) <= set(jobs)
