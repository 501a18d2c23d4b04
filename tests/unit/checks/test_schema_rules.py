"""The two rules that ask the schemas, with the real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slipway.checks.schemas import KnownSchemas
from slipway.rules import RULES, NotAssessed
from slipway.rules.cases import Case, cases, failures, good_application
from slipway.rules.registry import REGISTERED
from slipway.schema import Schemas

SCHEMA_RULES = ("schema-invalid", "schema-unknown-field")


@pytest.fixture(scope="module")
def schemas() -> KnownSchemas:
    return KnownSchemas(Schemas())


@pytest.mark.parametrize("case", [c for r in SCHEMA_RULES for c in cases(r)], ids=lambda c: f"{c.rule}: {c.why}")
def test_a_schema_rule_says_what_its_fixture_expects(case: Case, schemas: KnownSchemas) -> None:
    assert failures(case, schemas=schemas) == []


@pytest.mark.parametrize("rule_id", SCHEMA_RULES)
def test_a_schema_rule_without_its_code_fails_its_fixtures(
    rule_id: str, schemas: KnownSchemas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(REGISTERED, rule_id, replace(RULES[rule_id], check=lambda item, context: ()))

    assert all(failures(case, schemas=schemas) for case in cases(rule_id) if not case.passes)


def test_the_good_application_is_what_the_api_server_takes(schemas: KnownSchemas) -> None:
    custom = ("gateway.networking.k8s.io/", "monitoring.coreos.com/", "argoproj.io/")
    own = [item for item in good_application() if not item["apiVersion"].startswith(custom)]

    assert len(own) > 20
    assert [fault for item in own for fault in schemas.faults(item)] == []


def test_a_kind_without_a_schema_is_not_assessed(schemas: KnownSchemas) -> None:
    for _ in range(2):
        with pytest.raises(NotAssessed, match="--crds"):
            schemas.faults({"apiVersion": "example.com/v1", "kind": "Ship", "metadata": {"name": "a"}})


def test_a_kustomization_is_left_to_kustomize(schemas: KnownSchemas) -> None:
    assert schemas.faults({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}) == []
