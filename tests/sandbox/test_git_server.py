"""The real lighttpd and git: who may read, who may push, and that a push is announced."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import gitserver
from slipway.errors import SlipwayError
from slipway.gitops import GitOpsRepository

WRITER, READER = ("slipway", "a-writers-password"), ("argocd", "a-readers-password")


class Server:
    """A running Git server and its state."""

    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.port = port
        self.url = f"http://127.0.0.1:{port}/gitops.git"

    def status(self, path: str, account: tuple[str, str] | None, method: str = "GET") -> int:
        headers = {"Content-Type": "application/x-git-receive-pack-request"}
        if account:
            headers["Authorization"] = "Basic " + b64encode(":".join(account).encode()).decode()
        data = b"0000" if method == "POST" else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, data, headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A space in the path, because checkouts have such.
    running = Server(tmp_path_factory.mktemp("git server"), port)
    git = {"url": running.url, "username": WRITER[0], "password": WRITER[1]}
    git |= {"reader_username": READER[0], "reader_password": READER[1]}
    gitserver.write_config(running.state, {"git": git, "webhook_secret": "sesame"})
    process = subprocess.Popen(gitserver.program(running.state), stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield running
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def apps(tmp_path: Path) -> Path:
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "file").write_text("content")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path / "apps"


RECEIVE = "/gitops.git/info/refs?service=git-receive-pack"
UPLOAD = "/gitops.git/info/refs?service=git-upload-pack"


@pytest.mark.parametrize(
    ("account", "path", "method", "status"),
    [
        (None, UPLOAD, "GET", 401),
        (None, "/gitops.git/HEAD", "GET", 401),
        (("slipway", "wrong"), UPLOAD, "GET", 401),
        (READER, UPLOAD, "GET", 200),
        (READER, RECEIVE, "GET", 401),
        (READER, RECEIVE.replace("-receive", "%2dreceive"), "GET", 401),
        (READER, "/gitops.git/git-receive-pack", "POST", 401),
        (READER, "/gitops.git/git%2dreceive-pack", "POST", 401),
        (READER, "/gitops.git/x/../git-receive-pack", "POST", 401),
        (WRITER, UPLOAD, "GET", 200),
        (WRITER, RECEIVE, "GET", 200),
        (WRITER, "/accounts", "GET", 404),
        (WRITER, "/webhook-secret", "GET", 404),
        (WRITER, "/gitops.git/config", "GET", 404),
        (WRITER, "/gitops.git/../accounts", "GET", 404),
    ],
)
def test_each_account_may_do_its_own_and_no_more(
    server: Server, account: tuple[str, str] | None, path: str, method: str, status: int
) -> None:
    assert server.status(path, account, method) == status


def test_the_writer_pushes_the_reader_reads_and_a_push_is_announced(server: Server, apps: Path) -> None:
    gitserver.write_webhooks(server.state, ["http://127.0.0.1:1/api/webhook"])
    writer, reader = GitOpsRepository(server.url, *WRITER), GitOpsRepository(server.url, *READER)

    with pytest.raises(SlipwayError) as refused:
        reader.seed(apps)
    assert refused.value.code == "GIT_AUTH"
    commit = writer.seed(apps)
    assert commit == reader.head()

    log = server.state / "git" / "webhook.log"
    deadline = time.monotonic() + 15
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(log.read_text())["after"] == commit


def test_secrets_are_only_ours_to_read_and_no_password_is_in_a_file(server: Server) -> None:
    folder = server.state / "git"

    assert folder.stat().st_mode & 0o077 == 0
    for name in ("accounts", "webhook-secret", "lighttpd.conf"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name
    written = "".join((folder / name).read_text() for name in ("accounts", "lighttpd.conf"))
    assert WRITER[1] not in written
    assert READER[1] not in written


def test_writing_the_configuration_again_keeps_the_commits(server: Server) -> None:
    before = GitOpsRepository(server.url, *WRITER).head()
    git = {"url": server.url, "username": WRITER[0], "password": WRITER[1]}
    git |= {"reader_username": READER[0], "reader_password": READER[1]}
    gitserver.write_config(server.state, {"git": git, "webhook_secret": "sesame"})

    assert GitOpsRepository(server.url, *WRITER).head() == before
