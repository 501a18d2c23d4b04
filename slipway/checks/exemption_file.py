"""`exemptions.yaml`: exemptions of objects that cannot be annotated.

    - rule: memory-limit-missing
      kind: Deployment.apps
      namespace: shop          # any namespace when left out
      name: web
      reason: the vendor's image needs what it gets
      until: 2027-03-31

Whatever is wrong in it ends the command: an exemption that silently exempts nothing would be found out too late.
"""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable
from pathlib import Path

import yaml

from slipway.checks.model import READING
from slipway.errors import UsageError
from slipway.rules import RULES, Exemption, find

__all__ = ["read_exemptions"]

_NEEDED = ("rule", "kind", "name", "reason", "until")
_KEYS = (*_NEEDED, "namespace")
_MOST_BYTES = 1024 * 1024
_DEEPEST = 3
_LAST_YEAR = 2100
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_exemptions(place: Path, shown: str = "", *, named: bool = False) -> list[Exemption]:
    """The exemptions that the file holds. Raises `UsageError` (EXEMPTIONS).

    `shown` is its name for people; `named` says that the user chose it.
    """
    file = Path(shown or place)
    try:
        content = place.read_bytes()
    except OSError as error:
        remedy = "name a file that you may read" if named else "give a file with --exemptions"
        raise _error(f"cannot be read: {error.strerror}", str(file), remedy) from error
    if len(content) > _MOST_BYTES:
        raise _error(f"larger than {_MOST_BYTES:,} bytes", str(file), "exempt by annotations, or mend what is exempted")
    try:
        text = content.decode("utf-8")
        _check_depth(file, text)
        # Nodes know their lines, and composing them expands no alias.
        root = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise _error(f"not UTF-8: {error.reason}", str(file), "save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise _error(f"not YAML: {getattr(error, 'problem', None) or error}", where, "correct it") from error
    if root is None:
        return []
    if not isinstance(root, yaml.SequenceNode):
        raise _error("not a list", _at(file, root), "write `- rule: ...` for each exemption")
    found: dict[tuple[str, ...], Exemption] = {}
    for node in root.value:
        exemption = _exemption(file, node)
        key = (exemption.rule, exemption.kind, exemption.namespace, exemption.name)
        if key in found:
            raise _error(
                f"the same rule and object as in line {found[key].line}", _at(file, node), "keep one of the two"
            )
        found[key] = exemption
    return list(found.values())


def _check_depth(file: Path, text: str) -> None:
    """Composing calls itself for each level and would exhaust the stack; events come one by one."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _error("nested too deep", _at(file, event), "an exemption is a list entry of plain words")


def _exemption(file: Path, node: yaml.Node) -> Exemption:
    if not isinstance(node, yaml.MappingNode):
        raise _error("not a mapping", _at(file, node), f"write {', '.join(_NEEDED)}")
    values: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in _KEYS:
            raise _error(
                f"unknown key '{name}'{_meant(name, _KEYS)}", _at(file, key), f"the keys are {', '.join(_KEYS)}"
            )
        if name in values:
            raise _error(f"'{name}' is written twice", _at(file, key), "keep one of the two")
        values[name] = value
    if missing := [name for name in _NEEDED if name not in values]:
        raise _error(f"no {' and no '.join(missing)}", _at(file, node), "an exemption says what, why and until when")
    texts = {name: _text(file, name, value) for name, value in values.items()}
    if texts["rule"] in READING:
        raise _error(f"'{texts['rule']}' cannot be exempted", _at(file, values["rule"]), READING[texts["rule"]].remedy)
    for name in ("kind", "namespace", "name"):
        if "*" in texts.get(name, ""):
            remedy = "leave it out for any namespace" if name == "namespace" else "write an entry for each object"
            raise _error(f"'{name}' is a pattern", _at(file, values[name]), remedy)
    try:
        find(texts["rule"])
    except LookupError as unknown:
        raise _error(str(unknown), _at(file, values["rule"]), "slipway rules list") from unknown
    _check_kind(texts["kind"], _at(file, values["kind"]))
    return Exemption(
        rule=texts["rule"],
        kind=texts["kind"],
        namespace=texts.get("namespace", ""),
        name=texts["name"],
        reason=texts["reason"],
        until=_date(texts["until"], _at(file, values["until"])),
        file=str(file),
        line=node.start_mark.line + 1 if node.start_mark else None,
    )


def _text(file: Path, name: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or (name != "namespace" and not node.value.strip()):
        raise _error(f"'{name}' is not a word", _at(file, node), f"write `{name}: <text>`")
    return str(node.value).strip()


def _check_kind(kind: str, where: str) -> None:
    """`Deployment` would match nothing: the kind is `Deployment.apps`."""
    known = {name for rule in RULES.values() for name in rule.kinds}
    full = sorted(name for name in known if name.split(".")[0] == kind)
    if full and kind not in known:
        raise _error(f"no kind is called '{kind}'", where, f"write {' or '.join(full)}, as kubectl does")


def _date(text: str, where: str) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(text) if len(text) == len("2027-03-31") else None
    except ValueError:
        day = None
    if day is None:
        raise _error(f"'{text}' is no day", where, "write until: YYYY-MM-DD")
    if day.year > _LAST_YEAR:
        raise _error(f"'{text}' is no end", where, f"name a day until {_LAST_YEAR}")
    return day


def _meant(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _at(file: Path, node: yaml.Node | yaml.Event) -> str:
    return f"{file}:{node.start_mark.line + 1}" if node.start_mark else str(file)


def _error(what: str, where: str, remedy: str) -> UsageError:
    return UsageError(what, code="EXEMPTIONS", where=where, remedy=remedy)
