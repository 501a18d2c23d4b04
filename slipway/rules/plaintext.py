"""Finds credentials in text: by the form of well-known tokens, and by a telling name before a random value.

Meant to be right when it speaks: a value that is a path, a reference, a template or a placeholder is none. What is
found is never shown, only where it stands and what it is. A line that holds `not-a-secret` is not looked at: so that
examples can be written down.

The patterns of names and values keep to the syntax that Python's `re` and CEL's RE2 share: the admission policy uses
the very same ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = [
    "MARKER",
    "Leak",
    "assignments",
    "cel_harmless",
    "cel_sensitive",
    "credentials",
    "is_harmless",
    "is_sensitive",
    "may_hold_credentials",
    "scan",
    "scan_history",
]  # fmt: skip

MARKER = "not-a-secret"
"""A line that holds it is an example."""

SENSITIVE_NAME = (
    ".*(passw(or)?d|passphrase|secret|token([^sif]|$)|bearer|credential|api[_.-]?key|access[_.-]?key|account[_.-]?key|"
    "private[_.-]?key|encryption[_.-]?key|signing[_.-]?key|auth[_.-]?key|azure_.+key|oci_cli_key_content).*"
)
"""What a name holds whose value is secret. Whole names, in any case."""
INNOCENT_NAME = (
    ".*(file|path|dir|directory|name|names|url|uri|endpoint|host|issuer|audience|ttl|expiry|expires|expiration|lifetime|"
    "timeout|seconds|minutes|hours|days|enabled|disabled|required|length|size|limit|count|type|kind|policy|header|"
    "algorithm|mount|ref|keyid|key_id|prefix|suffix|format|mode|role|region|provider|store|manager|rotation|pattern|"
    "version|namespace|selector|class|location|field|scope|scopes|initial[_.-]?cluster[_.-]?token)|.*[_.-](id|exp|alg)|.*(checksum|sha256|digest).*|"
    ".*[.](ya?ml|json|toml|conf|cfg|ini|properties|env|sh|py|lua|xml|html|md|txt|tpl|pub|crt|sql)"
)
"""Names that say something about a secret, and names of files.

