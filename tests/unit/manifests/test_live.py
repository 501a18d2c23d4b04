"""A live namespace: what is kept, and that no Secret's value is. The cluster itself is tested with the sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SlipwayError, UsageError
from slipway.manifests import live
from slipway.manifests.live import without_secret_values, written_objects

Object = dict[str, Any]
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "login",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data": "hunter2"}', "team": "a"},
    },
    "data": {"password": "aHVudGVyMg=="},
    "stringData": {"user": "hunter2"},
}

# Answers as kubectl would, from one file: {arguments -> [exit status, stdout, stderr]}.
KUBECTL = """\
#!{python}
import json, sys
from pathlib import Path
words = [word for word in sys.argv[1:] if not word.startswith("--request-timeout")]
assert words[:2] == ["--kubeconfig", "config"], words
for key, (status, out, err) in json.loads(Path({answers!r}).read_text()).items():
    if " ".join(words[2:]).startswith(key):
        print(out)
        print(err, file=sys.stderr)
        sys.exit(status)
sys.exit("unexpected: " + " ".join(words))
"""


def thing(kind: str, name: str, **more: Any) -> Object:
    metadata = {"name": name, "managedFields": [{}], **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "status": {}, **more}


def kubectl(tmp_path: Path, answers: dict[str, tuple[int, str, str]]) -> Path:
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable, answers=str(tmp_path / "answers.json")))
    program.chmod(0o755)
    return program


def test_of_a_secret_only_the_names_of_its_keys_stay() -> None:
    found = without_secret_values(json.loads(json.dumps(SECRET)))
    assert found["data"] == {"password": ""}
    assert found["stringData"] == {"user": ""}
    assert found["metadata"]["annotations"] == {"team": "a"}
    assert "hunter2" not in json.dumps(found)
    assert "aHVudGVyMg" not in json.dumps(found)


def test_a_secret_of_an_odd_form_keeps_nothing() -> None:
    assert without_secret_values({"kind": "Secret", "metadata": None, "data": None})["data"] is None


def test_what_controllers_and_the_cluster_made_is_left_out() -> None:
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    kept = written_objects(
        [
            thing("Deployment", "web"),
            thing("ReplicaSet", "web-1", metadata={"ownerReferences": [owner]}),
            thing("ConfigMap", "shared", metadata={"ownerReferences": [owner | {"controller": False}]}),
            thing("ConfigMap", "kube-root-ca.crt"),
            thing("ServiceAccount", "default"),
            thing("ServiceAccount", "web"),
            thing("Secret", "sh.helm.release.v1.web.v1", type="helm.sh/release.v1"),
            {"kind": "Pod"},
        ]
    )
    assert [item["metadata"]["name"] for item in kept] == ["web", "shared", "web"]
    assert all("status" not in item and "managedFields" not in item["metadata"] for item in kept)


def test_a_namespace_is_read_with_what_may_be_listed(tmp_path: Path) -> None:
    items = {"kind": "List", "items": [thing("ConfigMap", "settings"), SECRET]}
    program = kubectl(
        tmp_path,
        {
            "get namespaces shop": (0, json.dumps(thing("Namespace", "shop")), ""),
            "api-resources": (1, "configmaps\nsecrets\nevents\nleases.coordination.k8s.io\npods\n", "metrics: away"),
            "get configmaps,pods,secrets --namespace shop --chunk-size=200 --output=json": (
                1,
                json.dumps(items),
                "Error from server (Forbidden): pods is forbidden",
            ),
        },
    )
    batch = live("shop", program, Path("config"))
    assert [(item["kind"], item["metadata"]["name"]) for item in batch.objects] == [
        ("Namespace", "shop"),
        ("ConfigMap", "settings"),
        ("Secret", "login"),
    ]
    assert [document.file for document in batch.documents] == ["namespace shop"] * 3
    assert batch.documents[0].line(("metadata",)) is None
    assert [problem.code for problem in batch.problems] == ["NOT_READABLE"] * 2
    assert [problem.message for problem in batch.problems] == [
        "metrics: away",
        "Error from server (Forbidden): pods is forbidden",
    ]
    assert "aHVudGVyMg" not in repr(batch)


def test_an_unknown_namespace_is_a_usage_error(tmp_path: Path) -> None:
    program = kubectl(
        tmp_path,
        {
            "get namespaces shpo": (1, "", 'Error from server (NotFound): namespaces "shpo" not found'),
            "get namespaces -o name": (0, "namespace/shop\nnamespace/default\n", ""),
        },
    )
    with pytest.raises(UsageError) as error:
        live("shpo", program, Path("config"))
    assert (error.value.code, error.value.remedy) == ("UNKNOWN_NAMESPACE", "there are: shop")


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path) -> None:
    program = kubectl(tmp_path, {"get namespaces": (1, "", "The connection to the server was refused")})
    with pytest.raises(SlipwayError, match="refused") as error:
        live("shop", program, Path("config"))
    assert error.value.code == "CLUSTER"


@pytest.mark.parametrize(
    ("said", "told"), [("I1 cache\nunable to reach metrics\n", "unable to reach metrics"), ("", "1")]
)
def test_a_namespace_whose_kinds_are_not_known_is_not_whole(tmp_path: Path, said: str, told: str) -> None:
    answers = {
        "get namespaces shop": (0, json.dumps(thing("Namespace", "shop")), ""),
        "api-resources": (1, "", said),
    }
    (problem,) = live("shop", kubectl(tmp_path, answers), Path("config")).problems
    assert problem.code == "NOT_READABLE"
    assert problem.message.endswith(told)
