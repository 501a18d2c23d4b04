"""A stand-in for GitHub's REST API, for tests: the endpoints that our resources use, with state and without effect.

It is a fake. It runs no workflow, serves no Git and no GraphQL, and knows only what is written here. True to GitHub
are: who may call it, that secrets come in sealed and never go out, that an archived repository is read-only, that a
file of a protected branch is not written past its rules, conditional requests (304), and the shape of its answers.
"""

from tests.fake_github.sealed import CAN_OPEN
from tests.fake_github.server import FakeGitHub
from tests.fake_github.state import Repository, Secret

__all__ = ["CAN_OPEN", "FakeGitHub", "Repository", "Secret"]
