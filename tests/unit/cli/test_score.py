"""`slipway score`: five numbers, where the points went, and thresholds that fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.rules import Category

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "score.md"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "registry.example.com/web:1.2.3"}
---
apiVersion: v1
kind: Pod
metadata: {name: helper, namespace: shop}
spec:
  containers:
    - name: helper
      image: registry.example.com/helper:1.0.0
      resources: {limits: {memory: 64Mi}, requests: {memory: 64Mi, cpu: 10m}}
"""
PRIVILEGED = MANIFEST.replace(
    "name: helper\n      image", "name: helper\n      securityContext: {privileged: true}\n      image"
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLIPWAY_PROJECT_DIR", str(tmp_path))
    found = tmp_path / "shop.yaml"
    found.write_text(MANIFEST)
    return found


def scored(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["score", *words])
    return status, capsys.readouterr().out


def test_five_numbers_are_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, shown = scored(capsys, str(file))

    assert status == 0
    for heading in ("overall", *Category):
        assert heading in shown.splitlines()[0]
    assert len(re.findall(r"\d+\.\d\d", shown.splitlines()[1])) == 5


def test_the_least_of_several_sets_is_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "good").mkdir()
    (file.parent / "good" / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
    )
    _, shown = scored(capsys, str(file), "good")
    (least,) = [line for line in shown.splitlines() if line.startswith("the least of each")]
    (own,) = [line for line in shown.splitlines() if line.startswith(str(file))]

    assert least.split()[-5:] == own.split()[-5:]


def test_explain_shows_the_formula_and_each_lost_point(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, shown = scored(capsys, "explain", str(file), "--rule", "memory-limit-missing")

    assert status == 0
    assert "0.30 x schema + 0.30 x security + 0.20 x production + 0.20 x resources" in shown
    assert "critical 40, high 20, medium 8, low 3, advisory 0" in shown
    assert "-10.00  memory-limit-missing  high, 20 x 1/2" in shown
    assert "Deployment shop/web" in shown
    assert "0.30 x 100.00 + 0.30 x 100.00 + 0.20 x 100.00 + 0.20 x 90.00 = 98.00" in shown


def test_the_cap_is_explained(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PRIVILEGED)

    assert (
        "held at 59 by critical findings of privileged-container"
        in scored(capsys, str(file), "--rule", "privileged-container")[1]
    )
    assert "59 at most: critical findings of" in scored(capsys, "explain", str(file))[1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--min-overall", "98"], 0, "✓ passed"),
        (["--min-overall", "98.01"], 1, "overall 98.00 < 98.01"),
        (["--min-resources", "90", "--min-schema", "100"], 0, "✓ passed"),
        (["--min-resources", "95", "--min-security", "95"], 1, "resources 90.00 < 95"),
    ],
)
def test_a_score_below_its_minimum_fails(
    words: list[str], status: int, said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = scored(capsys, str(file), "--rule", "memory-limit-missing", *words)

    assert result[0] == status
    assert said in result[1]


def test_a_minimum_is_in_the_json_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, shown = scored(capsys, str(file), "--rule", "memory-limit-missing", "--min-resources", "95", "--json")
    document = json.loads(shown)

    assert status == 1
    assert document["passed"] is False
    assert document["missed"] == ["resources 90.00 < 95"]


def test_a_finding_alone_fails_no_score(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PRIVILEGED)

    assert scored(capsys, str(file))[0] == 0
    assert scored(capsys, str(file), "--fail-on", "critical")[0] == 1


def test_an_unreadable_file_has_no_score(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(MANIFEST + "---\na: [\n")
    status, shown = scored(capsys, str(file), "--json")
    (group,) = json.loads(shown)["sets"]

    assert status == 1
    assert group["score"]["overall"] == 0
    assert {part["score"] for part in group["score"]["parts"].values()} == {0}


def test_a_broken_object_keeps_the_schema_from_100_and_its_path_is_named(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row S2-26: `containers` as a mapping."""
    file.write_text(MANIFEST.replace("        - {name: web, image", "        {name: web, image"))
    _, shown = scored(capsys, str(file), "--json")
    (group,) = json.loads(shown)["sets"]

    assert group["score"]["parts"]["schema"]["score"] < 100
    assert "spec.template.spec.containers" in [f["path"] for f in group["findings"] if f["rule"] == "schema-invalid"]


def test_the_program_in_the_document_computes_the_same_score(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PRIVILEGED)
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    _, shown = scored(capsys, str(file), "--json")

    subprocess.run([sys.executable, "-c", program], input=shown, text=True, check=True)
    wrong = json.loads(shown)
    wrong["sets"][0]["score"]["overall"] += 0.02
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(wrong), text=True, capture_output=True, check=False
    )
    assert "AssertionError" in done.stderr


def test_our_own_applications_are_scored_within_30_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row S2-60. Their scores are a test of the applications."""
    monkeypatch.chdir(ROOT)
    started = time.monotonic()
    main(["score", "--json"])
    took = time.monotonic() - started
    document: dict[str, Any] = json.loads(capsys.readouterr().out)

    assert document["counts"]["objects"] > 15
    assert document["counts"]["unreadable"] == 0
    print(f"{document['counts']['objects']} objects of our own applications in {took:.1f} s")
    assert took < 30