etcd's initial cluster token is the name of a new cluster, which each of its members says.
"""
HARMLESS_VALUE = (
    "true|false|yes|no|on|off|none|null|nil|(/[a-z0-9._@+-]+)+/?|[.]{1,2}/.*|file:.*|[$][(].*[)]|[$][{].*[}]|"
    "[$][a-z_][a-z0-9_]*|<.*>|[{][{].*[}][}]|%.*%|https?://[^@ ]*|(vault|ref[+][a-z0-9]+|arn|op|projects|awssm|gcpsm|"
    "azurekv|secretref|env)[:/].*|ENC\\[.*\\]|[*]+|redacted|(?-i:[A-Z]{3,}(_[A-Z]{3,})+)"
)
"""Values that are no secret: switches, paths, references to where the secret is, and INSERT_HERE placeholders."""

_SENSITIVE_NAME, _INNOCENT_NAME, _HARMLESS = (
    re.compile(pattern, re.IGNORECASE) for pattern in (SENSITIVE_NAME, INNOCENT_NAME, HARMLESS_VALUE)
)
_WORDS = ("passw", "passphrase", "secret", "token", "bearer", "credential", "key")
_PLACEHOLDERS = frozenset(
    {
        *("admin", "change-me", "changeit", "changeme", "dummy", "example", "guest", "mypassword", "pass", "passwd"),
        *("password", "placeholder", "postgres", "pwd", "redacted", "root", "secret", "test", "token", "user"),
        *("username", "your-password", "yourpassword"),
        # Pulumi's marks of a secret value, the same in every program.
        *("1b47061264138c4ac30d75fd1eb44270", "4dabf18193072939515e22adb298388d"),
    }
)
_STANDS_FOR = ("$", "{", "<", "%", "*", "[", "(", "...", "…")


class _Form(NamedTuple):
    kind: str
    literals: tuple[str, ...]
    """One of them is in every such credential: a fast way to say no."""
    pattern: re.Pattern[str]


_FORMS = tuple(
    _Form(kind, tuple(literals.split()), re.compile(pattern))
    for kind, literals, pattern in (
        ("AWS access key", "AKIA ASIA", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
        ("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
        ("GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{50,}\b"),
        ("GitLab token", "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}"),
        ("Slack token", "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,}"),
        ("Google API key", "AIza", r"\bAIza[A-Za-z0-9_-]{35}\b"),
        ("Stripe key", "k_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}\b"),
        ("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", "pypi-AgEI", r"\bpypi-AgEI[A-Za-z0-9_-]{50,}"),
        ("Docker Hub token", "dckr_pat_", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
        ("SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}\b"),
        ("DigitalOcean token", "_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
        ("Pulumi token", "pul-", r"\bpul-[a-f0-9]{40}\b"),
        ("Vault token", "hvs.", r"\bhvs\.[A-Za-z0-9_-]{24,}"),
        ("age key", "AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
        ("JWT", "eyJ", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16,}"),
        (
            "private key",
            "-----BEGIN",
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|\s)+(?:[A-Za-z0-9+/=]{16,}|[A-Za-z-]+: )",
        ),
        ("password in a URL", "://", r"://[^\s/:@'\"`<>{}$()]*:(?P<value>[^\s/@'\"`]{3,})@[A-Za-z0-9\[]"),
        (
            "password in a URL",
            "://",
            r"://(?:(?!://)[^\s'\"`<>])*[?&;](?:password|passwd|pwd|access_token|api_?key|client_secret)=(?P<value>[^\s&;'\"`]{6,})",
        ),
    )
)
_ASSIGNMENT = re.compile(
    # A name begins where no other character of a name is before it, and is not given back: else long words cost the
    # square of their length.
    r"(?<![A-Za-z0-9_./-])(?P<key>[A-Za-z0-9_./-]++)[\"']?[ \t]*(?::=|=>|=|:)"
    r"[ \t]*(?P<quote>[\"']?)(?P<value>[^\"'\s#,;]+)"
)
# Where a value without quotes is an expression.
_CODE = frozenset({".c", ".go", ".java", ".js", ".py", ".rs", ".ts", ".tsx"})
_HASHES = frozenset({"go.sum", "package-lock.json", "poetry.lock", "uv.lock", "yarn.lock", "Cargo.lock"})
_HEX = re.compile(r"[0-9a-f]{32,128}")
_MIXED = re.compile(r"[A-Za-z0-9+/=_-]{20,128}")
_LONGEST_NAME = 256
_BITS = 3.5
_HEX_BITS = 3.0


@lru_cache(maxsize=16384)
def is_sensitive(name: str) -> bool:
    """Whether a value of this name is a secret."""
    # Longer is no name of anything, and would cost the square of its length.
    return (
        len(name) <= _LONGEST_NAME
        and _SENSITIVE_NAME.fullmatch(name) is not None
        and _INNOCENT_NAME.fullmatch(name) is None
    )


def is_harmless(value: str) -> bool:
    """Whether the value of a secret's name gives nothing away."""
    return not value or _HARMLESS.fullmatch(value) is not None


def cel_sensitive(name: str) -> str:
    """CEL: a value of the name is a secret."""
    return f"({name}.matches(r'(?i)^({SENSITIVE_NAME})$') && !{name}.matches(r'(?i)^({INNOCENT_NAME})$'))"


def cel_harmless(value: str) -> str:
    """CEL: the value gives nothing away."""
    return f"({value} == '' || {value}.matches(r'(?i)^({HARMLESS_VALUE})$'))"


def credentials(text: str) -> Iterator[tuple[int, str]]:
    """Each credential of a well-known form in the text: its offset and its kind."""
    for kind, literals, pattern in _FORMS:
        if not any(literal in text for literal in literals):
            continue
        for found in pattern.finditer(text):
            value = found.groupdict().get("value")
            if value is None:
                if "EXAMPLE" not in found[0]:
                    yield found.start(), kind
            elif not _is_placeholder(value):
                yield found.start("value"), kind


