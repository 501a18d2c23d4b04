"""Looks versions up in the table of support dates, `end_of_life.yaml`."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path as File

import yaml

from slipway.rules.image_name import image_name

__all__ = ["TABLE", "Component", "Cycle", "Support", "Table", "support", "table"]

TABLE = File(__file__).with_name("end_of_life.yaml")
# After `_` or `+` comes a build: 17.0.9_9.
_VERSION = re.compile(r"v?([0-9]{1,9}(?:[.][0-9]{1,9})*)(?:[_+][0-9A-Za-z.]*)?")
_ALPINE = re.compile(r"alpine([0-9]{1,9}[.][0-9]{1,9})")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Parts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cycle:
    """A series of releases that upstream supports as one."""

    version: str
    released: datetime.date | None
    ends: datetime.date | None
    """The last day with updates; None when it was not known on the table's day."""
    codename: str = ""

    @property
    def parts(self) -> _Parts:
        """The version as numbers."""
        return _parts(self.version)


@dataclass(frozen=True, slots=True)
class Component:
    """What upstream releases, and the images in which it comes."""

    name: str
    images: tuple[str, ...]
    source: str
    cycles: tuple[Cycle, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """All of it."""

    as_of: datetime.date
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Support:
    """What the table says of one version."""

    what: str
    """Name and version, as a person would write them."""
    ends: datetime.date
    before: str = ""
    """The oldest version that the table has, when this one is older still; then `ends` is that one's."""


def _parts(version: str) -> _Parts:
    return tuple(int(part) for part in version.split("."))


@cache
def table() -> Table:
    """The table as it is delivered with the rules."""
    read = yaml.load(TABLE.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - both are safe
    components = []
    for entry in read["components"]:
        cycles = [Cycle(version, **row) for version, row in entry["cycles"].items()]
        cycles.sort(key=lambda cycle: cycle.parts, reverse=True)
        components.append(Component(entry["name"], tuple(entry["images"]), entry["source"], tuple(cycles)))
    return Table(read["as_of"], tuple(components))


@cache
def _by_last_part() -> dict[str, list[tuple[str, Component]]]:
    found: dict[str, list[tuple[str, Component]]] = {}
    for component in table().components:
        for image in component.images:
            found.setdefault(image.rpartition("/")[2], []).append((image, component))
    return found


@lru_cache(maxsize=4096)
def support(image: str) -> tuple[Support, ...]:
    """The end of support of what an image holds, and of the system below where the tag says it.

    Nothing for an image that the table does not know, for a tag that leaves the cycle open (`python:3`), and for a
    cycle whose end was not known.
    """
    named = image_name(image)
    component = _component(named.repository)
    if component is None or not named.tag:
        return ()
    first, *rest = named.tag.split("-")
    found = [_cycle(component, first), *_below(rest)]
    return tuple(item for item in found if item is not None)


def _component(repository: str) -> Component | None:
    candidates = _by_last_part().get(repository.rpartition("/")[2])
    if candidates is None:
        return None
    named = image_name(repository)
    host = named.repository.removesuffix(named.path).rstrip("/")
    path = named.path if host or "/" in named.path else f"library/{named.path}"
    full = f"{host or 'docker.io'}/{path}"
    for image, component in candidates:
        tail = image.partition("/")[2]
        if full == image or full.endswith(f"/{image}") or ("/" in tail and full.endswith(f"/{tail}")):
            return component
    return None


def _cycle(component: Component, token: str) -> Support | None:
    for cycle in component.cycles:
        if cycle.codename and cycle.codename == token:
            return _said(component, cycle.version, cycle)
    matched = _VERSION.fullmatch(token)
    if matched is None:
        return None
    parts = _parts(matched[1])
    for cycle in component.cycles:
        if parts[: len(cycle.parts)] == cycle.parts:
            return _said(component, cycle.version, cycle)
    oldest = component.cycles[-1]
    older = parts < oldest.parts[: len(parts)]
    return _said(component, matched[1], oldest, before=oldest.version) if older else None


def _said(component: Component, version: str, cycle: Cycle, before: str = "") -> Support | None:
    return None if cycle.ends is None else Support(f"{component.name} {version}", cycle.ends, before)


def _below(tokens: list[str]) -> list[Support | None]:
    """Debian, Ubuntu or Alpine in the rest of a tag: `bookworm`, `debian-12`, `alpine3.20`."""
    systems = {component.name: component for component in table().components}
    found = []
    for index, word in enumerate(tokens):
        if matched := _ALPINE.fullmatch(word):
            found.append(_cycle(systems["Alpine Linux"], matched[1]))
        elif word == "debian" and index + 1 < len(tokens):
            found.append(_cycle(systems["Debian"], tokens[index + 1]))
        elif word.isalpha():
            found += [_cycle(systems[name], word) for name in ("Debian", "Ubuntu")]
    return found
