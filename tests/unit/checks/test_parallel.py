"""Two processes say what one says, in the same order, and of the same documents."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import pytest

from slipway.checks import parallel
from slipway.rules import RULES, Engine, Object, Path
from slipway.rules.cases import good_application


@dataclass(frozen=True)
class _Document:
    object: Object
    file: str

    def line(self, path: Path) -> int | None:
        return None


def _documents(count: int) -> list[_Document]:
    """Good applications, of which every third lost its limits and has an exemption."""
    documents = []
    for number in range(count):
        for item in good_application():
            if item["kind"] == "Deployment" and number % 3 == 0:
                del item["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
                item["metadata"]["annotations"] = {
                    "exempt.slipway.dev/memory-limit-missing": "a test until=2099-01-01",
                }
            documents.append(_Document(item, f"{number}.yaml"))
    return documents


@pytest.fixture
def engine() -> Engine:
    return Engine([rule for rule in RULES.values() if not rule.id.startswith("schema-")])


def test_shares_are_joined_to_what_one_process_finds(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORTH_IT", 10)
    documents = _documents(7)
    alone, shared = engine.run(documents), parallel.run(engine, documents, cores=3)

    assert alone.findings
    assert [finding.exemption for finding in alone.findings if finding.exemption]
    assert shared.findings == alone.findings
    assert all(a.source is b.source for a, b in zip(alone.findings, shared.findings, strict=True))
    assert shared.applied == alone.applied
    assert shared.used == alone.used
    assert shared.objects == alone.objects == len(documents)
    assert shared.not_assessed == alone.not_assessed


def test_a_share_of_a_child_that_was_killed_is_not_lost(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "WORTH_IT", 10)
    documents = _documents(3)
    here, packed = os.getpid(), parallel._packed

    def killed(*share: Any) -> Any:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return packed(*share)

    monkeypatch.setattr(parallel, "_packed", killed)
    assert parallel.run(engine, documents, cores=2).findings == engine.run(documents).findings


def test_few_objects_are_judged_here(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "shared", None)
    assert parallel.run(engine, _documents(1), cores=8).objects == len(good_application())
