"""A fake of GitHub's REST API for the comments of pull requests: a real HTTP server on the loopback, with state.

It serves what `slipway.preview.github` uses and nothing more: listing in pages with `Link` headers, creating and
updating, and the answers to a wrong token, a missing pull request and a used-up rate limit. Its answers follow
https://docs.github.com/en/rest/issues/comments; it was never compared with GitHub itself.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token-of-the-job"
BOT = "github-actions[bot]"
LONGEST = 65_536


@dataclass
class FakeGitHub:
    """The server's state, and what it was asked."""

    url: str = ""
    # In the order of creation, as GitHub lists them.
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    numbers: set[int] = field(default_factory=lambda: {7})
    per_page: int = 100
    # Answer everything with this status and these headers instead.
    refuse: tuple[int, dict[str, str]] | None = None
    # Where the list's next page is said to be, instead of here.
    elsewhere: str = ""
    not_json: bool = False

    def comment(self, body: str, login: str = BOT) -> dict[str, Any]:
        """Add a comment as if somebody had written it."""
        number = 1000 + len(self.comments)
        made = {"id": number, "body": body, "user": {"login": login}, "html_url": f"{self.url}/comment/{number}"}
        self.comments.append(made)
        return made

    @property
    def writes(self) -> list[str]:
        """The methods that changed something."""
        return [method for method, _ in self.asked if method != "GET"]


@contextmanager
def fake_github() -> Iterator[FakeGitHub]:
    """A running server, gone at the end."""
    state = FakeGitHub()

    class Handler(_Handler):
        github = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    github: FakeGitHub

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        given = json.loads(self.rfile.read(length)) if length else {}
        self.github.asked.append((self.command, self.path))
        if self.github.refuse:
            self._send(self.github.refuse[0], {"message": "refused"}, self.github.refuse[1])
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"message": "Bad credentials"})
        else:
            self._route(given)

    def _route(self, given: dict[str, Any]) -> None:
        address = urlsplit(self.path)
        body = given.get("body", "")
        if found := re.fullmatch(r"/repos/acme/platform/issues/(\d+)/comments", address.path):
            if int(found[1]) not in self.github.numbers:
                self._send(404, {"message": "Not Found"})
            elif self.command == "POST":
                self._write(201, body, lambda: self.github.comment(body))
            else:
                self._list(parse_qs(address.query))
        elif found := re.fullmatch(r"/repos/acme/platform/issues/comments/(\d+)", address.path):
            known = {comment["id"]: comment for comment in self.github.comments}
            if self.command == "PATCH" and int(found[1]) in known:
                self._write(200, body, lambda: known[int(found[1])] | self._set(known[int(found[1])], body))
            else:
                self._send(404, {"message": "Not Found"})
        else:
            self._send(404, {"message": "Not Found"})

    def _set(self, comment: dict[str, Any], body: str) -> dict[str, Any]:
        comment["body"] = body
        return comment

    def _write(self, status: int, body: str, action: Any) -> None:
        if not body or len(body) > LONGEST:
            self._send(422, {"message": "Validation Failed"})
        else:
            self._send(status, action())

    def _list(self, query: dict[str, list[str]]) -> None:
        size = min(int(query.get("per_page", ["30"])[0]), self.github.per_page)
        page = int(query.get("page", ["1"])[0])
        shown = self.github.comments[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(self.github.comments):
            path = urlsplit(self.path).path
            following = f"{self.github.elsewhere or self.github.url}{path}?per_page={size}&page={page + 1}"
            headers["Link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        self._send(200, shown, headers)

    def _send(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        content = b"<html>" if self.github.not_json else json.dumps(document).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: pytest shows what matters."""
