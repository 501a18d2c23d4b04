"""How to reach the cluster: the sandbox's `connection.json` and kubeconfig files, read and checked.

`connection.json` is the documented contract with the sandbox (version 1): the program reads the file and never
imports the sandbox. A sandbox that is not there is no mistake in a preview; a file that cannot be read always is.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from components.errors import ConfigError, ProgramError, suggest
from components.explain import explain
from components.schema import ClusterSection

__all__ = ["PLACEHOLDER", "Access", "Connection", "read_connection", "read_kubeconfig"]

# Stands for every secret of a sandbox that is not there. It never reaches a cluster: only previews see it.
PLACEHOLDER = SecretStr("placeholder-until-the-sandbox-is-up")


@dataclass(frozen=True)
class Access:
    """Where the cluster is. `missing` says why there is none to talk to, when that is known without asking."""

    kind: str
    identity: str  # names the cluster for the provider, which is then never replaced because a kubeconfig changed
    server: str
    kubeconfig: str | None
    context: str | None
    missing: str = ""
    # Changes when the cluster behind the same address is another one, whose objects the state does not know.
    fingerprint: str = ""


class _Record(BaseModel):
    # The sandbox may write more than the program reads.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Git(_Record):
    url: str
    reader_username: str
    reader_password: SecretStr


class _Ingress(_Record):
    http_port: int
    domain: str


class Connection(_Record):
    """What the sandbox says about itself."""

    version: Literal[1]
    node_ip: str
    kubeconfig: str
    git: _Git
    webhook_secret: SecretStr
    ingress: _Ingress

    def access(self, found: bool) -> Access:
        """The way to the sandbox's API server; `found` is false for the placeholder of a missing sandbox."""
        if not found:
            missing = "there is no sandbox (no .sandbox/connection.json)"
            return Access("sandbox", "slipway-sandbox", f"https://{self.node_ip}:6443", None, None, missing)
        path = Path(self.kubeconfig)
        try:
            entry = _cluster(path, None)
        except ValueError as error:
            raise ProgramError(
                f"the sandbox's kubeconfig cannot be used: {error}", where=str(path), remedy="slipway sandbox up"
            ) from None
        return Access("sandbox", "slipway-sandbox", entry.server, self.kubeconfig, None, fingerprint=entry.fingerprint)


def read_connection(project: Path, *, preview: bool) -> tuple[Connection, bool]:
    """The sandbox's facts, and whether they are real: a preview without a sandbox gets placeholders."""
    folder = Path(os.environ.get("SLIPWAY_SANDBOX_DIR") or project / ".sandbox")
    path = folder / "connection.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if preview:
            return _placeholder(folder), False
        raise ProgramError(
            "there is no sandbox to deploy to",
            where=str(path),
            remedy="slipway sandbox up (or choose another cluster with `slipway:cluster.provider`)",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, [str(error)]) from None
    try:
        return Connection.model_validate_json(text), True
    except ValidationError as error:
        raise _damaged(path, explain(error, Connection, "")) from None


def read_kubeconfig(section: ClusterSection, project: Path, *, where: str, key: str) -> Access:
    """The way to an existing cluster, as its kubeconfig says."""
    path = Path(section.kubeconfig or "").expanduser()
    path = path if path.is_absolute() else project / path
    try:
        entry = _cluster(path, section.context)
    except ValueError as error:
        field = "context" if isinstance(error, _UnknownContext) else "kubeconfig"
        value = section.context if field == "context" else section.kubeconfig
        raise ConfigError([f"`{key}.{field}` is '{value}': {error}"], where=where) from None
    # The context is the name that people give the cluster; its address and certificates may change under it.
    identity = f"existing:{entry.context}"
    return Access("existing", identity, entry.server, str(path), entry.context, fingerprint=entry.fingerprint)


class _UnknownContext(ValueError):
    pass


@dataclass(frozen=True)
class _Cluster:
    server: str
    context: str
    fingerprint: str


def _cluster(path: Path, context: str | None) -> _Cluster:
    """The cluster that a kubeconfig file leads to. A ValueError says what is wrong with the file."""
    try:
        with path.open(encoding="utf-8") as stream:
            document: Any = yaml.safe_load(stream)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"{path} cannot be read: {reason}") from None
    except yaml.YAMLError:
        raise ValueError(f"{path} is not YAML") from None
    if not isinstance(document, dict) or document.get("kind") != "Config":
        raise ValueError(f"{path} is not a kubeconfig (its kind is not Config)")
    contexts, clusters = _named(document, "contexts", "context"), _named(document, "clusters", "cluster")
    wanted = context or document.get("current-context") or ""
    if wanted not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        if context is None and not wanted:
            raise ValueError(f"{path} has no current context; set `context` to one of: {known}")
        raise _UnknownContext(f"{path} has no context '{wanted}'{suggest(wanted, contexts)}; its contexts: {known}")
    entry = clusters.get(str(contexts[wanted].get("cluster")), {})
    server = entry.get("server")
    if not isinstance(server, str):
        raise ValueError(f"{path} has no server for the context '{wanted}'")
    if not _is_url(server):
        raise ValueError(f"{path} has the server '{server}' for the context '{wanted}', which is no address")
    authority = str(entry.get("certificate-authority-data") or server)
    return _Cluster(server, wanted, hashlib.sha256(authority.encode()).hexdigest()[:12])


def _is_url(server: str) -> bool:
    try:
        parts = urlsplit(server)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _named(document: dict[str, Any], group: str, item: str) -> dict[str, dict[str, Any]]:
    entries = document.get(group)
    return {
        str(entry["name"]): entry[item]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and "name" in entry and isinstance(entry.get(item), dict)
    }


def _damaged(path: Path, problems: list[str]) -> ConfigError:
    return ConfigError(
        [f"the sandbox's description is damaged: {problem}" for problem in problems],
        where=str(path),
        remedy="slipway sandbox up writes it again; if that fails, slipway sandbox reset",
    )


def _placeholder(folder: Path) -> Connection:
    return Connection(
        version=1,
        node_ip="10.244.0.1",
        kubeconfig=str(folder / "kubeconfig"),
        git=_Git(url="http://10.244.0.1:3080/gitops.git", reader_username="argocd", reader_password=PLACEHOLDER),
        webhook_secret=PLACEHOLDER,
        ingress=_Ingress(http_port=30080, domain="localhost"),
    )
