"""Waiting for an Application: what counts as arrived, and what is said when it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import CheckFailed, SlipwayError
from slipway.platform import argocd
from slipway.platform.kube import Cluster

HEAD = "c0ffee" + "0" * 34


class Recorded(Cluster):
    """A cluster that answers from a list of recorded states, the last one for ever."""

    states: list[dict[str, Any] | None]

    def get(self, kind: str, name: str = "", *, namespace: str = "") -> dict[str, Any] | None:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def recorded(*states: dict[str, Any] | None) -> Recorded:
    cluster = Recorded(Path("kubectl"), Path("kubeconfig"))
    object.__setattr__(cluster, "states", list(states))
    return cluster


def status(sync: str, health: str, revision: str, **more: Any) -> dict[str, Any]:
    return {"status": {"sync": {"status": sync, "revision": revision}, "health": {"status": health}, **more}}


def test_it_waits_for_this_commit_and_not_for_an_older_healthy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argocd, "POLL_S", 0)
    said: list[str] = []
    cluster = recorded(None, status("Synced", "Healthy", "old"), status("Synced", "Healthy", HEAD))

    seen = argocd.wait_for_application(cluster, "app1-dev", HEAD, timeout=5, say=said.append)

    assert seen.revision == HEAD
    assert said == ["not there yet", "Synced, Healthy, at old"]


def test_a_wait_that_ends_says_the_state_and_argo_cds_own_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argocd, "POLL_S", 0)
    broken = status("Unknown", "Healthy", "", conditions=[{"message": "app path does not exist"}])

    with pytest.raises(CheckFailed, match=r"Unknown, Healthy.*app path does not exist") as failure:
        argocd.wait_for_application(recorded(broken), "app1-dev", HEAD, timeout=0, say=lambda _: None)
    assert failure.value.code == "NOT_SYNCED"


def test_a_password_that_is_not_there_is_explained() -> None:
    with pytest.raises(SlipwayError, match="has not started yet, or the password was changed"):
        argocd.initial_password(recorded(None))
