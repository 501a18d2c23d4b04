"""The HTTP side of the fake: who may call, conditional requests, and the record of what was asked."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.fake_github.api import Api, Refused
from tests.fake_github.state import Repository

__all__ = ["FakeGitHub"]

# GitHub Enterprise Server's; the provider adds it for any host but GitHub's own.
PREFIX = "/api/v3"


class FakeGitHub:
    """The server on a free port of the loopback, for the length of a `with` block."""

    def __init__(self, owner: str = "acme") -> None:
        self.owner = owner
        self.token = f"fake_{secrets.token_hex(20)}"
        self.repositories: dict[str, Repository] = {}
        # Method and path of every call, and never a body: some hold secrets.
        self.requests: list[tuple[str, str]] = []
        # Calls that the fake does not know. A test that finds one here has met a gap of the fake.
        self.unknown: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._api = Api(self.owner, self.repositories, self.url)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def repository(self, name: str) -> Repository:
        """The repository of that name. Raises `KeyError`."""
        return self.repositories[name]

    def make(self, name: str, **settings: Any) -> Repository:
        """A repository with a first commit, made by somebody else than Pulumi."""
        with self._lock:
            self._api.make_repository({"name": name, "auto_init": True, **settings})
        return self.repositories[name]

    def writes(self) -> list[tuple[str, str]]:
        """The calls that changed something."""
        return [(method, path) for method, path in self.requests if method != "GET"]

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Any]:
        """One call's status and content."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(PREFIX)
        with self._lock:
            self.requests.append((method, path))
            try:
                if authorization.partition(" ")[2] != self.token:
                    raise Refused(401, "Bad credentials")
                if not parts.path.startswith(f"{PREFIX}/"):
                    raise Refused(404, "Not Found")
                action = self._api.find(method, path)
                if action is None:
                    self.unknown.append((method, path))
                    raise Refused(404, f"the fake knows no {method} {path}")
                return action(json.loads(body) if body else {})
            except Refused as refusal:
                return refusal.status, {"message": str(refusal)}


def _handler(fake: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = fake.answer(self.command, self.path, self.headers.get("Authorization") or "", body)
            text = b"" if content is None else json.dumps(content).encode()
            tag = f'"{hashlib.sha256(text).hexdigest()}"'
            if self.command == "GET" and status == 200 and self.headers.get("If-None-Match") == tag:
                status, text = 304, b""
            self.send_response(status)
            self.send_header("ETag", tag)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the record is `FakeGitHub.requests`."""

    return Handler
