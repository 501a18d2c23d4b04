"""This machine's way to Python packages, carried into a build and not into the image.

A build's `pip` knows nothing of the machine's package index, proxy or certificate authority. The settings that pip
has here are written to one file, mounted at `/etc/pip.conf` during the build; files they name are mounted at the same
paths. Nothing of it stays in a layer or in the image's environment.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from pathlib import Path

__all__ = ["SETTINGS", "mounts", "read", "write"]

# Where packages come from and how they are reached; the rest (a target folder, a cache) is about this machine.
SETTINGS = (
    "cert", "client-cert", "extra-index-url", "find-links", "index-url", "no-index", "proxy", "retries", "timeout",
    "trusted-host",
)  # fmt: skip
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")


def read(environment: Mapping[str, str], home: Path, system: Path = Path("/etc")) -> dict[str, str]:
    """The settings that pip has on this machine, in pip's own order of precedence."""
    files = [system / "xdg" / "pip" / "pip.conf", system / "pip.conf", home / ".pip" / "pip.conf"]
    files.append(Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf")
    if named := environment.get("PIP_CONFIG_FILE"):
        files.append(Path(named))
    found: dict[str, str] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        parser.read(file, encoding="utf-8")
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {key: value for key, value in parser.items(section) if key in SETTINGS}
    for key in SETTINGS:
        for variable in (f"PIP_DEFAULT_{key.upper()}", f"PIP_{key.upper().replace('-', '_')}"):
            if value := environment.get(variable):
                found[key] = value
    if "cert" not in found:
        candidates = [Path(environment[name]) for name in _CA_VARIABLES if environment.get(name)]
        bundle = next((path for path in (*candidates, _SYSTEM_CA) if path.is_file()), None)
        if bundle is not None:
            found["cert"] = str(bundle)
    return found


def mounts(settings: Mapping[str, str]) -> list[Path]:
    """The files and folders of this machine that the settings name."""
    named = [word for key in ("cert", "client-cert", "find-links") for word in settings.get(key, "").split()]
    return sorted({Path(word.removeprefix("file://")) for word in named if Path(word.removeprefix("file://")).exists()})


def write(settings: Mapping[str, str], target: Path) -> None:
    """Write the settings as a pip configuration file; an index's URL may hold a password, so only for us."""
    lines = ["[global]", *(f"{key} = {value.replace(chr(10), chr(10) + '    ')}" for key, value in settings.items())]
    target.touch(mode=0o600)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
