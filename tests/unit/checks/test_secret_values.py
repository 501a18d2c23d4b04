"""No value of a Secret reaches a report, whatever is wrong with the Secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slipway.cli import main
from slipway.manifests import read
from slipway.rules import RULES, Engine
from slipway.schema import Schemas

CANARY = "hunter2-is-no-base64!"
NUMBER = 987654321987
DIGITS = "98765432"
PLAIN = {"data": {"k": "aHVudGVyMg=="}, "stringData": {"k": CANARY}}
APPLIED = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": CANARY}}
SECRETS: dict[str, dict[str, Any]] = {
    "valid": {"stringData": {"k": CANARY, "token": f"ghp_{CANARY}"}},
    "applied": {"metadata": APPLIED, **PLAIN},
    "no-base64": {"data": {"k": CANARY}},
    "text": {"data": CANARY},
    "text-of-texts": {"stringData": CANARY},
    "list": {"data": [CANARY, {"k": CANARY}]},
    "nested": {"stringData": {"k": {"k": CANARY}, "l": [CANARY]}},
    "number": {"stringData": {"k": NUMBER}, "data": {"k": NUMBER + 0.5}},
    "number-alone": {"data": NUMBER, "stringData": NUMBER},
    "misspelt": {"stringdata": {"k": CANARY}, "Data": CANARY},
    "immutable": {"immutable": CANARY, "type": [CANARY]},
    "labels": {"metadata": {"labels": {"a": [CANARY]}, "annotations": {"b": [CANARY], "c": NUMBER}}},
    "owners": {"metadata": {"ownerReferences": CANARY, "finalizers": [CANARY], "generation": CANARY}},
    "typed": {"type": "kubernetes.io/tls", "data": {"tls.key": CANARY, "tls.crt": NUMBER}},
}


def secret(name: str) -> dict[str, Any]:
    """The Secret of this form."""
    item = {"apiVersion": "v1", "kind": "Secret", **SECRETS[name]}
    return {**item, "metadata": {"name": name, "namespace": "shop", **item.get("metadata", {})}}


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas((1, 36))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Each of the Secrets in a file, and one that is no YAML."""
    for name in SECRETS:
        (tmp_path / f"{name}.yaml").write_text(json.dumps(secret(name), indent=1), "utf-8")
    (tmp_path / "alias.yaml").write_text(f"kind: Secret\nstringData: {{k: *{CANARY[:-1]}}}\n", "utf-8")
    (tmp_path / "tag.yaml").write_text(f"kind: Secret\nstringData: {{k: !!int {CANARY}}}\n", "utf-8")
    return tmp_path


def shows_nothing(text: str) -> bool:
    return not any(part in text for part in ("hunter2", "aHVudGVyMg", DIGITS))


@pytest.mark.parametrize("name", [name for name in SECRETS if name not in ("valid", "applied")])
def test_the_schema_says_what_is_wrong_and_not_with_which_value(schemas: Schemas, name: str) -> None:
    found = schemas.check(secret(name))
    assert found
    assert shows_nothing(repr(found))


def test_another_kind_is_told_with_its_value(schemas: Schemas) -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": 8080}}
    assert [error.message for error in schemas.check(item)] == ["expected string, got number 8080"]


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "html"])
def test_no_report_shows_a_value(folder: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert len(read([folder]).problems) == 2
    assert main(["validate", str(folder), "--format", form]) == 1
    said = capsys.readouterr()
    assert "no-base64" in said.out
    assert shows_nothing(said.out + said.err)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_score_shows_a_value(folder: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    main(["score", str(folder), *more])
    said = capsys.readouterr()
    assert said.out
    assert shows_nothing(said.out + said.err)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("https://user:hunter2@host", "https://host"),  # not-a-secret
        ("https://user:hunter2@host/Web", "https://host/Web"),  # not-a-secret
        ("https://user:hun@hunter2@host/web", "https://host/web"),  # not-a-secret
        ("user:hunter2@host/web", "host/web"),
        ("web@latest", "web@latest"),
        ("https://host/web@sha256:12", "https://host/web@sha256:12"),
    ],
)
def test_an_account_in_an_image_is_not_shown(image: str, told: str) -> None:
    item = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "web", "image": image}]}}
    (found,) = Engine([RULES["image-reference-invalid"]]).run([item]).findings
    assert f"runs '{told}'," in found.message
