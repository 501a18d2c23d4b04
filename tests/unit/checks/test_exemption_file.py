"""The file of exemptions: what it holds, and that every mistake in it names its line."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from slipway.checks import read_exemptions
from slipway.errors import UsageError
from slipway.rules import Exemption

GOOD = """\
# Who decided it: the platform team.
- rule: exemption-invalid
  kind: Deployment.apps
  namespace: shop
  name: web
  reason: "the vendor's image needs it"
  until: 2027-03-31

- {rule: exemption-expired, kind: Service, name: api, reason: any namespace, until: "2027-01-01"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "exemptions.yaml"


def test_each_entry_is_an_exemption_with_its_place(file: Path) -> None:
    file.write_text(GOOD)

    first, second = read_exemptions(file)
    assert first == Exemption(
        rule="exemption-invalid",
        kind="Deployment.apps",
        namespace="shop",
        name="web",
        reason="the vendor's image needs it",
        until=datetime.date(2027, 3, 31),
        file=str(file),
        line=2,
    )
    assert (second.namespace, second.line) == ("", 9)


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "[]\n"])
def test_an_empty_file_exempts_nothing(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_exemptions(file) == []


def entry(**changes: str | None) -> str:
    values: dict[str, str | None] = {
        "rule": "exemption-invalid",
        "kind": "Service",
        "name": "web",
        "reason": "why not",
        "until": "2027-03-31",
    }
    lines = [f"{key}: {value}" for key, value in (values | changes).items() if value is not None]
    return "# a comment\n- " + "\n  ".join(lines) + "\n"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (entry(rule="exemption-invald"), 2, "no rule is called 'exemption-invald'; did you mean exemption-invalid"),
        (entry(rule="nothing-like-it-at-all-xyz"), 2, "no rule is called"),
        (entry(resaon="typo"), 7, "unknown key 'resaon'; did you mean reason?"),
        (entry(reason=None), 2, "no reason"),
        (entry(reason=None, until=None), 2, "no reason and no until"),
        (entry(reason='"  "'), 5, "'reason' is not a word"),
        (entry(reason="[a, b]"), 5, "'reason' is not a word"),
        (entry(until="2027-02-30"), 6, "'2027-02-30' is no day"),
        (entry(until="next year"), 6, "'next year' is no day"),
        (entry(until="2101-01-01"), 6, "'2101-01-01' is no end"),
        (entry(name='"*"'), 4, "'name' is a pattern"),
        (entry(kind='"*"'), 3, "'kind' is a pattern"),
        (entry(namespace="shop-*"), 7, "'namespace' is a pattern"),
        (entry(rule="manifest-unreadable"), 2, "'manifest-unreadable' cannot be exempted"),
        (entry(rule="manifest-duplicate-key"), 2, "'manifest-duplicate-key' cannot be exempted"),
        (entry(until="20270331"), 6, "'20270331' is no day"),
        (entry() + "  rule: exemption-expired\n", 7, "'rule' is written twice"),
        (entry() + "- text\n", 7, "not a mapping"),
        (entry() + entry(reason="another"), 8, "the same rule and object as in line 2"),
        ("rule: exemption-invalid\n", 1, "not a list"),
        ("- rule: [\n", 2, "not YAML"),
        ("- &a [*a]\n", 1, "not a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_line(file: Path, content: str, line: int, said: str) -> None:
    file.write_text(content)

    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        read_exemptions(file)
    assert caught.value.where == f"{file}:{line}"
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_kind_without_its_group_is_refused_with_the_full_name(file: Path) -> None:
    file.write_text(entry(kind="Deployment"))

    with pytest.raises(UsageError, match="no kind is called 'Deployment'") as caught:
        read_exemptions(file)
    assert "Deployment.apps" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe- a", "not UTF-8"), (b"- " + b"a" * 2_000_000, "larger than"), (b"- a: \x00", "not YAML")],
)
def test_what_is_no_such_file_is_refused(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_exemptions(file)


def test_a_bomb_of_aliases_is_not_expanded(file: Path) -> None:
    levels = ["- &a0 [x, x]"] + [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    file.write_text("\n".join(levels))
    with pytest.raises(UsageError, match="not a mapping"):
        read_exemptions(file)


def test_deep_nesting_is_no_traceback(file: Path) -> None:
    file.write_text("[" * 100_000)
    with pytest.raises(UsageError, match="nested too deep"):
        read_exemptions(file)


def test_an_exemption_may_last_long(file: Path) -> None:
    file.write_text(entry(until="2100-12-31"))
    assert read_exemptions(file)[0].until == datetime.date(2100, 12, 31)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_exemptions(file)
