"""Every format: the same numbers, a form that its readers accept, and nothing of a manifest that can do harm."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from slipway.checks import Outcome
from slipway.reports import FORMATS, print_findings, render
from slipway.reports.plain import visible
from slipway.rules import Severity

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = {
    "objects": 5,
    "findings": 8,
    "critical": 2,
    "high": 1,
    "medium": 2,
    "low": 1,
    "advisory": 2,
    "objects_with_findings": 3,
    "exempted": 1,
    "not_assessed": 1,
    "unreadable": 1,
    "failing": 5,
}
SENTENCE = (
    "8 findings (2 critical, 1 high, 2 medium, 1 low, 2 advisory) in 3 of 5 objects, "
    "1 exempted, 1 not assessed, 1 unreadable"
)


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text outside of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of a class."""
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]


def numbers_of_json(text: str) -> dict[str, int]:
    counts = json.loads(text)["counts"]
    return {**{key: value for key, value in counts.items() if key != "severities"}, **counts["severities"]}


def numbers_of_junit(text: str) -> dict[str, int]:
    properties = {p.get("name"): p.get("value") for p in ET.fromstring(text).iter("property")}  # noqa: S314 - ours
    return {name: int(properties[name] or "") for name in NUMBERS}


def numbers_of_sarif(text: str) -> dict[str, int]:
    (run,) = json.loads(text)["runs"]
    return numbers_of_json(json.dumps(run["properties"]))


@pytest.mark.parametrize("numbers", [numbers_of_json, numbers_of_junit, numbers_of_sarif])
def test_every_format_for_programs_has_the_same_numbers(numbers: Any, outcome: Outcome) -> None:
    name = numbers.__name__.removeprefix("numbers_of_")
    assert numbers(render(outcome, name)) == NUMBERS


@pytest.mark.parametrize("name", ["text", "html", "junit"])
def test_every_format_for_people_has_the_same_sentence(name: str, outcome: Outcome) -> None:
    report = render(outcome, name)
    words = Page(report).text if name == "html" else " ".join(report.split())
    assert SENTENCE in words or (name == "junit" and f'name="{SENTENCE}"' in report)


def test_the_numbers_are_those_of_the_lists(outcome: Outcome) -> None:
    document = json.loads(render(outcome, "json"))
    findings = [finding for part in document["sets"] for finding in part["findings"]]
    standing = [finding for finding in findings if finding["exempted"] is None]
    assert len(standing) == NUMBERS["findings"]
    assert len(findings) - len(standing) == NUMBERS["exempted"]
    for severity in Severity:
        assert sum(finding["severity"] == severity for finding in standing) == NUMBERS[severity]

    (run,) = json.loads(render(outcome, "sarif"))["runs"]
    assert sum(not result["suppressions"] for result in run["results"]) == NUMBERS["findings"]
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == NUMBERS["not_assessed"]

    root = ET.fromstring(render(outcome, "junit"))  # noqa: S314 - our own output
    assert len(root.findall(".//failure")) + len(root.findall(".//error")) == NUMBERS["failing"]
    assert len(root.findall(".//system-out")) == NUMBERS["low"] + NUMBERS["advisory"]
    assert len(root.findall(".//skipped")) == NUMBERS["exempted"] + NUMBERS["not_assessed"]

    page = Page(render(outcome, "html"))
    assert len(page.of("finding")) == NUMBERS["findings"] + NUMBERS["exempted"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_looks_as_it_did(name: str, outcome: Outcome) -> None:
    """The golden files show a reviewer what a change does; `rm` one and run again to renew it."""
    # The version changes with a release, the style without a change of the report.
    report = re.sub(r'("(semanticV|v)ersion": )"0\.[^"]*"|slipway \d\.[^<]*<', r"\1<", render(outcome, name))
    report = re.sub(r"(<(style|script)>).*?(</\2>)|sha256-[^&]*", r"\1\3", report, flags=re.DOTALL)
    file = GOLDEN / f"report.{name}"
    if not file.exists():
        file.write_text(report, "utf-8")
        pytest.fail(f"there was no {file.name}; it is written now, look at it")
    assert report == file.read_text("utf-8")


@pytest.mark.parametrize("name", FORMATS)
def test_a_clean_outcome_is_a_report_too(name: str, clean: Outcome) -> None:
    assert render(clean, name)


def test_a_clean_outcome_passes(clean: Outcome) -> None:
    assert "✓ passed" in render(clean, "text")
    assert json.loads(render(clean, "json"))["passed"] is True
    assert ET.fromstring(render(clean, "junit")).get("failures") == "0"  # noqa: S314 - our own output


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_manifest_says_is_harmless(name: str, hostile: Outcome) -> None:
    report = render(hostile, name)

    report.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", report), "a control character got through"
    assert "{{ 7*7 }}" in report, "a template ran"
    assert "[red]" in report, "markup ran"
    assert "\\ud800" not in report or name != "json"
    match name:
        case "junit":
            messages = [f.get("message") for f in ET.fromstring(report).iter("failure")]  # noqa: S314 - ours
            assert any("<script>alert(1)</script>" in (message or "") for message in messages)
        case "sarif" | "json":
            json.loads(report)
        case "html":
            page = Page(report)
            assert sum(tag == "script" for tag, _ in page.elements) == 1
            assert "<script>alert(1)</script>" in page.text
            assert "{{ 7*7 }}" in page.text


def test_the_numbers_of_each_suite_are_those_of_its_cases(outcome: Outcome) -> None:
    root = ET.fromstring(render(outcome, "junit"))  # noqa: S314 - our own output
    for suite in [*root, root]:
        cases = list(suite.iter("testcase"))
        assert suite.get("tests") == str(len(cases))
        for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(plural) == str(len(list(suite.iter(tag))))
        assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases) or suite is root


