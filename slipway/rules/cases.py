"""The fixtures: for each rule, edits of one good application that must fail the rule, and edits that must pass it.

A failing case shows exactly its rule's findings and no other rule's, so that every case tests all of the library.
They are the rules' examples too: `slipway rules show` prints them and `slipway rules test` runs them.
"""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path as File
from typing import Any

import yaml

from slipway.rules.context import Repository, Schemas, group_kind
from slipway.rules.engine import Engine, Report
from slipway.rules.model import Object, format_path
from slipway.rules.registry import REGISTERED
from slipway.rules.shape import name_of

__all__ = ["FIXTURES", "Case", "cases", "failures", "good_application"]

FIXTURES = File(__file__).parent / "fixtures"
_KEYS = {"why", "today", "set", "unset", "add", "remove", "at", "also", "environment", "files", "only"}
_PART = re.compile(r"\.?([^.\[\]']+)|\[(\d+)\]|\['([^']+)'\]")


@dataclass(frozen=True)
class Case:
    """One edit of the good application, and what the rules must say of it."""

    rule: str
    passes: bool
    why: str
    edits: Mapping[str, Any]

    @property
    def environment(self) -> str:
        """The environment that the case is for; empty for none in particular."""
        return str(self.edits.get("environment", ""))

    @property
    def today(self) -> datetime.date | None:
        """The day that the case is judged on; the real one when it names none."""
        return self.edits.get("today")

    @property
    def expected(self) -> list[str]:
        """`<Kind>/<name> <path>` of each finding of the rule."""
        return sorted(self.edits.get("at", ()))

    @property
    def also(self) -> set[str]:
        """Other rules that cannot but speak up too."""
        return set(self.edits.get("also", ()))

    def objects(self) -> list[Object]:
        """The edited application."""
        return _edited(self.edits)

    def repository(self) -> Repository | None:
        """The files that the case lays beside the objects, where it does."""
        files = self.edits.get("files")
        return None if files is None else _Files(files)


class _Files:
    """A repository in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def is_dir(self, path: str) -> bool:
        return any(name.startswith(f"{path.rstrip('/')}/") for name in self._files)

    def is_file(self, path: str) -> bool:
        return path in self._files

    def text(self, path: str) -> str:
        return self._files.get(path, "")

    def list(self, path: str) -> list[str]:
        prefix = f"{path.rstrip('/')}/" if path not in ("", ".") else ""
        return sorted({name[len(prefix) :].split("/")[0] for name in self._files if name.startswith(prefix)})


def _read(file: File) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text("utf-8"), Loader=loader)  # noqa: S506 - both are safe


@cache
def _good() -> list[Object]:
    return list(_read(FIXTURES / "_app.yaml"))


def good_application() -> list[Object]:
    """A copy of the application that every rule passes. YAML anchors are resolved: nothing in it is shared."""
    return [_unshared(item) for item in _good()]


def _unshared(value: Any) -> Any:
    # copy.deepcopy would keep two places that share an anchor shared: an edit of one would change the other.
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value


def cases(rule_id: str) -> list[Case]:
    """The rule's cases, failing ones first. Raises `ValueError` for a fixture that is not well formed."""
    file = FIXTURES / f"{rule_id}.yaml"
    if not file.is_file():
        return []
    document = _read(file)
    if not isinstance(document, dict) or set(document) - {"fail", "pass"}:
        raise ValueError(f"{file.name}: it has the keys `fail` and `pass`")
    found = []
    for verdict in ("fail", "pass"):
        for edits in document.get(verdict) or []:
            if unknown := set(edits) - _KEYS:
                raise ValueError(f"{file.name}: unknown key {', '.join(sorted(unknown))}")
            found.append(Case(rule_id, verdict == "pass", edits["why"], edits))
    return found


def failures(case: Case, *, schemas: Schemas | None = None) -> list[str]:
    """What the library says of the case that it should not, and what it does not say that it should."""
    report = run(case, schemas=schemas)
    own = sorted(f"{_place(f.object.kind, f.object.name)} {format_path(f.path)}" for f in report.standing
                 if f.rule == case.rule)  # fmt: skip
    expected = [] if case.passes else case.expected
    wrong = []
    if own != expected or (not case.passes and not own):
        wrong.append(f"{case.rule} found {own}, expected {expected}")
    allowed = {case.rule} | case.also
    wrong += [f"{f.rule} fired too: {f.object} {format_path(f.path)}: {f.message}" for f in report.standing
              if f.rule not in allowed]  # fmt: skip
    wrong += [f"{s.rule} was not assessed on {s.object}: {s.reason}" for s in report.not_assessed
              if s.rule == case.rule and "not assessed" not in case.why]  # fmt: skip
    return wrong


def run(case: Case, *, schemas: Schemas | None = None) -> Report:
    """Ask every rule (those that read schemas only when there are some) about the case."""
    rules = [r for r in REGISTERED.values() if schemas is not None or not r.id.startswith("schema-")]
    engine = Engine(
        rules,
        environment=case.environment,
        repository=case.repository(),
        schemas=schemas,
        today=case.today,
        strict=True,
    )
    return engine.run(case.objects())


def _place(kind: str, name: str) -> str:
    return f"{kind.split('.')[0] if not kind.startswith('pulumi:') else kind}/{name}"


def _edited(edits: Mapping[str, Any]) -> list[Object]:
    objects = [] if edits.get("only") == "added" else good_application()
    gone = set(edits.get("remove", ()))
    unknown = gone - {_key(item) for item in objects}
    if unknown:
        raise ValueError(f"`remove` names {', '.join(sorted(unknown))}, which the good application has not")
    objects = [item for item in objects if _key(item) not in gone]
    for key, changes in edits.get("set", {}).items():
        for path, value in changes.items():
            _set(_named(objects, key), parse_path(path), copy.deepcopy(value))
    for key, paths in edits.get("unset", {}).items():
        for path in paths:
            _unset(_named(objects, key), parse_path(path))
    return [*objects, *(copy.deepcopy(item) for item in edits.get("add", ()))]


def _key(item: Object) -> str:
    kind = group_kind(item)
    return _place(kind, str(item.get("name")) if kind.startswith("pulumi:") else name_of(item))


def _named(objects: Iterable[Object], key: str) -> Object:
    for item in objects:
        if _key(item) == key:
            return item
    raise ValueError(f"the good application has no {key}")


def parse_path(path: str) -> list[str | int]:
    """`spec.containers[0].labels['a.b/c']` as its parts."""
    parts: list[str | int] = []
    end = 0
    for found in _PART.finditer(path):
        if found.start() != end:
            break
        plain, index, quoted = found.groups()
        parts.append(int(index) if index is not None else quoted or plain)
        end = found.end()
    if end != len(path) or not parts:
        raise ValueError(f"{path!r} is no path")
    return parts


def _set(target: Any, path: list[str | int], value: Any) -> None:
    for part, following in pairwise(path):
        if isinstance(target, list) and part == len(target):
            target.append([] if isinstance(following, int) else {})
        elif isinstance(target, dict) and part not in target:
            target[part] = [] if isinstance(following, int) else {}
        target = target[part]
    if isinstance(target, list) and path[-1] == len(target):
        target.append(value)
    else:
        target[path[-1]] = value


def _unset(target: Any, path: list[str | int]) -> None:
    for part in path[:-1]:
        target = target[part]
    del target[path[-1]]
