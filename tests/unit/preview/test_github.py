"""The sticky comment: found on any page by its marker and its author, written only when it differs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.errors import SlipwayError, UsageError
from slipway.preview import MARKER, PullRequest, post
from tests.unit.preview.fake_github import BOT, TOKEN, FakeGitHub

BODY = f"{MARKER}\n## What a merge would change\n"


def target(github: FakeGitHub, number: int = 7, token: str = TOKEN) -> PullRequest:
    return PullRequest(github.url, "acme/platform", number, token)


def test_the_first_run_creates_the_comment(github: FakeGitHub) -> None:
    github.comment("a person's remark", login="octocat")

    done, url = post(target(github), BODY, MARKER)

    assert done == "created"
    assert [comment["body"] for comment in github.comments] == ["a person's remark", BODY]
    assert url == github.comments[1]["html_url"]


def test_a_later_run_updates_the_same_comment(github: FakeGitHub) -> None:
    post(target(github), BODY, MARKER)

    assert post(target(github), f"{BODY}more\n", MARKER)[0] == "updated"
    assert [comment["body"] for comment in github.comments] == [f"{BODY}more\n"]


def test_an_unchanged_comment_is_not_written(github: FakeGitHub) -> None:
    post(target(github), BODY, MARKER)
    github.comments[0]["body"] = BODY.replace("\n", "\r\n").strip()

    assert post(target(github), BODY, MARKER)[0] == "unchanged"
    assert github.writes == ["POST"]


def test_the_comment_is_found_behind_many_others(github: FakeGitHub) -> None:
    for number in range(250):
        github.comment(f"remark {number}", login="octocat")
    github.comment(f"{MARKER}\nold")
    for number in range(30):
        github.comment(f"late remark {number}", login="octocat")

    assert post(target(github), BODY, MARKER)[0] == "updated"
    assert len(github.comments) == 281
    assert github.comments[250]["body"] == BODY
    assert [path.rpartition("page=")[2] for method, path in github.asked if method == "GET"] == ["100", "2", "3"]


@pytest.mark.parametrize(
    ("body", "login"),
    [
        (f"{MARKER}\nI wrote this", "mallory"),
        (f"> {MARKER}\nquoted", BOT),
        (f"see\n{MARKER}", BOT),
    ],
    ids=["of another account", "a quotation", "in the middle"],
)
def test_a_comment_that_only_looks_like_ours_is_left_alone(github: FakeGitHub, body: str, login: str) -> None:
    github.comment(body, login)

    assert post(target(github), BODY, MARKER)[0] == "created"
    assert github.comments[0]["body"] == body


def test_a_token_of_a_person_finds_that_persons_comment(github: FakeGitHub) -> None:
    github.comment(f"{MARKER}\nold", login="octocat")

    assert post(replace(target(github), author="octocat"), BODY, MARKER)[0] == "updated"


@pytest.mark.parametrize(
    ("status", "headers", "code", "told"),
    [
        (403, {}, "GITHUB_REFUSED", "pull-requests: write"),
        (403, {"x-ratelimit-remaining": "0"}, "GITHUB_RATE_LIMIT", "rate limit"),
        (403, {"retry-after": "60"}, "GITHUB_RATE_LIMIT", "rate limit"),
        (429, {}, "GITHUB_RATE_LIMIT", "rate limit"),
        (502, {}, "GITHUB_REFUSED", "HTTP 502"),
        (302, {"Location": "http://127.0.0.1:1/"}, "GITHUB_REFUSED", "HTTP 302"),
    ],
)
def test_a_refusal_is_explained(github: FakeGitHub, status: int, headers: dict[str, str], code: str, told: str) -> None:
    github.refuse = (status, headers)

    with pytest.raises(SlipwayError, match=told) as refused:
        post(target(github), BODY, MARKER)
    assert refused.value.code == code
    assert TOKEN not in str(refused.value)


def test_a_wrong_token_and_a_missing_pull_request_are_told_apart(github: FakeGitHub) -> None:
    with pytest.raises(SlipwayError, match="does not know the token"):
        post(target(github, token="other"), BODY, MARKER)
    with pytest.raises(SlipwayError, match="no such pull request"):
        post(target(github, number=8), BODY, MARKER)


def test_the_token_never_follows_a_link_to_another_host(github: FakeGitHub) -> None:
    for number in range(150):
        github.comment(f"remark {number}", login="octocat")
    github.elsewhere = "http://127.0.0.1:1"

    with pytest.raises(SlipwayError, match="on another host"):
        post(target(github), BODY, MARKER)


def test_an_answer_that_is_no_json_is_explained(github: FakeGitHub) -> None:
    github.not_json = True

    with pytest.raises(SlipwayError, match="it is no JSON"):
        post(target(github), BODY, MARKER)


def test_an_api_that_does_not_answer_is_explained() -> None:
    with pytest.raises(SlipwayError) as failure:
        post(PullRequest("http://127.0.0.1:1", "acme/platform", 7, TOKEN), BODY, MARKER)
    assert failure.value.code == "GITHUB_UNREACHABLE"


@pytest.mark.parametrize("api", ["http://api.github.com", "ftp://127.0.0.1", "http://127.0.0.1.evil.example", ""])
def test_the_token_is_sent_over_https_only(api: str) -> None:
    with pytest.raises(UsageError) as refused:
        post(PullRequest(api, "acme/platform", 7, TOKEN), BODY, MARKER)
    assert refused.value.code == "PLAIN_HTTP"


@pytest.mark.parametrize("repository", ["", "platform", "acme/platform/x", "../x", "acme/..", "acme/platform?x=1"])
def test_a_repository_that_would_lead_elsewhere_is_refused(repository: str) -> None:
    with pytest.raises(UsageError) as refused:
        post(PullRequest("https://api.github.com", repository, 7, TOKEN), BODY, MARKER)
    assert refused.value.code == "NO_REPOSITORY"


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(PullRequest("https://api.github.com", "acme/platform", 7, TOKEN))
