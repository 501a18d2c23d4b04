"""The whole life of two GitHub repositories: the real engine and the real provider, and a fake of GitHub's API.

The app repository is held to pull requests; Argo CD reads the GitOps one and is told of pushes. Every text that was
printed, the state and the engine's event logs are kept and searched for the secrets at the end.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from slipway.errors import SlipwayError
from tests.engine.conftest import Engine, make_engine
from tests.fake_github import CAN_OPEN, FakeGitHub
from tools import locate

PROJECT = """\
name: lab
runtime: {name: python, options: {virtualenv: .venv}}
main: .
config:
  pulumi:disable-default-providers: {value: ["*"]}
"""
PROGRAM = """\
import pulumi
from pydantic import SecretStr

from components.errors import ProgramError
from components.github_provider import GitHub, GitHubArgs, require_token
from components.repository import Environment, Repository, RepositoryArgs, Rules, Webhook

config = pulumi.Config("lab")
wanted, hidden = config.require_object("wanted"), config.require_object("hidden")
token = SecretStr(hidden["token"]) if "token" in hidden else None
try:
    require_token(token, "acme", preview=pulumi.runtime.is_dry_run())
except ProgramError as error:
    raise pulumi.RunError(str(error)) from None
hub = GitHub("github", GitHubArgs("acme", token, base_url=wanted["url"], write_delay_ms=0))
through = pulumi.ResourceOptions(providers=[hub.provider])
for name, given in wanted["repositories"].items():
    values = dict(given)
    for key, make in {"rules": Rules, "webhook": Webhook}.items():
        if key in values:
            extra = {"secret": SecretStr(hidden["webhook"])} if key == "webhook" else {}
            values[key] = make(**values[key], **extra)
    values["environments"] = {k: Environment(**v) for k, v in values.get("environments", {}).items()}
    values["secrets"] = {k: SecretStr(hidden["secrets"][k]) for k in values.get("secrets", [])}
    values["codeowners"] = [(entry[0], entry[1]) for entry in values.get("codeowners", [])]
    repository = Repository(name, RepositoryArgs(name=name, **values), through)
    pulumi.export(name, repository.url)
"""
NAMES = ("GITOPS_PAT", "REGISTRY_TOKEN", "SONAR_TOKEN", "SONAR_HOST_URL", "DIGITALOCEAN_ACCESS_TOKEN")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGIgmPbZKZGfVAb0ZlzBLZDJzFzQ5XKsSpTKrWbNmn1j"
APP = {
    "description": "The platform",
    "secrets": list(NAMES),
    "variables": {"REGISTRY": "ghcr.io/acme"},
    "environments": {"dev": {}, "staging": {"users": [7]}, "prod": {"teams": [12], "users": [7], "wait_minutes": 5}},
    "rules": {"checks": ["check", "validate"], "bypass_teams": []},
    "codeowners": [["*", ["@acme/platform"]], ["/apps/", ["@acme/apps"]]],
    "on_destroy": "delete",
}
GITOPS = {
    "rules": {"pull_requests": False},
    "deploy_keys": {"argocd": f"{KEY} argocd@slipway"},
    "webhook": {"url": "https://argocd.example.org/api/webhook"},
    "on_destroy": "delete",
}


@dataclass
class Lab:
    """A scratch project on a fake GitHub, and all that was ever printed."""

    engine: Engine
    fake: FakeGitHub
    repositories: dict[str, Any]
    hidden: dict[str, Any]
    printed: list[str] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)

    def configure(self) -> None:
        """Write both values; what is hidden is encrypted by the engine."""
        wanted = json.dumps({"url": self.fake.url, "repositories": self.repositories})
        self.run("config", "set", "lab:wanted", wanted)
        self.run("config", "set", "--secret", "lab:hidden", json.dumps(self.hidden))

    def run(self, *words: str) -> CompletedProcess[str]:
        """One command that must succeed."""
        done = self.attempt(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def attempt(self, *words: str) -> CompletedProcess[str]:
        """One command, whatever its exit code. What it prints is kept."""
        # The flag for event logs is one for debugging.
        done = self.engine.run(*words, "-s", "dev", PULUMI_DEBUG_COMMANDS="true")
        self.printed += [done.stdout, done.stderr]
        return done

    def up(self, *words: str) -> dict[str, int]:
        """Update; what it did, without what stayed the same."""
        log = self.engine.project / f"events-{len(self.printed)}.json"
        self.run("up", "--yes", "--skip-preview", "--diff", "--event-log", str(log), *words)
        return {name: number for name, number in self.engine.changes("dev").items() if name != "same"}

    def proposed(self, *words: str) -> list[tuple[str, str]]:
        """What a preview would do: operation and name."""
        shown = json.loads(self.run("preview", "--json", *words).stdout)
        steps = [(step["op"], step["urn"].rpartition("::")[2]) for step in shown["steps"]]
        return sorted(step for step in steps if step[0] not in ("same", "refresh"))

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """The state's resources of that type."""
        state = json.loads(self.run("stack", "export").stdout)
        return [item for item in state["deployment"]["resources"] if item["type"] == kind]

    def writes(self) -> list[tuple[str, str]]:
        """What was changed on the fake since the last call."""
        found = self.fake.writes()
        self.fake.requests.clear()
        return found

    def everything_hidden(self) -> list[str]:
        return [self.hidden["token"], self.hidden["webhook"], *self.hidden["secrets"].values(), *self.spent]


