"""What app1 answers."""

from __future__ import annotations

import pytest
from app1 import VERSION, create_app
from flask.testing import FlaskClient
from prometheus_client import REGISTRY


@pytest.fixture
def client() -> FlaskClient:
    return create_app("staging").test_client()


def test_app1_health_is_ok(client: FlaskClient) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok"}


def test_app1_index_names_application_environment_and_version(client: FlaskClient) -> None:
    assert client.get("/").get_json() == {"app": "app1", "environment": "staging", "version": "1.0.0"}
    assert VERSION == "1.0.0"


def test_app1_index_takes_the_environment_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")

    assert create_app().test_client().get("/").get_json()["environment"] == "prod"


def test_app1_metrics_are_not_served_with_the_application(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 404


def test_app1_unknown_paths_share_one_series(client: FlaskClient) -> None:
    for path in ("/one", "/two", "/three"):
        client.get(path)

    routes = {
        sample.labels["route"]
        for family in REGISTRY.collect()
        if family.name == "app1_http_requests"
        for sample in family.samples
    }
    assert routes <= {"/", "/health", "unknown"}
