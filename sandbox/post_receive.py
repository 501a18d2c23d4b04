"""The GitOps repository's post-receive hook: tells Argo CD at once what a push changed.

Sends GitHub's push payload, signed, to every address in `webhook.json`. It never fails or delays a push: delivery
happens in a process of its own, and what came of it is one line per address in `webhook.log`. A lost delivery costs
only time, because Argo CD also polls. Standard library only: it runs with `python -I` beside the bare repository.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NOTHING = "0" * 40
TIMEOUT_S = 2.0
ATTEMPTS = 3
PAUSE_S = 1.0
LOG_LIMIT = 1_000_000
_FIELD = {"A": "added", "D": "removed"}


def git(*arguments: str) -> str:
    """What git answers in the repository that the hook runs in."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=20).stdout


def commits(before: str, after: str) -> list[dict[str, Any]]:
    """The pushed commits, oldest first, with the files that each added, removed and modified."""
    if after == NOTHING:
        return []
    span = [after] if before == NOTHING else [f"{before}..{after}"]
    listing = git("rev-list", "--reverse", "--max-count=200", *span).split()
    return [_commit(sha) for sha in listing]


def _commit(sha: str) -> dict[str, Any]:
    name, mail, stamp, message = git("show", "--no-patch", "--format=%an%x00%ae%x00%cI%x00%B", sha).split("\0", 3)
    files: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    parts = git("diff-tree", "-r", "-z", "-m", "--root", "--no-renames", "--name-status", "--no-commit-id", sha)
    fields = parts.split("\0")
    for status, path in zip(fields[0::2], fields[1::2], strict=False):
        files[_FIELD.get(status, "modified")].append(path)
    author = {"name": name, "email": mail}
    return {"id": sha, "message": message.strip(), "timestamp": stamp, "author": author, "committer": author, **files}


def payload(url: str, default_branch: str, before: str, after: str, ref: str) -> dict[str, Any]:
    """GitHub's push event, as far as Argo CD reads it."""
    # Argo CD compares html_url with the Application's repoURL and adds the optional .git by itself.
    page = url.removesuffix(".git")
    name = page.rsplit("/", 1)[-1]
    pushed = commits(before, after)
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "created": before == NOTHING,
        "deleted": after == NOTHING,
        "forced": False,
        "repository": {
            "name": name,
            "full_name": f"slipway/{name}",
            "html_url": page,
            "url": page,
            "clone_url": url,
            "default_branch": default_branch,
        },
        "pusher": {"name": os.environ.get("REMOTE_USER", ""), "email": ""},
        "commits": pushed,
        "head_commit": pushed[-1] if pushed else None,
    }


def signature(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()


def deliver(url: str, body: bytes, secret: bytes) -> str:
    """Send the event to one address; say what came of it."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "slipway-git",
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": signature(secret, body),
    }
    outcome = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S)
        try:
            return _post(url, body, headers)
        except (OSError, http.client.HTTPException) as failure:
            outcome = f"failed: {failure}"
    return outcome


def _post(url: str, body: bytes, headers: dict[str, str]) -> str:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT_S)
    if address.scheme == "https":
        # Argo CD's certificate is its own and self-signed. The event holds no secret and is signed: what TLS would
        # add is only the proof of who listens, on an address inside this machine.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(address.netloc, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("POST", address.path or "/", body, headers)
        answer = connection.getresponse()
        words = answer.read(200).decode(errors="replace").strip()
        return f"HTTP {answer.status}" if answer.status < 300 else f"HTTP {answer.status} {words}"
    finally:
        connection.close()


def log(folder: Path, **fields: Any) -> None:
    """Add one line to `webhook.log`; start it anew when it has grown large."""
    target = folder / "webhook.log"
    if target.exists() and target.stat().st_size > LOG_LIMIT:
        target.replace(target.with_suffix(".log.1"))
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **fields}
    with target.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def notify(folder: Path, url: str, updates: list[tuple[str, str, str]]) -> None:
    """Tell every address about every updated branch, and log the outcomes."""
    addresses_file = folder / "webhook.json"
    addresses = json.loads(addresses_file.read_text("utf-8")) if addresses_file.exists() else []
    secret = (folder / "webhook-secret").read_bytes()
    default_branch = git("symbolic-ref", "--short", "HEAD").strip()
    for before, after, ref in updates:
        body = json.dumps(payload(url, default_branch, before, after, ref)).encode()
        if not addresses:
            log(folder, ref=ref, after=after, outcome="no address to tell yet")
        # At the same time: an address that is down must not delay the others.
        tellers = [
            threading.Thread(target=_tell, args=[folder, address, body, secret, ref, after]) for address in addresses
        ]
        for teller in tellers:
            teller.start()
        for teller in tellers:
            teller.join()


def _tell(folder: Path, address: str, body: bytes, secret: bytes, ref: str, after: str) -> None:
    started = time.monotonic()
    try:
        outcome = deliver(address, body, secret)
    except Exception as failure:
        # An address that is no URL, say: it must be seen in the log, and nowhere else can it be.
        outcome = f"failed: {type(failure).__name__}: {failure}"
    elapsed = round((time.monotonic() - started) * 1000)
    log(folder, ref=ref, after=after, url=address, outcome=outcome, ms=elapsed)


def detach() -> bool:
    """Go on in a process of its own, so that the push is answered now; False in the process that answers it."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    # Git waits until the hook's output is closed.
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    return True


def main() -> None:
    """Read the updated refs from standard input, as Git gives them, and tell Argo CD."""
    folder, url = Path(sys.argv[1]), sys.argv[2]
    updates = [(before, after, ref) for before, after, ref in (line.split() for line in sys.stdin)]
    if not detach():
        return
    try:
        notify(folder, url, updates)
    except Exception as failure:
        # Nobody sees a traceback here: the push is already answered.
        log(folder, outcome=f"failed: {type(failure).__name__}: {failure}")
    os._exit(0)


if __name__ == "__main__":
    main()