def test_a_forged_line_stays_within_its_line(hostile: Outcome) -> None:
    assert visible("web\n0 findings in 9 objects") == r"web\n0 findings in 9 objects"
    assert visible("\x1b[2K\u2028\u200b\ud800\ufeff") == r"\x1b[2K\u2028\u200b\ud800\ufeff"
    assert visible("naïve 名前 🚢") == "naïve 名前 🚢"
    assert visible("x" * 5000) == "x" * 1000 + "…"


def test_the_page_loads_nothing_and_runs_only_its_own_script(outcome: Outcome) -> None:
    page = Page(render(outcome, "html"))

    for tag, attrs in page.elements:
        assert not {"src", "href", "srcset", "style", "action"} & set(attrs), f"<{tag}> refers to something"
        assert not [name for name in attrs if name.startswith("on")], f"<{tag}> has a handler"
    (policy,) = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_the_policy_of_the_page_names_the_script_that_is_in_it(outcome: Outcome) -> None:
    report = render(outcome, "html")
    (policy,) = [a["content"] for _, a in Page(report).elements if a.get("http-equiv")]
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", report, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)


def test_a_dial_is_filled_as_far_as_the_score_goes(outcome: Outcome) -> None:
    dial = Page(render(outcome, "html")).of("value")[0]

    filled, whole = map(float, (dial["stroke-dasharray"] or "").split())
    assert filled / whole == pytest.approx(0.59, abs=0.001)


def test_findings_below_the_wanted_severity_are_counted_and_not_listed(outcome: Outcome) -> None:
    few = replace(outcome, target=replace(outcome.target, show=Severity.HIGH))
    document = json.loads(render(few, "json"))

    assert document["counts"] == json.loads(render(outcome, "json"))["counts"]
    assert document["not_listed"] == 5
    assert {f["severity"] for part in document["sets"] for f in part["findings"]} == {"critical", "high"}
    assert "5 findings below high not listed" in render(few, "text")
    assert "5 findings below high not listed" in Page(render(few, "html")).text


def test_what_could_not_be_assessed_is_one_line_for_each_rule(outcome: Outcome) -> None:
    report = outcome.sets[0].report
    report.not_assessed *= 2
    report.not_assessed += [replace(report.not_assessed[0], reason=f"no schema of Kind{n % 7}") for n in range(20)]

    lines = render(outcome, "text").splitlines()
    start = next(n for n, line in enumerate(lines) if "not assessed: no-probe" in line)
    assert lines[start] == "  not assessed: no-probe on 22 objects"
    assert lines[start + 1] == "    no schema of Kind0 (3)"
    assert lines[start + 6 : start + 8] == ["    and 3 other reasons", ""]


def test_what_was_left_out_is_listed_in_part_and_charts_first(outcome: Outcome) -> None:
    files = [f"v{n}.yaml: a list" for n in range(9)]
    skipped = ("k/kustomization.yaml: a kustomization", *files, "c: a Helm chart; read what it makes")
    first = replace(outcome.sets[0], skipped=skipped)
    text = render(replace(outcome, sets=(first, *outcome.sets[1:])), "text")

    assert "  skipped: 10 files and folders\n    c: a Helm chart; read what it makes\n    v0.yaml: a list\n" in text
    assert "    and 5 more\n    → helm template CHART | slipway validate -\n" in text
    assert "a kustomization" not in text


@pytest.mark.parametrize("shown", ["outcome", "hostile"])
def test_a_terminal_shows_the_words_that_a_log_has(shown: str, request: pytest.FixtureRequest) -> None:
    outcome, paper = request.getfixturevalue(shown), io.StringIO()
    colourful = Console(file=paper, width=120, force_terminal=True, color_system="standard", highlight=False)
    print_findings(outcome, colourful)

    words = re.sub(r"\x1b\[[0-9;]*m", "", paper.getvalue())
    assert "\x1b[" in paper.getvalue()
    assert words.split() == render(outcome, "text").split()


def test_a_log_is_written_without_rich(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a millisecond for each line: a minute for 15,000 objects."""
    printed: list[object] = []
    monkeypatch.setattr(Console, "print", lambda self, *words, **settings: printed.extend(words))
    lines = render(outcome, "text").splitlines()

    assert any("api has the fault" in line for line in lines)
    assert not any("api has the fault" in str(words) for words in printed)


def test_the_json_is_enough_to_compute_the_score_from_its_findings(outcome: Outcome) -> None:
    """Ten lines, and nothing but the document."""
    weights = {"critical": 40, "high": 20, "medium": 8, "low": 3, "advisory": 0}
    document = json.loads(render(outcome, "json"))
    prod = document["sets"][0]
    severity = {**{r: v["severity"] for r, v in document["rules"].items()}}
    part = {r: v["category"] for r, v in document["rules"].items()}
    failing: dict[str, set[str]] = {}
    for x in [f for f in prod["findings"] if not f["exempted"]] + prod["not_assessed"]:
        failing.setdefault(x["rule"], set()).add(str(x["object"]))
    for name, given in prod["score"]["parts"].items():
        lost = sum(weights[severity[r]] * len(f) / prod["asked"][r] for r, f in failing.items() if part[r] == name)
        assert max(0, 100 - lost) == pytest.approx(given["score"], abs=0.01)
    mean = sum(p["score"] * p["share"] / 100 for p in prod["score"]["parts"].values())
    critical = any(severity[f["rule"]] == "critical" for f in prod["findings"] if not f["exempted"])
    assert min(mean, 59 if critical else 100) == pytest.approx(prod["score"]["overall"], abs=0.01)
