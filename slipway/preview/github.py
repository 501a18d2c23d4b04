"""One comment per pull request that each run brings up to date, by GitHub's REST API.

https://docs.github.com/en/rest/issues/comments: a pull request is an issue there, with the same comments.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from slipway.errors import SlipwayError, UsageError

__all__ = ["ACTIONS", "PullRequest", "post"]

ACTIONS = "github-actions[bot]"
"""The account that a workflow's own token writes as."""

_TIMEOUT_S = 20
_PER_PAGE = 100
_MOST_PAGES = 100


@dataclass(frozen=True)
class PullRequest:
    """Where the comment goes, and as whom. The token is never shown."""

    api: str
    """The API's address, e.g. `https://api.github.com`; plain HTTP only on this machine."""
    repository: str
    number: int
    token: str
    author: str = ACTIONS
    """Only a comment of this account is ours: anybody can write one that starts with the marker."""

    def __repr__(self) -> str:
        return f"PullRequest({self.repository}#{self.number})"


def post(request: PullRequest, body: str, marker: str) -> tuple[str, str]:
    """Create the comment that starts with `marker`, or update it where it differs.

    Returns what was done (`created`, `updated`, `unchanged`) and the comment's address.
    """
    _check(request)
    headers = {
        "Authorization": f"Bearer {request.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "slipway",
    }
    # A redirect would carry the token elsewhere; httpx follows none unless told to.
    with httpx.Client(base_url=request.api.rstrip("/"), headers=headers, timeout=_TIMEOUT_S) as client:
        for comment in _comments(client, request):
            if _is_ours(comment, request, marker):
                if _same(str(comment.get("body")), body):
                    return "unchanged", str(comment.get("html_url", ""))
                path = f"/repos/{request.repository}/issues/comments/{int(comment['id'])}"
                return "updated", _address(request, _ask(client, request, "PATCH", path, json={"body": body}))
        path = f"/repos/{request.repository}/issues/{request.number}/comments"
        return "created", _address(request, _ask(client, request, "POST", path, json={"body": body}))


def _comments(client: httpx.Client, request: PullRequest) -> Iterator[dict[str, Any]]:
    url = f"/repos/{request.repository}/issues/{request.number}/comments?per_page={_PER_PAGE}"
    for _ in range(_MOST_PAGES):
        answer = _ask(client, request, "GET", url)
        found = _json(request, answer)
        if not isinstance(found, list):
            raise _unexpected(request, "its list of comments is no list")
        yield from (comment for comment in found if isinstance(comment, dict))
        url = answer.links.get("next", {}).get("url", "")
        if not url:
            return
        if urlsplit(url)[:2] != urlsplit(request.api)[:2]:
            raise _unexpected(request, f"its next page is on another host: {url}")
    raise _unexpected(request, f"more than {_MOST_PAGES * _PER_PAGE} comments")


def _is_ours(comment: dict[str, Any], request: PullRequest, marker: str) -> bool:
    user = comment.get("user")
    login = user.get("login") if isinstance(user, dict) else None
    return login == request.author and str(comment.get("body", "")).startswith(marker)


def _same(there: str, ours: str) -> bool:
    return there.replace("\r\n", "\n").rstrip() == ours.rstrip()


def _json(request: PullRequest, answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise _unexpected(request, "it is no JSON") from None


def _address(request: PullRequest, answer: httpx.Response) -> str:
    made = _json(request, answer)
    return str(made.get("html_url", "")) if isinstance(made, dict) else ""


def _ask(client: httpx.Client, request: PullRequest, method: str, url: str, **options: Any) -> httpx.Response:
    try:
        answer = client.request(method, url, **options)
    except httpx.HTTPError as error:
        raise SlipwayError(
            f"GitHub's API does not answer: {error or type(error).__name__}",
            code="GITHUB_UNREACHABLE",
            where=request.api,
            remedy="run the job again",
        ) from None
    if answer.is_success:
        return answer
    raise _refused(request, answer)


def _refused(request: PullRequest, answer: httpx.Response) -> SlipwayError:
    where = f"{request.repository}#{request.number}"
    limited = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    if answer.status_code == 429 or (answer.status_code == 403 and limited):
        return SlipwayError(
            "GitHub's rate limit is used up", code="GITHUB_RATE_LIMIT", where=where, remedy="run the job again later"
        )
    known = {
        401: ("GitHub does not know the token", "give GITHUB_TOKEN the job's own token: ${{ github.token }}"),
        403: (
            "the token may not write comments",
            "the job needs `permissions: pull-requests: write`; a pull request from a fork never gets it",
        ),
        404: ("there is no such pull request, or the token does not see it", "check --pull-request and the repository"),
    }
    what, remedy = known.get(answer.status_code, (f"GitHub answered HTTP {answer.status_code}", "run the job again"))
    return SlipwayError(what, code="GITHUB_REFUSED", where=where, remedy=remedy)


def _unexpected(request: PullRequest, what: str) -> SlipwayError:
    return SlipwayError(f"GitHub's answer is not as expected: {what}", code="GITHUB_ANSWER", where=request.api)


def _check(request: PullRequest) -> None:
    if not re.fullmatch(r"(?!\.+/)[\w.-]+/(?!\.+$)[\w.-]+", request.repository):
        raise UsageError(
            f"{request.repository!r} is no repository",
            code="NO_REPOSITORY",
            where="GITHUB_REPOSITORY",
            remedy="owner/name, as GitHub Actions sets it",
        )
    address = urlsplit(request.api)
    if address.scheme != "https" and not (address.scheme == "http" and _is_loopback(address.hostname or "")):
        raise UsageError(
            f"the token is sent over https only, not to {request.api!r}", code="PLAIN_HTTP", where="GITHUB_API_URL"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
