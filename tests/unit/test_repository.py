"""What a repository's declaration amounts to: texts, rules, and what the configuration asks of whom."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from components.errors import ProgramError
from components.github_provider import require_token
from components.repository import Environment, Rules, codeowners, ruleset

TOKEN = SecretStr("not-a-secret")


def test_code_owners_keep_their_order_because_the_last_match_counts() -> None:
    text = codeowners([("*", ["@acme/platform"]), ("/apps/", ["@acme/apps", "dev@example.org"])])
    assert text.splitlines()[1:] == ["* @acme/platform", "/apps/ @acme/apps dev@example.org"]
    assert text.endswith("\n")


@pytest.mark.parametrize("rules", [Rules(), Rules(pull_requests=False), Rules(checks=["check"])])
def test_history_is_never_rewritten_nor_the_branch_deleted(rules: Rules) -> None:
    declared = ruleset(rules)
    assert (declared.non_fast_forward, declared.deletion) == (True, True)


def test_a_pull_request_needs_a_code_owner_who_saw_the_last_push() -> None:
    review = ruleset(Rules(approvals=2)).pull_request
    assert review.require_code_owner_review is True
    assert review.require_last_push_approval is True
    assert review.dismiss_stale_reviews_on_push is True
    assert review.required_approving_review_count == 2
    assert ruleset(Rules(pull_requests=False)).pull_request is None


def test_no_checks_are_no_rule_because_github_refuses_an_empty_one() -> None:
    assert ruleset(Rules(checks=())).required_status_checks is None
    required = ruleset(Rules(checks=["validate", "check"])).required_status_checks
    assert [check.context for check in required.required_checks] == ["check", "validate"]


@pytest.mark.parametrize(
    ("environment", "reviewed"),
    [(Environment(), False), (Environment(teams=[1]), True), (Environment(users=[1]), True)],
)
def test_an_environment_is_reviewed_when_it_names_somebody(environment: Environment, reviewed: bool) -> None:
    assert environment.reviewed is reviewed


def test_a_token_is_needed_to_change_something_and_not_to_preview() -> None:
    assert require_token(TOKEN, "acme", preview=False, environment={})
    with pytest.raises(ProgramError, match=r"`slipway:github\.token` is missing"):
        require_token(None, "acme", preview=False, environment={})


@pytest.mark.parametrize("name", ["GITHUB_OWNER", "GITHUB_ORGANIZATION"])
def test_an_owner_in_the_environment_that_would_win_is_refused(name: str) -> None:
    assert require_token(TOKEN, "acme", preview=False, environment={name: "Acme"})
    with pytest.raises(ProgramError, match=rf"{name} is 'other'"):
        require_token(TOKEN, "acme", preview=True, environment={name: "other"})
