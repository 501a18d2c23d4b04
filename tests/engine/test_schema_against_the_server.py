"""The offline schema check gives the verdict of a real API server (`kubectl apply --dry-run=server --validate=strict`).

Each fault is one edit of the good application. The server may refuse more than a schema can say (a selector that does
not match its template); such faults belong to rules and are not here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from slipway.rules import Object, format_path
from slipway.rules.cases import good_application, parse_path
from slipway.rules.shape import name_of, namespace_of
from slipway.schema import Schemas
from tests.engine.conftest import Api
from tests.engine.gates import Gates

CONTAINER = "spec.template.spec.containers[0]"
# Object, path, value: what no API server takes.
FAULTS: list[tuple[str, str, Any]] = [
    ("Deployment/web", "spec.replica", 3),
    ("Deployment/web", "spec.replicas", "three"),
    ("Deployment/web", "spec.replicas", 1.5),
    ("Deployment/web", "spec.template.spec.containers", {"name": "web"}),
    ("Deployment/web", f"{CONTAINER}.imag", "web:1"),
    ("Deployment/web", f"{CONTAINER}.image", 17),
    ("Deployment/web", f"{CONTAINER}.imagePullPolicy", "Sometimes"),
    ("Deployment/web", f"{CONTAINER}.ports[0].containerPort", "http"),
    ("Deployment/web", f"{CONTAINER}.env", [{"name": "A", "value": 1}]),
    ("Deployment/web", f"{CONTAINER}.env", [{"name": "A", "value": True}]),
    ("Deployment/web", f"{CONTAINER}.securityContext.runAsUser", "10001"),
    ("Deployment/web", f"{CONTAINER}.securityContext.privilegd", True),
    ("Deployment/web", f"{CONTAINER}.resources.limits", ["64Mi"]),
    ("Deployment/web", f"{CONTAINER}.readinessProbe.httpGet.port", None),
    ("Deployment/web", "metadata.labels", ["web"]),
    ("Deployment/web", "metadata.annotations", {"a": 1}),
    ("Deployment/web", "metadata.name", "Not_A_Name"),
    ("Deployment/web", "spec.strategy.type", "Rolling"),
    ("Service/web", "spec.ports[0].port", "80"),
    ("Service/web", "spec.type", "Loadbalancer"),
    ("Service/web", "spec.selector", "web"),
    ("Service/web", "spec.port", 80),
    ("ConfigMap/web-config", "data", {"A": 1}),
    ("ConfigMap/web-config", "data", ["A"]),
    ("PodDisruptionBudget/web", "spec.maxUnavailable", True),
    ("NetworkPolicy/web", "spec.policyTypes", "Ingress"),
    ("NetworkPolicy/web", "spec.ingres", []),
    ("CronJob/report", "spec.schedule", 3),
    ("CronJob/report", "spec.concurrencyPolicy", "Never"),
    ("Ingress/web", "spec.rules[0].http.paths[0].pathType", "Regex"),
    ("HorizontalPodAutoscaler/api", "spec.maxReplicas", None),
    ("Role/web", "rules", {"verbs": ["get"]}),
    ("RoleBinding/web", "roleRef", None),
    ("PersistentVolumeClaim/uploads", "spec.accessModes", "ReadWriteOnce"),
    ("StatefulSet/db", "spec.template", None),
]
SCHEMAS = Schemas()
BUILT_IN = [item for item in good_application() if SCHEMAS.knows(item)]


def _named(key: str) -> Object:
    kind, name = key.split("/")
    return next(item for item in good_application() if (item["kind"], name_of(item)) == (kind, name))


def _edited(key: str, path: str, value: Any) -> Object:
    item = target = copy.deepcopy(_named(key))
    parts = parse_path(path)
    for part in parts[:-1]:
        target = target.setdefault(part, {}) if isinstance(target, dict) else target[part]
    target[parts[-1]] = value
    return item


@pytest.fixture(scope="module")
def gates(api: Api) -> Iterator[Gates]:
    asked = Gates(api)
    namespace = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    api.kubectl("apply", "--server-side", "-f", "-", given=namespace)
    yield asked
    asked.close()


def _accepted(gates: Gates, item: Object) -> bool:
    version = item["apiVersion"]
    plural, namespaced = gates.plural(version, item["kind"])
    place = f"namespaces/{namespace_of(item)}/" if namespaced else ""
    group = f"apis/{version}" if "/" in version else f"api/{version}"
    status, _, answer = gates.request("POST", f"/{group}/{place}{plural}?dryRun=All&fieldValidation=Strict", item)
    assert status in (201, 400, 409, 422), answer
    return status in (201, 409)


@pytest.mark.parametrize("item", BUILT_IN, ids=lambda item: f"{item['kind']}-{name_of(item)}")
def test_what_the_server_takes_has_no_schema_fault(item: Object, gates: Gates) -> None:
    assert _accepted(gates, item)
    assert [f"{format_path(error.path)}: {error.message}" for error in SCHEMAS.check(item)] == []


@pytest.mark.parametrize(("key", "path", "value"), FAULTS, ids=lambda value: str(value).replace("/", "-")[:60])
def test_what_the_server_refuses_has_a_schema_fault(key: str, path: str, value: Any, gates: Gates) -> None:
    item = _edited(key, path, value)
    assert not _accepted(gates, item)
    assert SCHEMAS.check(item)