_LITERALS = tuple(dict.fromkeys(literal for form in _FORMS for literal in form.literals))


def may_hold_credentials(text: str) -> bool:
    """A fast look: whether `credentials` can find anything."""
    for literal in _LITERALS:  # noqa: SIM110 - a generator costs several times the look
        if literal in text:
            return True
    return False


def _is_placeholder(value: str) -> bool:
    plain = value.lower()
    return plain in _PLACEHOLDERS or plain.startswith(_STANDS_FOR) or len(set(plain)) == 1


def assignments(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Each `name = value` or `name: value` whose name is a secret's: line, name, value, whether it stood in quotes."""
    lowered = text.lower()
    if not any(word in lowered for word in _WORDS):
        return
    for number, line in enumerate(text.split("\n"), 1):
        plain = line.lower()
        if not any(word in plain for word in _WORDS):
            continue
        for found in _ASSIGNMENT.finditer(line):
            if is_sensitive(found["key"]) and not is_harmless(found["value"]):
                yield number, found["key"], found["value"], bool(found["quote"])


def _is_random(value: str) -> bool:
    """Whether the value looks drawn by lot: long, and of more bits a character than words have."""
    if _HEX.fullmatch(value):
        return _bits(value) >= _HEX_BITS
    if not _MIXED.fullmatch(value) or _bits(value) < _BITS:
        return False
    digits = sum(char.isdigit() for char in value)
    return digits > 1 and any(char.isupper() for char in value) and any(char.islower() for char in value)


def _bits(value: str) -> float:
    """Shannon's entropy of the value's characters, in bits a character."""
    counts = Counter(value)
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())


def scan(text: str, file: str = "") -> list[tuple[int, str]]:
    """The credentials in a file's text: line (from 1) and kind. `file` tells code and lock files from the rest."""
    path = PurePosixPath(file)
    lines = text.split("\n")
    found = {(text.count("\n", 0, offset) + 1, kind) for offset, kind in credentials(text)}
    if path.name not in _HASHES:
        in_code = path.suffix in _CODE
        formed = {line for line, _ in found}
        for line, _, value, quoted in assignments(text):
            if line not in formed and (quoted or not in_code) and not _is_placeholder(value) and _is_random(value):
                found.add((line, "value of a secret's name"))
    return sorted((line, kind) for line, kind in found if MARKER not in lines[line - 1])


class Leak(NamedTuple):
    """A credential that some commit added."""

    commit: str
    file: str
    line: int
    kind: str


_HUNK = re.compile(r"@@ -\S+ \+(\d+)")


def scan_history(log: Iterable[str]) -> Iterator[Leak]:
    """The credentials that commits added, whether or not they are still there.

    `log` is the output of `git log -p --all` (with `-m`, what merges added too), read line by line and never held as
    a whole. A line of a commit stands in the file as that commit left it.
    """
    commit = file = ""
    added: list[str] = []
    start = line = 0
    in_hunk = False
    for row in log:
        row = row.rstrip("\n")
        if in_hunk and row.startswith("+"):
            if not added:
                start = line
            added.append(row[1:])
            line += 1
            continue
        yield from _leaks(commit, file, start, added)
        if in_hunk and row.startswith((" ", "-", "\\")):
            line += row.startswith(" ")
        elif hunk := _HUNK.match(row):
            in_hunk, line = True, int(hunk[1])
        elif row.startswith("commit "):
            in_hunk, commit = False, row.split()[1]
        elif row.startswith("diff --git "):
            in_hunk = False
        elif row.startswith("+++ "):
            file = row[4:].strip('"').removeprefix("b/")
    yield from _leaks(commit, file, start, added)


def _leaks(commit: str, file: str, start: int, added: list[str]) -> Iterator[Leak]:
    """Scan lines that were added together, and forget them."""
    if added:
        for line, kind in scan("\n".join(added), file):
            yield Leak(commit, file, start + line - 1, kind)
        added.clear()
