"""What the fake remembers: repositories and what GitHub keeps beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.fake_github.sealed import KeyPair

__all__ = ["SETTINGS", "Clock", "Repository", "Secret"]

Json = dict[str, Any]

# A repository's settings and their values when nothing is said.
SETTINGS: Json = {
    "description": None,
    "homepage": None,
    "visibility": "public",
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_discussions": False,
    "has_downloads": True,
    "is_template": False,
    "allow_merge_commit": True,
    "allow_squash_merge": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "allow_update_branch": False,
    "allow_forking": False,
    "delete_branch_on_merge": False,
    "web_commit_signoff_required": False,
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "merge_commit_title": "MERGE_MESSAGE",
    "merge_commit_message": "PR_TITLE",
    "archived": False,
    "topics": [],
    "default_branch": "main",
}


class Clock:
    """A second passes between any two things that happen, so that no test sleeps to see a time change."""

    def __init__(self) -> None:
        self._ticks: Iterator[int] = count()

    def now(self) -> str:
        return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=next(self._ticks))).isoformat()


@dataclass
class Secret:
    """What was sealed, and when. `value` is None where nothing can open it."""

    value: str | None
    created_at: str
    updated_at: str


@dataclass
class Repository:
    """One repository. A test may change any of it: that is what happens behind Pulumi's back."""

    owner: str
    name: str
    number: int
    settings: Json = field(default_factory=lambda: dict(SETTINGS))
    secrets: dict[str, Secret] = field(default_factory=dict)
    variables: dict[str, Json] = field(default_factory=dict)
    environments: dict[str, Json] = field(default_factory=dict)
    rulesets: dict[int, Json] = field(default_factory=dict)
    keys: dict[int, Json] = field(default_factory=dict)
    # As they were sent, with their secrets.
    hooks: dict[int, Json] = field(default_factory=dict)
    # None until there is a first commit.
    branch: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    pair: KeyPair = field(default_factory=KeyPair)

    def commit(self, message: str) -> str:
        """Record a commit of the present files; its name."""
        text = repr((sorted(self.files.items()), message, len(self.commits)))
        name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.commits[name] = message
        return name

    def wants_pull_requests(self) -> bool:
        """Whether an active rule refuses commits to the default branch by the account that asks."""
        return any(
            ruleset["enforcement"] == "active"
            and not ruleset["bypass_actors"]
            and any(rule["type"] == "pull_request" for rule in ruleset["rules"])
            for ruleset in self.rulesets.values()
        )

    def shown(self, base: str) -> Json:
        """The repository as `GET /repos/{owner}/{name}` answers."""
        full = f"{self.owner}/{self.name}"
        return {
            **self.settings,
            "id": self.number,
            "node_id": f"R_{self.number}",
            "name": self.name,
            "full_name": full,
            "private": self.settings["visibility"] != "public",
            "fork": False,
            "html_url": f"{base}{full}",
            "clone_url": f"{base}{full}.git",
            "ssh_url": f"git@fake:{full}.git",
            "owner": {"login": self.owner},
        }
