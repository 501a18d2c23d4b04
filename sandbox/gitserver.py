"""The sandbox's Git server: lighttpd and `git http-backend` around one bare repository.

Two accounts: `username` reads and writes, `reader_username` (Argo CD) only reads; nobody is anonymous.
The repository's post-receive hook (`post_receive.py`) tells Argo CD about every push.
It does not own the webhook's addresses: whoever installs Argo CD calls `write_webhooks`.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox import files
from slipway.errors import SlipwayError

__all__ = ["program", "repository", "write_config", "write_webhooks"]

_BACKEND = Path("/usr/lib/git-core/git-http-backend")

# It runs as root: the state lies in the user's checkout, whose parents are often closed to other accounts
# (mode 0700), and the rest of the sandbox works on the same files. Only this machine reaches the address.
_LIGHTTPD = """\
server.modules = ("mod_auth", "mod_authn_file", "mod_alias", "mod_setenv", "mod_cgi")
server.bind = "{host}"
server.port = {port}
server.document-root = "{git}/empty"
server.upload-dirs = ("{git}/tmp")
server.max-worker = 0
server.tag = "git"
server.http-parseopts = ("url-normalize" => "enable", "url-ctrls-reject" => "enable", "url-path-2f-decode" => "enable")

auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "{git}/accounts"
auth.require = ("" => ("method" => "basic", "realm" => "slipway", "require" => "user={writer}|user={reader}"))
$HTTP["url"] =~ "/git-receive-pack$" {{
  auth.require = ("" => ("method" => "basic", "realm" => "slipway", "require" => "user={writer}"))
}}
$HTTP["querystring"] =~ "git-receive-pack" {{
  auth.require = ("" => ("method" => "basic", "realm" => "slipway", "require" => "user={writer}"))
}}

alias.url = ("/" => "{backend}/")
cgi.assign = ("" => "")
setenv.set-environment = (
  "GIT_PROJECT_ROOT" => "{git}",
  "GIT_HTTP_EXPORT_ALL" => "1",
  "GIT_CONFIG_NOSYSTEM" => "1",
  "HOME" => "{git}",
  "PATH" => "/usr/bin:/bin"
)
"""


def repository(state: Path) -> Path:
    """The bare GitOps repository."""
    return state / "git" / "gitops.git"


def write_config(state: Path, connection: dict[str, Any]) -> None:
    """Write lighttpd's configuration, the accounts and the hook, and create the repository when it is missing."""
    account = connection["git"]
    address = urlsplit(account["url"])
    git = state / "git"
    for folder in (git, git / "tmp", git / "empty"):
        folder.mkdir(parents=True, exist_ok=True)
    git.chmod(0o700)
    files.write(
        git / "accounts",
        _account(account["username"], account["password"])
        + _account(account["reader_username"], account["reader_password"]),
    )
    files.write(git / "webhook-secret", connection["webhook_secret"])
    files.write(
        git / "lighttpd.conf",
        _LIGHTTPD.format(
            host=address.hostname,
            port=address.port or 80,
            git=git,
            backend=_BACKEND,
            writer=account["username"],
            reader=account["reader_username"],
        ),
    )
    _create_repository(state)
    _install_hook(state, account["url"])


def write_webhooks(state: Path, urls: list[str]) -> None:
    """Set the addresses that hear of every push from now on."""
    files.write_json(state / "git" / "webhook.json", urls)


def program(state: Path) -> list[str]:
    """The command that serves the repository in the foreground."""
    binary = shutil.which("lighttpd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if binary is None or not _BACKEND.exists():
        package = "git" if binary else "lighttpd"
        raise SlipwayError(
            f"{package} is not installed",
            code="PACKAGE_MISSING",
            remedy=f"apt-get install -y --no-install-recommends {package}",
        )
    return [binary, "-D", "-f", str(state / "git" / "lighttpd.conf")]


def _account(name: str, password: str) -> str:
    # The passwords are long random words, so a fast hash without salt gives nothing away; every request checks it.
    digest = base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
    return f"{name}:{{SHA}}{digest}\n"


def _create_repository(state: Path) -> None:
    bare = repository(state)
    # A half-made repository (power cut during init) has no valid HEAD; init again completes it and keeps what is there.
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    for key, value in {
        "http.receivepack": "true",
        "receive.denyNonFastForwards": "true",
        "receive.denyDeletes": "true",
        "core.fsync": "all",
        "gc.auto": "0",
    }.items():
        _git("-C", str(bare), "config", key, value)


def _install_hook(state: Path, url: str) -> None:
    script = Path(__file__).with_name("post_receive.py")
    hook = repository(state) / "hooks" / "post-receive"
    command = shlex.join([sys.executable, "-I", str(script), str(state / "git"), url])
    files.write(hook, f"#!/bin/sh\nexec {command}\n", mode=0o755)


def _git(*arguments: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SlipwayError(
            f"git {arguments[0]} failed: {done.stderr.strip()}",
            code="GIT_REPOSITORY",
            remedy="`slipway sandbox reset` deletes the sandbox's state and starts again",
        )
