"""Objects of the built-in kinds against upstream's schemas."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from slipway.errors import UsageError
from slipway.schema import Schemas, supported_versions
from slipway.schema.builtin import Builtin
from slipway.schema.tighten import _FIELDS

Object = dict[str, Any]
DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}, "creationTimestamp": None},
    "spec": {
        "replicas": 2,
        "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": {"Example.com/x": "a b\nc"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "command": None,
                        "args": ["--a"],
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "resources": {"limits": {"cpu": 0.5, "memory": "128Mi"}, "requests": {"cpu": 1}},
                        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
                        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
                        "env": [{"name": "A", "value": None}],
                    }
                ],
                "nodeSelector": None,
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
    "status": {},
}
CONTAINER = ("spec", "template", "spec", "containers", 0)


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas((1, 36))


def changed(path: tuple[str | int, ...], value: Any) -> Object:
    item = copy.deepcopy(DEPLOYMENT)
    node: Any = item
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return item


@pytest.mark.parametrize("version", supported_versions())
def test_a_good_deployment_is_valid_in_every_version(version: tuple[int, int]) -> None:
    assert Schemas(version).check(DEPLOYMENT) == []


@pytest.mark.parametrize("version", supported_versions())
def test_every_kind_of_every_version_can_be_checked(version: tuple[int, int]) -> None:
    schemas = Schemas(version)
    for api_version, kind in Builtin(version).kinds:
        item = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "nonsense": 1}
        assert [error.path for error in schemas.check(item) if error.code == "unknown-field"] == [("nonsense",)]


@pytest.mark.parametrize("version", [(1, 36), (1, 37)])
def test_what_is_tightened_exists(version: tuple[int, int]) -> None:
    builtin = Builtin(version)
    for definition, field in ((name, field) for name, fields in _FIELDS.items() for field in fields):
        assert field in builtin.definitions([definition])[definition]["properties"], (definition, field)


@pytest.mark.parametrize(
    ("path", "value", "code", "message"),
    [
        ((*CONTAINER, "imag"), "a", "unknown-field",
         'unknown field "spec.template.spec.containers[0].imag" (did you mean image?)'),
        ((*CONTAINER, "livenessprobe"), {}, "unknown-field",
         'unknown field "spec.template.spec.containers[0].livenessprobe" (did you mean livenessProbe?)'),
        (("spec", "zzz"), 1, "unknown-field", 'unknown field "spec.zzz"'),
        (("spec", "replicas"), "two", "wrong-type", 'expected integer, got string "two"'),
        (("spec", "replicas"), 1.5, "wrong-type", "expected integer, got number 1.5"),
        (("spec", "replicas"), True, "wrong-type", "expected integer, got boolean true"),
        (("spec", "replicas"), -1, "invalid-value", "-1 is less than 0"),
        (("spec", "replicas"), 2**31, "invalid-value", "2147483648 is more than 2147483647"),
        (("spec",), [], "wrong-type", "expected mapping, got list"),
        (("spec", "selector"), ..., "missing", 'missing required field "spec.selector"'),
        (("spec", "selector"), None, "missing", 'missing required field "spec.selector"'),
        (("spec",), ..., "missing", 'missing required field "spec"'),
        (("metadata",), ..., "missing", 'missing required field "metadata"'),
        (("metadata", "name"), ..., "missing", 'missing required field "metadata.name"'),
        (("metadata", "name"), "Web_1", "invalid-value",
         '"Web_1": expected lower-case letters, digits, \'-\' and \'.\', beginning and ending with a letter or digit'),
        (("metadata", "labels", "app"), "a b", "invalid-value",
         '"a b": expected at most 63 letters, digits, \'-\', \'_\' and \'.\', a letter or digit at both ends'),
        (("metadata", "labels", "-a"), "b", "invalid-value",
         'invalid key "-a": expected an optional lower-case domain and \'/\', then at most 63 letters, digits, \'-\','
         " '_' and '.'"),
        (("metadata", "labels", "a"), True, "wrong-type", "expected string, got boolean true"),
        ((*CONTAINER, "ports", 0, "containerPort"), 80800, "invalid-value", "80800 is more than 65535"),
        ((*CONTAINER, "ports", 0, "containerPort"), ..., "missing",
         'missing required field "spec.template.spec.containers[0].ports[0].containerPort"'),
        ((*CONTAINER, "imagePullPolicy"), "Allways", "invalid-value",
         '"Allways" is none of "Always", "Never", "IfNotPresent" (did you mean Always?)'),
        ((*CONTAINER, "resources", "limits", "memory"), "128MB", "invalid-value",
         '"128MB": expected a quantity such as 100m, 0.5, 128Mi or 1G'),
        ((*CONTAINER, "livenessProbe", "httpGet", "port"), 1.5, "wrong-type",
         "expected integer or string, got number 1.5"),
        ((*CONTAINER, "image"), ..., "missing", 'missing required field "spec.template.spec.containers[0].image"'),
        ((*CONTAINER, "env"), {"A": "b"}, "wrong-type", "expected list, got mapping"),
        ((*CONTAINER, "args", 0), 5, "wrong-type", "expected string, got number 5"),
        ((*CONTAINER,), None, "wrong-type", "expected mapping, got null"),
        (("spec", "template", "spec", "containers"), [], "invalid-value", "expected at least 1 item, got 0"),
        (("metadata", "creationTimestamp"), "today", "invalid-value",
         '"today": expected a time such as 2030-01-31T12:00:00Z'),
        (("apiVersion",), "v1", "invalid-value",
         "Deployment is no kind of v1 in Kubernetes 1.36 (did you mean apps/v1?)"),
        (("kind",), "Deploymnet", "invalid-value",
         "apps/v1 has no kind Deploymnet in Kubernetes 1.36 (did you mean Deployment?)"),
        (("apiVersion",), "apps/v1beta1", "invalid-value",
         "apps/v1beta1 Deployment is not served since Kubernetes 1.16: use apps/v1 Deployment"),
        (("apiVersion",), ..., "missing", 'missing required field "apiVersion"'),
        (("kind",), ["Pod"], "wrong-type", "expected string, got a list"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_path(
    schemas: Schemas, path: tuple[str | int, ...], value: Any, code: str, message: str
) -> None:
    (error,) = schemas.check(changed(path, value))
    assert (error.path, error.code, error.message) == (path, code, message)


def test_every_fault_of_an_object_is_told(schemas: Schemas) -> None:
    item = changed(("spec", "replicas"), "two")
    item["spec"]["template"]["spec"]["containers"][0] |= {"imag": "a", "tty": "yes"}
    assert {error.path[-1] for error in schemas.check(item)} == {"replicas", "imag", "tty"}


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "good"),
    [
        ("v1", "Pod", "a.b-c", True),
        ("v1", "Pod", "a_b", False),
        ("v1", "Namespace", "a.b", False),
        ("v1", "Service", "1a", True),
        ("v1", "Service", "a.b", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "system:Node/x", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "system:Node", True),
        ("rbac.authorization.k8s.io/v1", "Role", "..", False),
        ("batch/v1", "CronJob", "a" * 53, False),
        ("v1", "ConfigMap", "a" * 253, True),
        ("v1", "ConfigMap", "a" * 254, False),
    ],
)
def test_names_have_the_syntax_of_their_kind(
    schemas: Schemas, api_version: str, kind: str, name: str, good: bool
) -> None:
    item = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    faults = [error for error in schemas.check(item) if error.path == ("metadata", "name")]
    assert (faults == []) == good


def test_a_service_could_not_begin_with_a_digit_before_1_36() -> None:
    item = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "1a"}, "spec": {"ports": [{"port": 80}]}}
    assert [error.path for error in Schemas((1, 35)).check(item)] == [("metadata", "name")]
    assert Schemas((1, 36)).check(item) == []


def test_an_object_may_ask_for_a_name(schemas: Schemas) -> None:
    job = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}
    assert schemas.check(job) == []


def test_a_review_needs_no_name(schemas: Schemas) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x"}}
    assert schemas.check(review) == []


def test_annotations_have_a_limit(schemas: Schemas) -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"a": "x" * 262_144}}}
    (error,) = schemas.check(item)
    assert error.path == ("metadata", "annotations")
    assert "262,145 characters" in error.message


def test_a_secret_holds_base64(schemas: Schemas) -> None:
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "aGk=", "b": "${B}"}}
    (error,) = schemas.check(item)
    message = "a string: expected base64; write plain text under stringData"
    assert (error.path, error.message) == (("data", "b"), message)


def test_a_kind_of_an_unknown_group_is_not_assessed(schemas: Schemas) -> None:
    ship = {"apiVersion": "example.com/v1", "kind": "Ship"}
    assert not schemas.knows(ship)
    assert schemas.check(ship) == []
    assert schemas.knows({"apiVersion": "apps/v1", "kind": "Ship"})
    assert schemas.knows({"apiVersion": "extensions/v1beta1", "kind": "Ingress"})


def test_a_version_without_schemas_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"no schemas of Kubernetes 1\.10") as error:
        Schemas((1, 10))
    assert "1.25" in error.value.remedy


def test_a_valid_deployment_is_checked_in_microseconds(schemas: Schemas) -> None:
    schemas.check(DEPLOYMENT)
    rounds = 2000
    started = time.process_time()
    for _ in range(rounds):
        schemas.check(DEPLOYMENT)
    # 9 µs on the machine it was written on; the aim is 30.
    assert (time.process_time() - started) / rounds < 100e-6
