"""The endpoints of the fake: what each call does to the state, and what it answers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from typing import Any, TypeVar
from urllib.parse import unquote

from tests.fake_github.state import SETTINGS, Clock, Repository, Secret

__all__ = ["Api", "Refused"]

Json = dict[str, Any]
Answer = tuple[int, Any]
Found = TypeVar("Found")
Action = Callable[[Json], Answer]

NOTHING: Answer = (204, None)


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def one(mapping: Mapping[Any, Found], key: Any) -> Found:
    """The entry, or 404."""
    if key not in mapping:
        raise Refused(404, "Not Found")
    return mapping[key]


class Api:
    """Every endpoint is a method; `ROUTES` says which call leads to it. The groups of a path are its arguments."""

    def __init__(self, owner: str, repositories: dict[str, Repository], base: str) -> None:
        self._owner = owner
        self._repositories = repositories
        self._base = base
        self._clock = Clock()
        self._numbers = count(1)

    def find(self, method: str, path: str) -> Action | None:
        """The action behind a call; None when the fake has none. Raises `Refused` for a repository that is not."""
        for verb, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if verb != method or match is None:
                continue
            groups = {key: unquote(value) for key, value in match.groupdict().items()}
            owner, repository = groups.pop("owner", self._owner), groups.pop("repository", None)
            if owner != self._owner:
                raise Refused(404, "Not Found")
            action = getattr(self, name)
            if repository is None:
                return partial(action, **groups)
            held = one(self._repositories, repository)
            if held.settings["archived"] and method not in ("GET", "DELETE"):
                raise Refused(403, "Repository was archived so is read-only.")
            return partial(action, held, **groups)
        return None

    # The account and its repositories.

    def organization(self, body: Json) -> Answer:
        return 200, {"id": 1, "login": self._owner, "type": "Organization"}

    def make_repository(self, body: Json) -> Answer:
        name = body["name"]
        if name in self._repositories:
            raise Refused(422, "Repository creation failed: name already exists on this account")
        held = Repository(self._owner, name, next(self._numbers))
        self._repositories[name] = held
        self._settle(held, body)
        if body.get("auto_init"):
            held.branch = "main"
            held.files["README.md"] = f"# {name}\n".encode()
            held.commit("Initial commit")
        return 201, held.shown(self._base)

    def repository(self, held: Repository, body: Json) -> Answer:
        return 200, held.shown(self._base)

    def edit_repository(self, held: Repository, body: Json) -> Answer:
        self._settle(held, body)
        return 200, held.shown(self._base)

    def delete_repository(self, held: Repository, body: Json) -> Answer:
        del self._repositories[held.name]
        return NOTHING

    def topics(self, held: Repository, body: Json) -> Answer:
        held.settings["topics"] = body["names"]
        return 200, {"names": body["names"]}

    def _settle(self, held: Repository, body: Json) -> None:
        if body.get("private") and "visibility" not in body:
            body = {**body, "visibility": "private"}
        held.settings |= {name: value for name, value in body.items() if name in SETTINGS and value is not None}

    # What workflows know.

    def public_key(self, held: Repository, body: Json) -> Answer:
        return 200, {"key_id": str(held.number), "key": held.pair.public}

    def secret(self, held: Repository, body: Json, name: str) -> Answer:
        kept = one(held.secrets, name)
        return 200, {"name": name, "created_at": kept.created_at, "updated_at": kept.updated_at}

    def set_secret(self, held: Repository, body: Json, name: str) -> Answer:
        if body.get("key_id") != str(held.number):
            raise Refused(422, "the key_id is not that of the repository's public key")
        try:
            value = held.pair.open(body["encrypted_value"])
        except ValueError:
            raise Refused(422, "the value was not sealed with the repository's public key") from None
        now, before = self._clock.now(), held.secrets.get(name)
        held.secrets[name] = Secret(value, before.created_at if before else now, now)
        return (204, None) if before else (201, {})

    def delete_secret(self, held: Repository, body: Json, name: str) -> Answer:
        one(held.secrets, name)
        del held.secrets[name]
        return NOTHING

    def variable(self, held: Repository, body: Json, name: str) -> Answer:
        return 200, one(held.variables, name)

    def make_variable(self, held: Repository, body: Json) -> Answer:
        name = body["name"]
        if name in held.variables:
            raise Refused(409, "Already exists - Variable already exists")
        now = self._clock.now()
        held.variables[name] = {"name": name, "value": body["value"], "created_at": now, "updated_at": now}
        return 201, {}

    def edit_variable(self, held: Repository, body: Json, name: str) -> Answer:
        one(held.variables, name).update(value=body["value"], updated_at=self._clock.now())
        return NOTHING

    def delete_variable(self, held: Repository, body: Json, name: str) -> Answer:
        one(held.variables, name)
        del held.variables[name]
        return NOTHING

    # Who approves, and what the default branch asks for.

    def environment(self, held: Repository, body: Json, name: str) -> Answer:
        kept = one(held.environments, name)
        rules: list[Json] = []
        if kept["wait_timer"]:
            rules.append({"id": 1, "type": "wait_timer", "wait_timer": kept["wait_timer"]})
        if kept["reviewers"]:
            reviewers = [
                {"type": entry["type"], "reviewer": {"id": entry["id"], "login": str(entry["id"])}}
                for entry in kept["reviewers"]
            ]
            rules.append(
                {
                    "id": 2,
                    "type": "required_reviewers",
                    "prevent_self_review": kept["prevent_self_review"],
                    "reviewers": reviewers,
                }
            )
        return 200, {
            "id": 1,
            "name": name,
            "can_admins_bypass": kept["can_admins_bypass"],
            "protection_rules": rules,
            "deployment_branch_policy": kept["deployment_branch_policy"],
        }

    def set_environment(self, held: Repository, body: Json, name: str) -> Answer:
        held.environments[name] = {
            "wait_timer": body.get("wait_timer") or 0,
            "reviewers": body.get("reviewers") or [],
            "prevent_self_review": bool(body.get("prevent_self_review")),
            "can_admins_bypass": body.get("can_admins_bypass", True),
            "deployment_branch_policy": body.get("deployment_branch_policy"),
        }
        return self.environment(held, {}, name)

    def delete_environment(self, held: Repository, body: Json, name: str) -> Answer:
        one(held.environments, name)
        del held.environments[name]
        return NOTHING

    def make_ruleset(self, held: Repository, body: Json) -> Answer:
        if any(kept["name"] == body["name"] for kept in held.rulesets.values()):
            raise Refused(422, "Validation Failed: Name must be unique")
        return 201, self._keep_ruleset(held, next(self._numbers), body)

    def ruleset(self, held: Repository, body: Json, number: str) -> Answer:
        return 200, one(held.rulesets, int(number))

    def set_ruleset(self, held: Repository, body: Json, number: str) -> Answer:
        one(held.rulesets, int(number))
        return 200, self._keep_ruleset(held, int(number), body)

    def delete_ruleset(self, held: Repository, body: Json, number: str) -> Answer:
        one(held.rulesets, int(number))
        del held.rulesets[int(number)]
        return NOTHING

    def _keep_ruleset(self, held: Repository, number: int, body: Json) -> Json:
        held.rulesets[number] = {"bypass_actors": [], **body, "id": number, "node_id": f"RRS_{number}"}
        return held.rulesets[number]

    # Who reads, and who is told.

    def make_key(self, held: Repository, body: Json) -> Answer:
        # GitHub keeps no comment.
        bare = " ".join(body["key"].split()[:2])
        if any(kept["key"] == bare for kept in held.keys.values()):
            raise Refused(422, "Validation Failed: key is already in use")
        number = next(self._numbers)
        held.keys[number] = {"id": number, "key": bare, "title": body["title"], "read_only": body["read_only"]}
        return 201, held.keys[number]

    def key(self, held: Repository, body: Json, number: str) -> Answer:
        return 200, one(held.keys, int(number))

    def delete_key(self, held: Repository, body: Json, number: str) -> Answer:
        one(held.keys, int(number))
        del held.keys[int(number)]
        return NOTHING

    def make_hook(self, held: Repository, body: Json) -> Answer:
        number = next(self._numbers)
        held.hooks[number] = {**body, "id": number, "url": f"{self._base}hooks/{number}"}
        return 201, _masked(held.hooks[number])

    def hook(self, held: Repository, body: Json, number: str) -> Answer:
        return 200, _masked(one(held.hooks, int(number)))

    def edit_hook(self, held: Repository, body: Json, number: str) -> Answer:
        kept = one(held.hooks, int(number))
        kept |= {name: value for name, value in body.items() if name in ("active", "config", "events")}
        return 200, _masked(kept)

    def delete_hook(self, held: Repository, body: Json, number: str) -> Answer:
        one(held.hooks, int(number))
        del held.hooks[int(number)]
        return NOTHING

    # Files.

    def file(self, held: Repository, body: Json, path: str) -> Answer:
        content = one(held.files, path)
        return 200, {
            "type": "file",
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": _blob(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "url": f"{self._base}contents/{path}?ref={held.branch}",
        }

    def write_file(self, held: Repository, body: Json, path: str) -> Answer:
        self._may_commit(held)
        if path in held.files and body.get("sha") != _blob(held.files[path]):
            raise Refused(409, f"{path} does not match {body.get('sha')}")
        status = 200 if path in held.files else 201
        held.files[path] = base64.b64decode(body["content"])
        return status, {"content": self.file(held, {}, path)[1], "commit": {"sha": held.commit(body["message"])}}

    def delete_file(self, held: Repository, body: Json, path: str) -> Answer:
        self._may_commit(held)
        one(held.files, path)
        del held.files[path]
        return 200, {"content": None, "commit": {"sha": held.commit(body["message"])}}

    def commit(self, held: Repository, body: Json, name: str) -> Answer:
        who = {"name": "fake", "email": "fake@example.invalid"}
        return 200, {"sha": name, "commit": {"message": one(held.commits, name), "committer": who}}

    def _may_commit(self, held: Repository) -> None:
        if held.branch is None:
            raise Refused(404, "Git Repository is empty.")
        if held.wants_pull_requests():
            raise Refused(409, "Repository rule violations found: Changes must be made through a pull request.")


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _masked(hook: Json) -> Json:
    config = dict(hook["config"])
    if config.get("secret"):
        config["secret"] = "********"
    return {**hook, "config": config}


_REPOSITORY = "/repos/(?P<owner>[^/]+)/(?P<repository>[^/]+)"


def _kept(path: str, entry: str, name: str, *, edit: str, make: str) -> list[tuple[str, str, str]]:
    """The four calls of a kind of thing that a repository has: `make` and `edit` are the verbs that GitHub chose."""
    found = [("GET", f"{path}/{entry}", name), ("DELETE", f"{path}/{entry}", f"delete_{name}")]
    if make:
        found.append((make, path, f"make_{name}"))
    if edit:
        found.append((edit, f"{path}/{entry}", f"edit_{name}" if edit == "PATCH" else f"set_{name}"))
    return found


_NAME, _NUMBER = "(?P<name>[^/]+)", "(?P<number>[0-9]+)"
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("GET", "/(?:orgs|users)/(?P<owner>[^/]+)", "organization"),
    ("POST", "/orgs/(?P<owner>[^/]+)/repos", "make_repository"),
    ("GET", _REPOSITORY, "repository"),
    ("PATCH", _REPOSITORY, "edit_repository"),
    ("DELETE", _REPOSITORY, "delete_repository"),
    ("PUT", f"{_REPOSITORY}/topics", "topics"),
    ("GET", f"{_REPOSITORY}/actions/secrets/public-key", "public_key"),
    *_kept(f"{_REPOSITORY}/actions/secrets", _NAME, "secret", make="", edit="PUT"),
    *_kept(f"{_REPOSITORY}/actions/variables", _NAME, "variable", make="POST", edit="PATCH"),
    *_kept(f"{_REPOSITORY}/environments", _NAME, "environment", make="", edit="PUT"),
    *_kept(f"{_REPOSITORY}/rulesets", _NUMBER, "ruleset", make="POST", edit="PUT"),
    *_kept(f"{_REPOSITORY}/keys", _NUMBER, "key", make="POST", edit=""),
    *_kept(f"{_REPOSITORY}/hooks", _NUMBER, "hook", make="POST", edit="PATCH"),
    ("GET", f"{_REPOSITORY}/contents/(?P<path>.+)", "file"),
    ("PUT", f"{_REPOSITORY}/contents/(?P<path>.+)", "write_file"),
    ("DELETE", f"{_REPOSITORY}/contents/(?P<path>.+)", "delete_file"),
    ("GET", f"{_REPOSITORY}/commits/{_NAME}", "commit"),
)
