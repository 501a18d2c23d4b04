"""Secrets that a Pulumi program keeps in plain: they are in its state, its previews and its logs.

A value that is secret arrives as `[secret]` (see `pulumi_resources.py`). No message shows a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pulumi_resources import CHARTS, SECRET
from slipway.rules.registry import rule
from slipway.rules.shape import dig, entries, mapping, text

__all__: list[str] = []

# Keys of a Secret that hold no secret: how to reach something, and as whom. Any other value is to be marked.
_HARMLESS = re.compile(
    r"ca\.crt|database|dbname|enableLfs|enableOCI|host|insecure|name|namespaces|port|project|server|tls\.crt|type|url"
    r"|user|username"
)
_GITHUB = "pulumi:github:index"
_GITHUB_SECRETS = (
    f"{_GITHUB}/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    f"{_GITHUB}/actionsOrganizationSecret:ActionsOrganizationSecret",
    f"{_GITHUB}/actionsSecret:ActionsSecret",
    f"{_GITHUB}/codespacesOrganizationSecret:CodespacesOrganizationSecret",
    f"{_GITHUB}/codespacesSecret:CodespacesSecret",
    f"{_GITHUB}/codespacesUserSecret:CodespacesUserSecret",
    f"{_GITHUB}/dependabotOrganizationSecret:DependabotOrganizationSecret",
    f"{_GITHUB}/dependabotSecret:DependabotSecret",
)
# Where resources keep credentials: paths in `props`; `*` is each entry of a list.
_CREDENTIALS: dict[str, tuple[tuple[str, ...], ...]] = {
    "docker:index/image:Image": (("registry", "password"),),
    "docker:index/registryImage:RegistryImage": (("authConfig", "password"),),
    "docker-build:index:Image": (("registries", "*", "password"),),
    "github:index/organizationWebhook:OrganizationWebhook": (("configuration", "secret"),),
    "github:index/repositoryWebhook:RepositoryWebhook": (("configuration", "secret"),),
    "kubernetes:helm.sh/v3:Release": (("repositoryOpts", "password"),),
    "kubernetes:helm.sh/v4:Chart": (("repositoryOpts", "password"),),
    "pulumi:providers:aws": (("secretKey",), ("token",)),
    "pulumi:providers:digitalocean": (("token",), ("spacesSecretKey",)),
    "pulumi:providers:docker": (("registryAuth", "*", "password"), ("keyMaterial",)),
    "pulumi:providers:github": (("token",), ("appAuth", "pemFile")),
    "pulumi:providers:minio": (("minioPassword",), ("minioSecretKey",)),
}
_SENSITIVE_NAME = re.compile(
    r"(?i)(password|passwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]?secret|credentials?)$"
)
# A name that ends like a secret's, of a value that only says which one or whether.
_POINTER = re.compile(
    r"(?i)^(existing|use|create|enable|mount|image|automount|generate|rotate)"
    r"|(auth|ca|cert|certificate|config|credentials|key|password|pull|tls|token)[-_]?secret$"
)


@rule(
    id="pulumi-secret-plaintext",
    title="Values of Secrets are marked as secret",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="What is not marked is written in plain into the state, and shown by each preview.",
    remedy="Wrap the value by `pulumi.Output.secret`, or read it by `config.require_secret`.",
    sources=("slipway:requirements-S0-17", "slipway:requirements-S3-34"),
    kinds=("pulumi:kubernetes:core/v1:Secret", "pulumi:kubernetes:core/v1:SecretPatch"),
)
def pulumi_secret_plaintext(item: Object, context: Context) -> Iterable[Violation]:
    """A key of `data` or `stringData` in plain, unless it only says how to reach something."""
    for field in ("data", "stringData"):
        for key, value in mapping(dig(item, "props", field)).items():
            if isinstance(value, str) and value not in ("", SECRET) and not _HARMLESS.fullmatch(str(key)):
                yield Violation(("props", field, str(key)), f"the value of '{key}' is in plain")


@rule(
    id="pulumi-github-secret-plaintext",
    title="Secrets of GitHub Actions are marked as secret",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="GitHub encrypts the value; Pulumi's state has it in plain unless the program marks it.",
    remedy="Pass `value=config.require_secret(...)`; `plaintext_value` is deprecated.",
    sources=("slipway:requirements-S0-17", "pulumi:github-ActionsSecret"),
    kinds=_GITHUB_SECRETS,
)
def pulumi_github_secret_plaintext(item: Object, context: Context) -> Iterable[Violation]:
    """`value` or `plaintextValue` in plain. `encryptedValue` is encrypted for GitHub."""
    for field in ("value", "plaintextValue"):
        if text(dig(item, "props", field)) not in ("", SECRET):
            yield Violation(("props", field), f"`{field}` is in plain")


@rule(
    id="pulumi-credential-plaintext",
    title="Credentials of providers, registries and webhooks are marked as secret",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    reason="A token in plain in the state opens the whole account to whoever may read a backup of it.",
    remedy="Read it by `config.require_secret`, or leave it to the provider's environment variable.",
    sources=("slipway:requirements-S3-34",),
    kinds=tuple(f"pulumi:{token}" for token in _CREDENTIALS),
)
def pulumi_credential_plaintext(item: Object, context: Context) -> Iterable[Violation]:
    """A token, password or key in plain. Providers hold structured inputs as JSON texts: these are looked into."""
    for where in _CREDENTIALS.get(text(item.get("type")), ()):
        for path, value in _at(item.get("props"), ("props",), where):
            if text(value) not in ("", SECRET):
                yield Violation(path, f"`{where[-1]}` is in plain")


def _at(value: Any, path: Path, where: tuple[str, ...]) -> Iterator[tuple[Path, Any]]:
    if not where:
        yield path, value
        return
    if isinstance(value, str) and value[:1] in ("{", "[") and value != SECRET:
        try:
            value = json.loads(value)
        except ValueError:
            return
    if where[0] == "*":
        for index, entry in entries(value):
            yield from _at(entry, (*path, index), where[1:])
    elif where[0] in mapping(value):
        yield from _at(value[where[0]], (*path, where[0]), where[1:])


@rule(
    id="pulumi-chart-value-plaintext",
    title="Values of charts hold no secret in plain",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="A chart's values are in Pulumi's state and in Helm's own Secret of the release.",
    remedy="Mark the value as secret, or give the chart the name of an existing Secret.",
    sources=("slipway:requirements-S3-34", "polaris:sensitiveContainerEnvVar"),
    kinds=CHARTS,
)
def pulumi_chart_value_plaintext(item: Object, context: Context) -> Iterable[Violation]:
    """A text under a name such as `adminPassword` or `secretKey`, anywhere in the values."""
    for path, key, value in _texts(dig(item, "props", "values"), ("props", "values")):
        if value not in ("", SECRET) and _SENSITIVE_NAME.search(key) and not _POINTER.search(key):
            yield Violation(path, f"the value of '{key}' is in plain")


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str):
                yield (*path, str(key)), str(key), inner
            else:
                yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
