"""The hook sends GitHub's push event, signed, and never stands in a push's way."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox import post_receive

URL = "http://10.244.0.1:3080/gitops.git"


class Listener:
    """An Argo CD that remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.heard.append((dict(self.headers), body))
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Tests are silent."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/webhook"


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A B", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "kept").write_text("1")
    (folder / "gone").write_text("1")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first\n\nwith a body")
    (folder / "kept").write_text("2")
    (folder / "gone").unlink()
    (folder / "nüw name").write_text("3")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "second")
    monkeypatch.chdir(folder)
    return folder


def test_the_event_names_refs_repository_and_changed_files(work: Path) -> None:
    before, after = git(work, "rev-parse", "HEAD~1"), git(work, "rev-parse", "HEAD")
    event = post_receive.payload(URL, "main", before, after, "refs/heads/main")

    assert (event["ref"], event["before"], event["after"]) == ("refs/heads/main", before, after)
    assert event["repository"]["html_url"] == "http://10.244.0.1:3080/gitops"
    assert event["repository"]["default_branch"] == "main"
    (commit,) = event["commits"]
    assert commit == event["head_commit"]
    assert (commit["id"], commit["message"]) == (after, "second")
    assert (commit["added"], commit["removed"], commit["modified"]) == (["nüw name"], ["gone"], ["kept"])


def test_the_first_push_tells_every_commit_oldest_first(work: Path) -> None:
    event = post_receive.payload(URL, "main", post_receive.NOTHING, git(work, "rev-parse", "HEAD"), "refs/heads/main")

    assert event["created"] is True
    assert [commit["message"] for commit in event["commits"]] == ["first\n\nwith a body", "second"]
    assert event["commits"][0]["added"] == ["gone", "kept"]


@pytest.mark.usefixtures("work")
def test_a_deleted_branch_has_no_commits() -> None:
    event = post_receive.payload(URL, "main", "a" * 40, post_receive.NOTHING, "refs/heads/old")

    assert (event["deleted"], event["commits"], event["head_commit"]) == (True, [], None)


def test_the_signature_is_the_hmac_that_github_sends() -> None:
    # The example of GitHub's documentation on validating deliveries.
    signed = post_receive.signature(b"It's a Secret to Everybody", b"Hello, World!")

    assert signed == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def prepare(folder: Path, addresses: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "webhook.json").write_text(json.dumps(addresses))
    (folder / "webhook-secret").write_text("sesame")


def outcomes(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "webhook.log").read_text().splitlines()]


def test_every_address_hears_a_signed_event_and_the_log_says_so(work: Path, tmp_path: Path, listener: Listener) -> None:
    prepare(tmp_path / "git", [listener.url, listener.url])
    head = git(work, "rev-parse", "HEAD")
    post_receive.notify(tmp_path / "git", URL, [(post_receive.NOTHING, head, "refs/heads/main")])

    assert len(listener.heard) == 2
    headers, body = listener.heard[0]
    assert headers["X-GitHub-Event"] == "push"
    assert headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(b"sesame", body, hashlib.sha256).hexdigest()
    assert [(line["after"], line["outcome"]) for line in outcomes(tmp_path / "git")] == [(head, "HTTP 200")] * 2


def test_an_address_that_is_down_or_refuses_is_logged(
    work: Path, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_receive, "PAUSE_S", 0.0)
    listener.status = 400
    prepare(tmp_path / "git", [listener.url, "http://127.0.0.1:1/", "https://127.0.0.1:1/"])
    head = git(work, "rev-parse", "HEAD")
    post_receive.notify(tmp_path / "git", URL, [(post_receive.NOTHING, head, "refs/heads/main")])

    said = sorted(line["outcome"] for line in outcomes(tmp_path / "git"))
    assert said[0].startswith("HTTP 400")
    assert all(line.startswith("failed: ") for line in said[1:])


def test_without_addresses_the_log_says_that_nobody_was_told(work: Path, tmp_path: Path) -> None:
    prepare(tmp_path / "git", [])
    post_receive.notify(tmp_path / "git", URL, [("a" * 40, post_receive.NOTHING, "refs/heads/main")])

    assert work.exists()
    assert outcomes(tmp_path / "git")[0]["outcome"] == "no address to tell yet"


@pytest.mark.parametrize("broken", ["", "{", "[1]"])
def test_a_broken_configuration_never_fails_a_push(work: Path, tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "git"
    prepare(folder, [])
    (folder / "webhook.json").write_text(broken)
    hook = [sys.executable, "-I", str(Path(post_receive.__file__)), str(folder), URL]
    head = git(work, "rev-parse", "HEAD")
    done = subprocess.run(
        hook, input=f"{post_receive.NOTHING} {head} refs/heads/main\n", capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "failed: " in wait_for_log(folder)


def test_the_push_is_answered_before_a_slow_address_is(work: Path, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:
        folder = tmp_path / "git"
        prepare(folder, [f"http://127.0.0.1:{silent.server_port}/"])
        hook = [sys.executable, "-I", str(Path(post_receive.__file__)), str(folder), URL]
        head = git(work, "rev-parse", "HEAD")
        started = time.monotonic()
        subprocess.run(hook, input=f"{post_receive.NOTHING} {head} refs/heads/main\n", text=True, check=True)

        assert time.monotonic() - started < post_receive.TIMEOUT_S


def wait_for_log(folder: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (folder / "webhook.log").exists() and (text := (folder / "webhook.log").read_text()):
            return text
        time.sleep(0.02)
    raise AssertionError("the hook left no word")
