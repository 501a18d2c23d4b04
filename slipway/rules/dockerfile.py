"""Reads as much of a Dockerfile as rules need: which images it starts from, and which ports it exposes.

https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Dockerfile", "Stage", "read_dockerfile"]

_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))")
_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(?:tcp|udp))?", re.IGNORECASE)


@dataclass
class Stage:
    """One `FROM` and what follows it."""

    image: str
    """With arguments filled in by their defaults; empty where an argument has none."""
    line: int
    """Counted from 1."""
    name: str = ""
    ports: set[int] = field(default_factory=set)


@dataclass
class Dockerfile:
    """The stages, in order. The last one is the image that is built."""

    stages: list[Stage] = field(default_factory=list)

    @property
    def bases(self) -> list[Stage]:
        """The stages that start from an image, not from a stage before or from `scratch`."""
        names: set[str] = set()
        found = []
        for stage in self.stages:
            if stage.image.lower() not in names and stage.image.lower() != "scratch":
                found.append(stage)
            names.add(stage.name.lower())
        return found

    @property
    def ports(self) -> set[int]:
        """What the built image exposes, what it inherits from stages of its own file too."""
        by_name = {stage.name.lower(): stage for stage in self.stages if stage.name}
        ports: set[int] = set()
        stage = self.stages[-1] if self.stages else None
        for _ in self.stages:
            if stage is None:
                break
            ports |= stage.ports
            stage = by_name.get(stage.image.lower())
        return ports


def read_dockerfile(content: str) -> Dockerfile:
    """The stages of a Dockerfile. What is not understood is passed over."""
    result = Dockerfile()
    values: dict[str, str] = {}
    for line, instruction, rest in _instructions(content):
        if instruction == "FROM" and (matched := _FROM.fullmatch(rest)):
            result.stages.append(Stage(_filled(matched[1], values), line, matched[2] or ""))
        elif instruction in ("ARG", "ENV"):
            # The forms `ARG a=b c=d` and `ENV a=b c=d`; the old form `ENV a b` has no `=` in its first word.
            for word in rest.split():
                key, equals, value = word.partition("=")
                if equals:
                    values[key] = _filled(value.strip("\"'"), values)
        elif instruction == "EXPOSE" and result.stages:
            for word in _filled(rest, values).split():
                if port := _PORT.fullmatch(word):
                    first, last = int(port[1]), int(port[2] or port[1])
                    result.stages[-1].ports.update(range(first, min(last, first + 1000) + 1))
    return result


def _instructions(content: str) -> Iterator[tuple[int, str, str]]:
    waiting, start = "", 0
    for number, line in enumerate(content.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("#") or (not stripped and not waiting):
            continue
        start = start or number
        if stripped.endswith("\\"):
            waiting += stripped[:-1] + " "
            continue
        word, _, rest = (waiting + stripped).partition(" ")
        yield start, word.upper(), rest.strip()
        waiting, start = "", 0


def _filled(value: str, values: dict[str, str]) -> str:
    def fill(matched: re.Match[str]) -> str:
        return values.get(matched[1] or matched[3]) or matched[2] or ""

    return _VARIABLE.sub(fill, value)