def make_lab(folder: Path, home: Path, fake: FakeGitHub, repositories: dict[str, Any]) -> Lab:
    try:
        plugin = locate("pulumi-resource-github")
    except SlipwayError as error:
        pytest.skip(str(error))
    engine = make_engine(folder, home)
    for stack_file in engine.project.glob("Pulumi.*.yaml"):
        stack_file.unlink()
    (engine.project / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    (engine.project / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    engine.done("plugin", "install", "resource", "github", "6.15.0", "--file", str(plugin), "--reinstall")
    engine.done("stack", "init", "dev")
    hidden = {
        "token": fake.token,
        "webhook": secrets.token_hex(16),
        "secrets": {name: secrets.token_hex(16) for name in NAMES},
    }
    lab = Lab(engine, fake, repositories, hidden)
    lab.configure()
    return lab


@pytest.fixture(scope="module", autouse=True)
def _no_account_of_the_user() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GITHUB_TOKEN", "GITHUB_OWNER", "GITHUB_ORGANIZATION", "GITHUB_BASE_URL"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> Iterator[Lab]:
    """Both repositories, made."""
    with FakeGitHub() as fake:
        made = make_lab(
            tmp_path_factory.mktemp("github"), pulumi_home, fake, {"app": dict(APP), "gitops": dict(GITOPS)}
        )
        made.up()
        yield made


def test_the_repositories_are_made_as_declared(lab: Lab) -> None:
    app, gitops = lab.fake.repository("app"), lab.fake.repository("gitops")
    assert app.settings["visibility"] == gitops.settings["visibility"] == "private"
    assert app.settings["description"] == "The platform"
    assert set(app.secrets) == set(NAMES)
    assert app.variables["REGISTRY"]["value"] == "ghcr.io/acme"
    assert app.files[".github/CODEOWNERS"].decode().splitlines()[1:] == ["* @acme/platform", "/apps/ @acme/apps"]
    assert [(key["key"], key["title"], key["read_only"]) for key in gitops.keys.values()] == [(KEY, "argocd", True)]
    (hook,) = gitops.hooks.values()
    assert hook["events"] == ["push"]
    assert hook["config"] == {
        "url": "https://argocd.example.org/api/webhook",
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": lab.hidden["webhook"],
    }
    assert lab.fake.unknown == []


def test_production_waits_for_a_reviewer_who_is_somebody_else(lab: Lab) -> None:
    environments = lab.fake.repository("app").environments
    assert environments["prod"] == {
        "wait_timer": 5,
        "reviewers": [{"type": "Team", "id": 12}, {"type": "User", "id": 7}],
        "prevent_self_review": True,
        "can_admins_bypass": False,
        "deployment_branch_policy": None,
    }
    assert environments["dev"]["reviewers"] == []


def test_the_main_branch_asks_for_checks_and_a_code_owner(lab: Lab) -> None:
    (ruleset,) = lab.fake.repository("app").rulesets.values()
    rules = {rule["type"]: rule.get("parameters") for rule in ruleset["rules"]}
    assert set(rules) == {"deletion", "non_fast_forward", "pull_request", "required_status_checks"}
    assert rules["pull_request"]["require_code_owner_review"] is True
    assert rules["pull_request"]["required_approving_review_count"] == 1
    contexts = [check["context"] for check in rules["required_status_checks"]["required_status_checks"]]
    assert sorted(contexts) == ["check", "validate"]
    assert (ruleset["enforcement"], ruleset["bypass_actors"]) == ("active", [])
    (open_to_jobs,) = lab.fake.repository("gitops").rulesets.values()
    assert {rule["type"] for rule in open_to_jobs["rules"]} == {"deletion", "non_fast_forward"}


@pytest.mark.skipif(not CAN_OPEN, reason="PyNaCl is not installed, and nothing else opens a sealed box")
def test_every_secret_arrives_sealed_and_opens_to_its_value(lab: Lab) -> None:
    kept = {name: secret.value for name, secret in lab.fake.repository("app").secrets.items()}
    assert kept == lab.hidden["secrets"]


def test_a_second_update_changes_nothing_and_writes_nothing(lab: Lab) -> None:
    lab.writes()
    assert lab.proposed() == []
    assert lab.up() == {}
    lab.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert lab.up() == {}
    assert lab.writes() == []


def test_what_was_changed_behind_pulumis_back_is_seen_and_mended(lab: Lab) -> None:
    app = lab.fake.repository("app")
    ((number, ruleset),) = app.rulesets.items()
    app.settings["visibility"] = "public"
    app.variables["REGISTRY"]["value"] = "elsewhere.example.org"
    app.rulesets[number] = {**ruleset, "enforcement": "disabled"}
    app.environments["prod"]["can_admins_bypass"] = True
    app.secrets.pop("SONAR_TOKEN")
    lab.fake.repository("gitops").keys.clear()

    seen = lab.attempt("refresh", "--preview-only", "--expect-no-changes")
    assert seen.returncode != 0
    expected = [
        ("create", "app/SONAR_TOKEN"),
        ("create", "gitops/argocd"),
        ("update", "app"),
        ("update", "app/REGISTRY"),
        ("update", "app/default-branch"),
        ("update", "app/prod"),
    ]
    lab.run("refresh", "--yes", "--skip-preview")
    assert lab.proposed() == expected
    assert lab.up() == {"create": 2, "update": 4}

    assert app.settings["visibility"] == "private"
    assert app.variables["REGISTRY"]["value"] == "ghcr.io/acme"
    assert [kept["enforcement"] for kept in app.rulesets.values()] == ["active"]
    assert app.environments["prod"]["can_admins_bypass"] is False
    assert set(app.secrets) == set(NAMES)
    assert len(lab.fake.repository("gitops").keys) == 1
    assert lab.proposed("--refresh") == []


def test_reviewers_that_were_taken_away_are_not_seen_by_the_provider(lab: Lab) -> None:
    """Its reading of an environment without reviewers keeps those it knew. If this fails, upstream mended it."""
    prod = lab.fake.repository("app").environments["prod"]
    reviewers, prod["reviewers"] = prod["reviewers"], []
    assert lab.proposed("--refresh") == []
    prod["reviewers"] = reviewers


def test_a_rotated_secret_changes_that_secret_alone(lab: Lab) -> None:
    before = {name: secret.updated_at for name, secret in lab.fake.repository("app").secrets.items()}
    lab.spent.append(lab.hidden["secrets"]["GITOPS_PAT"])
    lab.hidden["secrets"]["GITOPS_PAT"] = secrets.token_hex(16)
    lab.configure()
    lab.writes()

    assert lab.proposed() == [("update", "app/GITOPS_PAT")]
    assert lab.up() == {"update": 1}
    assert lab.writes() == [("PUT", "/repos/acme/app/actions/secrets/GITOPS_PAT")]
    after = {name: secret.updated_at for name, secret in lab.fake.repository("app").secrets.items()}
    assert {name for name in after if after[name] != before[name]} == {"GITOPS_PAT"}
    if CAN_OPEN:
        kept = lab.fake.repository("app").secrets["GITOPS_PAT"]
        assert kept.value == lab.hidden["secrets"]["GITOPS_PAT"]


def test_a_rotated_webhook_secret_changes_the_webhook_alone(lab: Lab) -> None:
    lab.spent.append(lab.hidden["webhook"])
    lab.hidden["webhook"] = secrets.token_hex(16)
    lab.configure()
    assert lab.proposed() == [("update", "gitops/webhook")]
    assert lab.up() == {"update": 1}
    (hook,) = lab.fake.repository("gitops").hooks.values()
    assert hook["config"]["secret"] == lab.hidden["webhook"]


def test_a_secret_that_was_overwritten_shows_in_the_state_and_is_mended_on_request(lab: Lab) -> None:
    """The provider takes the new date for its own, so that an update alone proposes nothing."""
    kept = lab.fake.repository("app").secrets["GITOPS_PAT"]
    kept.updated_at, kept.value = "2026-06-01T00:00:00+00:00", "somebody else's"
    lab.run("refresh", "--yes", "--skip-preview")
    assert lab.proposed() == []
    overwritten = [
        item["urn"]
        for item in lab.resources("github:index/actionsSecret:ActionsSecret")
        if item["outputs"]["updatedAt"] != item["outputs"]["remoteUpdatedAt"]
    ]
    assert [urn.rpartition("::")[2] for urn in overwritten] == ["app/GITOPS_PAT"]
    lab.up("--replace", overwritten[0])
    assert "GITOPS_PAT" in lab.fake.repository("app").secrets, "it was made anew before the old one was deleted"
    if CAN_OPEN:
        assert lab.fake.repository("app").secrets["GITOPS_PAT"].value == lab.hidden["secrets"]["GITOPS_PAT"]


def test_a_wrong_token_is_refused_and_a_new_one_changes_the_provider_alone(lab: Lab) -> None:
    lab.spent.append(lab.fake.token)
    lab.hidden["token"] = secrets.token_hex(20)
    lab.configure()
    lab.writes()
    refused = lab.attempt("up", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert "Bad credentials" in refused.stdout + refused.stderr
    lab.spent.append(lab.hidden["token"])
    lab.fake.token = lab.hidden["token"] = secrets.token_hex(20)
    lab.configure()
    assert lab.proposed() == [("update", "github")]
    assert lab.up() == {"update": 1}
    assert lab.writes() == []


def test_without_a_token_a_preview_asks_nobody_and_an_update_is_refused(lab: Lab) -> None:
    right = lab.hidden.pop("token")
    lab.configure()
    lab.fake.requests.clear()
    shown = lab.run("preview")
    refused = lab.attempt("up", "--yes", "--skip-preview")
    lab.hidden["token"] = right
    lab.configure()
    assert "previewing GitHub from the configuration alone" in shown.stdout + shown.stderr
    assert lab.fake.requests == []
    assert refused.returncode != 0
    assert "pulumi config set --secret" in refused.stdout + refused.stderr


def test_the_state_the_logs_and_the_output_show_no_secret(lab: Lab) -> None:
    texts = {f"output {number}": text for number, text in enumerate(lab.printed)}
    for file in (path for path in lab.engine.project.rglob("*") if path.is_file() and ".venv" not in path.parts):
        texts[str(file.relative_to(lab.engine.project))] = file.read_text(encoding="utf-8", errors="replace")
    # What is no secret stands in each of the places, so they are the right ones.
    for place in ("output", "events-", ".state/.pulumi/stacks/lab/dev.json", ".state/.pulumi/history/"):
        assert any("ghcr.io/acme" in text for name, text in texts.items() if name.startswith(place)), place
    found = [(name, value[:4]) for name, text in texts.items() for value in lab.everything_hidden() if value in text]
    assert found == []


def test_destroying_leaves_nothing(lab: Lab) -> None:
    lab.run("destroy", "--yes", "--skip-preview")
    assert lab.fake.repositories == {}
    assert lab.fake.unknown == []


def test_a_repository_that_is_there_is_adopted_as_it_is_and_then_changed(tmp_path: Path, pulumi_home: Path) -> None:
    with FakeGitHub() as fake:
        old = fake.make("old", visibility="private", description="Made by hand", has_wiki=True)
        old.files[".github/CODEOWNERS"] = b"* @acme/nobody\n"
        before = dict(old.settings)
        declared = {"adopt": True, "on_destroy": "archive", "secrets": ["GITOPS_PAT"], "rules": {}}
        declared["codeowners"] = [["*", ["@acme/platform"]]]
        lab = make_lab(tmp_path, pulumi_home, fake, {"old": declared})

        assert ("import", "old") in lab.proposed()
        assert lab.up()["import"] == 1
        assert old.settings == before
        assert b"@acme/platform" in old.files[".github/CODEOWNERS"]
        assert lab.up() == {}

        lab.repositories["old"] = {**declared, "adopt": False, "description": "Declared"}
        lab.configure()
        assert lab.proposed() == [("update", "old")]
        assert lab.up() == {"update": 1}
        assert (old.settings["description"], old.settings["has_wiki"]) == ("Declared", False)
        assert lab.up() == {}

        lab.run("destroy", "--yes", "--skip-preview")
        assert old.settings["archived"] is True
        assert old.secrets == {}, "an archived repository keeps no credentials"
        assert len(old.rulesets) == 1
        assert b"@acme/platform" in old.files[".github/CODEOWNERS"]
        assert fake.unknown == []


def test_a_repository_that_is_retained_is_left_as_it_is(tmp_path: Path, pulumi_home: Path) -> None:
    with FakeGitHub() as fake:
        lab = make_lab(tmp_path, pulumi_home, fake, {"app": {**APP, "on_destroy": "retain"}})
        lab.up()
        lab.writes()
        lab.run("destroy", "--yes", "--skip-preview")
        kept = fake.repository("app")
        assert lab.writes() == []
        assert (set(kept.secrets), kept.settings["archived"], len(kept.rulesets)) == (set(NAMES), False, 1)


def test_code_owners_change_by_pull_request_like_everything_else(tmp_path: Path, pulumi_home: Path) -> None:
    with FakeGitHub() as fake:
        declared = {"rules": {}, "codeowners": [["*", ["@acme/platform"]]]}
        lab = make_lab(tmp_path, pulumi_home, fake, {"app": declared})
        lab.up()
        lab.repositories["app"] = {**declared, "codeowners": [["*", ["@acme/others"]]]}
        lab.configure()
        refused = lab.attempt("up", "--yes", "--skip-preview")
        assert "Changes must be made through a pull request" in refused.stdout + refused.stderr

        files = fake.repository("app").files
        files[".github/CODEOWNERS"] = files[".github/CODEOWNERS"].replace(b"platform", b"others")
        lab.run("refresh", "--yes", "--skip-preview")
        assert lab.proposed() == []


def test_a_stack_that_owns_no_repository_declares_its_environment_alone(tmp_path: Path, pulumi_home: Path) -> None:
    with FakeGitHub() as fake:
        fake.make("app")
        lab = make_lab(
            tmp_path, pulumi_home, fake, {"app": {"owned": False, "environments": {"prod": {"teams": [12]}}}}
        )
        lab.up()
        assert lab.writes() == [("PUT", "/repos/acme/app/environments/prod")]
        lab.run("destroy", "--yes", "--skip-preview")
        assert lab.writes() == [("DELETE", "/repos/acme/app/environments/prod")]


def test_a_protected_repository_is_not_destroyed(tmp_path: Path, pulumi_home: Path) -> None:
    with FakeGitHub() as fake:
        lab = make_lab(tmp_path, pulumi_home, fake, {"app": {"protect": True, "on_destroy": "delete"}})
        lab.up()
        refused = lab.attempt("destroy", "--yes", "--skip-preview")
        assert refused.returncode != 0
        assert "protect" in refused.stdout + refused.stderr
        assert set(fake.repositories) == {"app"}
