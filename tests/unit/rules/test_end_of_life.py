"""The table of support dates is well formed, and versions are judged by it on any day."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from slipway.rules import RULES, Engine
from slipway.rules.end_of_life import NOTICE, OVERDUE
from slipway.rules.support import Component, support, table

Object = dict[str, Any]
IDS = ("end-of-life", "end-of-life-overdue", "end-of-life-soon")
PYTHON_3_8 = datetime.date(2024, 10, 7)
DAY = datetime.timedelta(days=1)


def pod(image: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"image": image}]}}


def verdicts(image: str, today: datetime.date) -> dict[str, str]:
    report = Engine([RULES[rule] for rule in IDS], today=today, strict=True).run([pod(image)])
    return {finding.rule: finding.message for finding in report.findings}


@pytest.mark.parametrize("component", table().components, ids=lambda component: component.name)
def test_each_component_names_its_source_and_its_cycles_follow_each_other(component: Component) -> None:
    assert component.source.startswith("https://")
    assert component.images
    assert component.cycles
    assert [cycle.parts for cycle in component.cycles] == sorted({c.parts for c in component.cycles}, reverse=True)
    for cycle in component.cycles:
        assert cycle.released is None or cycle.released <= table().as_of
        assert cycle.released is None or cycle.ends is None or cycle.released < cycle.ends


def test_an_image_belongs_to_one_component() -> None:
    images = [image for component in table().components for image in component.images]
    assert len(images) == len(set(images)) > 20


def test_images_are_named_in_full() -> None:
    assert all("." in image.partition("/")[0] for component in table().components for image in component.images)


def test_the_table_is_not_from_the_future() -> None:
    assert table().as_of <= datetime.datetime.now(datetime.UTC).date()


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (PYTHON_3_8 - NOTICE - DAY, set()),
        (PYTHON_3_8 - NOTICE, {"end-of-life-soon"}),
        (PYTHON_3_8, {"end-of-life-soon"}),
        (PYTHON_3_8 + DAY, {"end-of-life"}),
        (PYTHON_3_8 + OVERDUE, {"end-of-life"}),
        (PYTHON_3_8 + OVERDUE + DAY, {"end-of-life-overdue"}),
    ],
)
def test_a_version_is_announced_then_past_then_overdue(today: datetime.date, expected: set[str]) -> None:
    assert set(verdicts("python:3.8.20", today)) == expected


def test_a_finding_says_version_last_day_and_how_old_the_news_is() -> None:
    said = verdicts("python:3.8.20", PYTHON_3_8 + DAY)["end-of-life"]
    assert "Python 3.8's support ended on 2024-10-07" in said
    assert f"(table of {table().as_of})" in said


def test_a_version_older_than_the_table_is_not_given_a_date_of_its_own() -> None:
    said = verdicts("postgres:9.6", datetime.date(2026, 1, 1))["end-of-life-overdue"]
    assert "PostgreSQL 9.6 is older than 12, whose support ended on 2024-11-21" in said


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("docker.io/library/python:3.8", ["Python 3.8"]),
        ("python:3.8.20-slim-bullseye", ["Python 3.8", "Debian 11"]),
        ("node:18-alpine3.19", ["Node.js 18", "Alpine Linux 3.19"]),
        ("bitnami/postgresql:16.4.0-debian-12-r3", ["PostgreSQL 16", "Debian 12"]),
        ("debian:bookworm-slim", ["Debian 12"]),
        ("eclipse-temurin:17.0.9_9-jre-jammy", ["Eclipse Temurin 17", "Ubuntu 22.04"]),
        ("registry.k8s.io/kube-proxy:v1.31.4", ["Kubernetes 1.31"]),
        ("mirror.internal:5000/registry.k8s.io/kube-proxy:v1.31.4", ["Kubernetes 1.31"]),
        ("mirror.internal/argoproj/argocd:v2.14.1@sha256:ab", ["Argo CD 2.14"]),
    ],
)
def test_a_known_image_is_recognised_under_its_names(image: str, found: list[str]) -> None:
    assert [item.what for item in support(image)] == found


@pytest.mark.parametrize(
    "image",
    [
        "",
        "python",
        "python:3",
        "python:latest",
        "python@sha256:ab",
        "python:99.1",
        "python:3.8x",
        f"python:{'9' * 5000}",
        "registry.example.com/python:3.8",
        "registry.example.com/shop/python:3.8",
        "acme/my-python:3.8",
    ],
)
def test_of_an_image_that_is_not_known_or_not_exact_nothing_is_said(image: str) -> None:
    assert support(image) == ()
