"""The table of removed APIs against upstream's own schemas of each version."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from slipway.schema import REMOVALS, Schemas, deprecated, removed, supported_versions
from slipway.schema.builtin import Builtin


def item(api_version: Any, kind: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}


def test_what_one_version_drops_is_in_the_table() -> None:
    compared = 0
    for before, after in pairwise(supported_versions()):
        gone = Builtin(before).kinds.keys() - Builtin(after).kinds.keys()
        for key in gone:
            assert REMOVALS[key].version == after, key
        compared += len(gone)
    assert compared > 20


@pytest.mark.parametrize("version", supported_versions())
def test_what_is_served_is_not_called_removed(version: tuple[int, int]) -> None:
    for key in Builtin(version).kinds:
        assert removed(item(*key), version) is None, key


@pytest.mark.parametrize("version", supported_versions())
def test_what_the_table_calls_served_is_served(version: tuple[int, int]) -> None:
    kinds = Builtin(version).kinds
    for key, removal in REMOVALS.items():
        assert removal.version is not None
        if removal.version > version and removal.version <= max(supported_versions()):
            # It may be older than this version, or come later.
            assert key in kinds or any(key not in Builtin(older).kinds for older in supported_versions()), key


@pytest.mark.parametrize("version", supported_versions())
def test_what_is_to_be_used_instead_exists(version: tuple[int, int]) -> None:
    newest = Builtin(max(supported_versions())).kinds
    for removal in REMOVALS.values():
        if " " in removal.use and "/" in removal.use.split()[0]:
            api_version, kind = removal.use.split()
            gone_as_well = (api_version, kind) in REMOVALS
            renamed = kind in {"PodScheduling", "PodSchedulingContext", "ResourceClass", "ResourceClaimParameters",
                               "ResourceClassParameters"}  # fmt: skip
            assert (api_version, kind) in newest or gone_as_well or renamed, removal


@pytest.mark.parametrize(
    ("api_version", "kind", "since", "words"),
    [
        ("extensions/v1beta1", "Ingress", (1, 22), "use networking.k8s.io/v1 Ingress"),
        ("extensions/v1beta1", "Deployment", (1, 16), "use apps/v1 Deployment"),
        ("policy/v1beta1", "PodSecurityPolicy", (1, 25), "Pod Security Standards"),
        ("policy/v1beta1", "PodDisruptionBudget", (1, 25), "use policy/v1 PodDisruptionBudget"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", (1, 26), "use autoscaling/v2 HorizontalPodAutoscaler"),
        ("networking.k8s.io/v1alpha1", "ClusterCIDR", (1, 29), "nothing replaces it"),
    ],
)
def test_a_removed_api_says_since_when_and_what_to_use(
    api_version: str, kind: str, since: tuple[int, int], words: str
) -> None:
    found = removed(item(api_version, kind), since)
    assert found is not None
    assert words in str(found)
    assert f"since Kubernetes {since[0]}.{since[1]}" in str(found)
    assert removed(item(api_version, kind), (since[0], since[1] - 1)) is None


def test_a_removed_api_is_a_fault_of_the_object() -> None:
    (error,) = Schemas((1, 36)).check(item("batch/v1beta1", "CronJob"))
    assert (error.path, error.code) == (("apiVersion",), "invalid-value")
    assert error.message == "batch/v1beta1 CronJob is not served since Kubernetes 1.25: use batch/v1 CronJob"


def test_an_api_that_goes_soon_is_deprecated() -> None:
    coming = deprecated(item("storage.k8s.io/v1beta1", "VolumeAttributesClass"), (1, 36))
    assert coming is not None
    assert (coming.version, coming.use) == ((1, 37), "storage.k8s.io/v1 VolumeAttributesClass")
    assert deprecated(item("storage.k8s.io/v1beta1", "VolumeAttributesClass"), (1, 37)) is None


def test_an_api_without_an_end_may_be_deprecated() -> None:
    found = deprecated(item("v1", "Endpoints"), (1, 36))
    assert str(found) == "v1 Endpoints is deprecated: use discovery.k8s.io/v1 EndpointSlice"
    assert deprecated(item("v1", "Endpoints"), (1, 32)) is None


@pytest.mark.parametrize(("api_version", "kind"), [("apps/v1", "Deployment"), (None, None), (["v1"], {"a": 1}), (1, 2)])
def test_what_is_no_such_api_is_neither(api_version: Any, kind: Any) -> None:
    assert removed(item(api_version, kind), (1, 36)) is None
    assert deprecated(item(api_version, kind), (1, 36)) is None
