"""What Argo CD would prune, from the objects before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.preview import Environment, Pruned, compare, pruned
from slipway.preview.overlays import lost


def thing(kind: str, name: str, version: str = "v1", namespace: str = "shop", **annotations: str) -> dict[str, Any]:
    named = {key.replace("_", "/"): value for key, value in annotations.items()}
    metadata = {"name": name, "namespace": namespace, "annotations": named}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


SYNC = "argocd.argoproj.io_sync-options"


def test_an_object_that_is_gone_is_pruned() -> None:
    web = thing("Deployment", "web", "apps/v1")

    assert pruned([web, thing("Service", "web")], [web]) == [Pruned("Service", "shop", "web")]


def test_a_changed_object_is_not_pruned() -> None:
    before, after = thing("Service", "web"), thing("Service", "web") | {"spec": {"type": "NodePort"}}

    assert pruned([before], [after]) == []


def test_another_version_of_the_same_kind_is_the_same_object() -> None:
    before = thing("HorizontalPodAutoscaler", "web", "autoscaling/v1")

    assert pruned([before], [thing("HorizontalPodAutoscaler", "web", "autoscaling/v2")]) == []


@pytest.mark.parametrize(
    "after",
    [
        thing("Ingress", "web", "networking.k8s.io/v1"),
        thing("Ingress", "web", "extensions/v1beta1", namespace="other"),
        thing("Ingress", "other", "extensions/v1beta1"),
        thing("IngressClass", "web", "extensions/v1beta1"),
    ],
    ids=["group", "namespace", "name", "kind"],
)
def test_another_group_kind_namespace_or_name_is_another_object(after: dict[str, Any]) -> None:
    assert pruned([thing("Ingress", "web", "extensions/v1beta1")], [after]) == [
        Pruned("Ingress.extensions", "shop", "web")
    ]


def test_a_generated_config_map_has_its_successor_named() -> None:
    found = pruned([thing("ConfigMap", "settings-2b4c6d8f9g")], [thing("ConfigMap", "settings-7h8k9m2t4b")])

    assert found == [Pruned("ConfigMap", "shop", "settings-2b4c6d8f9g", successor="settings-7h8k9m2t4b")]


def test_a_new_object_of_another_stem_is_no_successor() -> None:
    (found,) = pruned([thing("ConfigMap", "settings-2b4c6d8f9g")], [thing("ConfigMap", "other-7h8k9m2t4b")])

    assert found.successor == ""


@pytest.mark.parametrize("option", ["Prune=false", "Prune=confirm"])
def test_the_sync_option_that_keeps_an_object_is_told(option: str) -> None:
    claim = thing("PersistentVolumeClaim", "data", **{SYNC: f"ServerSideApply=true, {option}"})

    assert pruned([claim], [])[0].kept == option


@pytest.mark.parametrize(
    ("annotation", "value", "gone"),
    [
        ("argocd.argoproj.io_hook", "PreSync", False),
        ("helm.sh_hook", "pre-install", False),
        ("helm.sh_hook", "crd-install", True),
    ],
)
def test_hooks_are_not_pruned(annotation: str, value: str, gone: bool) -> None:
    assert bool(pruned([thing("Job", "migrate", "batch/v1", **{annotation: value})], [])) is gone


@given(st.lists(st.sampled_from([thing(k, n) for k in ("Service", "Secret") for n in "abc"] + [{"kind": "x"}, {}])))
def test_nothing_is_pruned_when_nothing_goes(objects: list[dict[str, Any]]) -> None:
    assert pruned(objects, objects) == []
    assert pruned([], objects) == []


def test_odd_shapes_are_passed_over() -> None:
    odd: list[dict[str, Any]] = [
        {"kind": "A", "metadata": None},
        {"kind": 1, "metadata": {"name": "x"}},
        {"kind": "A", "metadata": []},
    ]

    assert pruned(odd, []) == []


def test_an_overlay_that_is_gone_takes_its_application_along() -> None:
    found = compare("dev", {"app1": [], "app2": [thing("Service", "x")]}, {"app1": []}, automatic=True)

    assert found == Environment("dev", automatic=True, applications=("app2",))


def tree(root: Path, *overlays: str) -> Path:
    for overlay in overlays:
        application, environment = overlay.split("/")
        (root / "apps" / application / "k8s" / "overlays" / environment).mkdir(parents=True)
    return root


def test_each_environment_is_compared_with_itself(tmp_path: Path) -> None:
    before = tree(tmp_path / "before", "app1/dev", "app1/prod", "app2/prod")
    after = tree(tmp_path / "after", "app1/dev", "app1/prod", "app3/dev")
    dropped = after / "apps/app1/k8s/overlays/prod"

    def render(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
        return ([] if folder == dropped else [thing("Service", "web")]), []

    assert lost(before, after, {"dev": True, "prod": False}, render) == [
        Environment("dev", automatic=True),
        Environment(
            "prod", automatic=False, objects=(("app1", Pruned("Service", "shop", "web")),), applications=("app2",)
        ),
    ]


@pytest.mark.parametrize("broken", ["before", "after"])
def test_an_overlay_that_cannot_be_rendered_is_not_known(tmp_path: Path, broken: str) -> None:
    before, after = tree(tmp_path / "before", "app1/dev"), tree(tmp_path / "after", "app1/dev")

    def render(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
        return ([], ["no such base"]) if broken in folder.relative_to(tmp_path).parts else ([thing("Service", "x")], [])

    (found,) = lost(before, after, {"dev": True}, render)
    assert found.unknown == (f"app1, {broken}: no such base",)
    assert found.objects == ()
    assert found.applications == ()
