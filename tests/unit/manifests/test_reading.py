"""What is read from files, folders and standard input, and what is left out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slipway.errors import UsageError
from slipway.manifests import Batch, Limits, read, read_bytes

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        place = folder / name.replace("__", "/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def names(batch: Batch) -> list[str]:
    return [item["metadata"]["name"] for item in batch.objects]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_read_in_the_order_of_its_names(folder: Path) -> None:
    for name in ("b/z.yaml", "b/a.yml", "a.json", "c.yaml"):
        place = folder / "k8s" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}})
        place.write_text(text if name.endswith("json") else POD.format(name=name))
    batch = read(["k8s"])
    assert names(batch) == ["a.json", "c.yaml", "b/a.yml", "b/z.yaml"]
    assert [document.file for document in batch.documents] == [f"k8s/{name}" for name in names(batch)]
    assert batch.files == [f"k8s/{name}" for name in names(batch)]
    assert batch.problems == []


def test_a_folder_may_hold_what_is_no_object(folder: Path) -> None:
    write(
        folder,
        **{
            "k8s__pod.yaml": POD.format(name="web") + "---\nreplicas: 3\n---\n- a\n---\n# nothing\n",
            "k8s__values.yaml": "image: {tag: x}\n",
            "k8s__kustomization.yaml": "resources: [pod.yaml]\n",
            "k8s__README.md": "apiVersion: v1\n",
            "k8s__empty.yaml": "",
            "k8s__.hidden__pod.yaml": POD.format(name="hidden"),
            "k8s__node_modules__x__pod.yaml": POD.format(name="module"),
            "k8s__chart__Chart.yaml": "name: chart\n",
            "k8s__chart__templates__pod.yaml": "name: {{ .Values.name }}\n",
        },
    )
    batch = read(["k8s"])
    assert (names(batch), batch.problems) == (["web"], [])
    assert batch.skipped == [
        "k8s/kustomization.yaml: a kustomization",
        "k8s/pod.yaml:6: a mapping without apiVersion and kind",
        "k8s/pod.yaml:8: a list, where a Kubernetes object belongs",
        "k8s/values.yaml:1: a mapping without apiVersion and kind",
        "k8s/chart: a Helm chart; read what `helm template` makes of it",
    ]


@pytest.mark.parametrize(
    ("name", "text", "code", "line"),
    [
        ("values.yaml", "# v\nimage: x\n", "NOT_KUBERNETES", 2),
        (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "NOT_KUBERNETES",
            1,
        ),
        ("list.yaml", "- a\n", "NOT_AN_OBJECT", 1),
        ("text.yaml", "hello\n", "NOT_AN_OBJECT", 1),
        ("empty.yaml", "", "EMPTY", 1),
        ("comments.yaml", "# a\n---\n# b\n", "EMPTY", 1),
    ],
)
def test_a_file_that_is_named_must_hold_objects(folder: Path, name: str, text: str, code: str, line: int) -> None:
    write(folder, **{name: text})
    (problem,) = read([name]).problems
    assert (problem.file, problem.line, problem.code) == (name, line, code)


def test_an_object_with_half_of_its_type_is_a_problem_in_a_folder_too(folder: Path) -> None:
    write(folder, k8s__a=" ", **{"k8s__a.yaml": "kind: Pod\n", "k8s__b.yaml": "apiVersion: v1\nkind: 5\n"})
    problems = read(["k8s"]).problems
    assert [(problem.file, problem.line, problem.code, problem.message) for problem in problems] == [
        ("k8s/a.yaml", 1, "NO_KIND", "apiVersion is missing"),
        ("k8s/b.yaml", 2, "NO_KIND", "kind is a number"),
    ]


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(POD.format(name="web").encode())))
    (document,) = read(["-"]).documents
    assert (document.file, document.line(("metadata", "name"))) == ("stdin", 4)


def test_a_pipe_of_the_shell_is_read(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(POD.format(name="web"),))
    writer.start()
    assert names(read([pipe])) == ["web"]
    writer.join()


def test_a_path_that_is_not_there_is_a_usage_error(folder: Path) -> None:
    with pytest.raises(UsageError, match="no such file") as error:
        read(["k8s"])
    assert error.value.where == "k8s"


def test_a_file_that_cannot_be_read_is_a_problem(folder: Path) -> None:
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "gone.yaml").symlink_to("nowhere")
    problems = read(["loop.yaml", "gone.yaml", "/dev/zero"]).problems
    assert [(problem.file, problem.code) for problem in problems] == [
        ("loop.yaml", "NOT_READABLE"),
        ("gone.yaml", "NOT_READABLE"),
        ("/dev/zero", "NOT_READABLE"),
    ]


def test_links_that_lead_out_of_a_folder_are_not_followed(folder: Path) -> None:
    write(folder, **{"secret__pod.yaml": POD.format(name="secret"), "k8s__pod.yaml": POD.format(name="web")})
    (folder / "k8s" / "out.yaml").symlink_to(folder / "secret" / "pod.yaml")
    (folder / "k8s" / "folder").symlink_to(folder / "secret")
    (folder / "k8s" / "in.yaml").symlink_to("pod.yaml")
    os.mkfifo(folder / "k8s" / "waits.yaml")
    batch = read(["k8s"])
    assert names(batch) == ["web", "web"]
    assert batch.skipped == [
        "k8s/out.yaml: a link that leads out of the folder",
        "k8s/waits.yaml: no regular file",
    ]


def test_lists_become_their_items(folder: Path) -> None:
    text = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- apiVersion: v1
  kind: List
  items: [{apiVersion: v1, kind: Pod, metadata: {name: b}}]
---
apiVersion: apps/v1
kind: DeploymentList
metadata: {resourceVersion: "5"}
items:
- metadata: {name: c}
---
apiVersion: example.com/v1
kind: AllowList
metadata: {name: d}
items: [1]
---
apiVersion: v1
kind: List
"""
    write(folder, **{"all.yaml": text})
    batch = read(["all.yaml"])
    assert names(batch) == ["a", "b", "c", "d"]
    assert [(item["apiVersion"], item["kind"]) for item in batch.objects][2:] == [
        ("apps/v1", "Deployment"),
        ("example.com/v1", "AllowList"),
    ]
    assert [document.index for document in batch.documents] == [0, 0, 1, 2]
    assert batch.problems == []


def test_what_is_wrong_in_a_list_is_told_at_its_line(folder: Path) -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- x\n- {a: b}\n"
    deep = "apiVersion: v1\nkind: List\nitems: " + "[{apiVersion: v1, kind: List, items: " * 9 + "[]" + "}]" * 9
    write(folder, **{"some.yaml": text, "odd.yaml": "apiVersion: v1\nkind: List\nitems: {a: b}\n", "deep.yaml": deep})
    batch = read(["some.yaml", "odd.yaml", "deep.yaml"])
    assert names(batch) == ["a"]
    assert [(problem.file, problem.line, problem.code) for problem in batch.problems] == [
        ("some.yaml", 5, "NOT_AN_OBJECT"),
        ("some.yaml", 6, "NOT_KUBERNETES"),
        ("odd.yaml", 3, "LIST_ITEMS"),
        ("deep.yaml", 3, "LIST_NESTED"),
    ]


def test_a_duplicate_key_is_a_problem_and_the_object_is_read() -> None:
    batch = Batch()
    text = POD.format(name="a") + "spec:\n  containers:\n  - image: x\n    name: y\n    image: z\n"
    read_bytes(text.encode(), "pod.yaml", batch)
    (problem,) = batch.problems
    assert (problem.line, problem.code) == (9, "DUPLICATE_KEY")
    assert problem.message == "the key spec.containers[0].image is there twice; the last one counts"
    assert batch.objects[0]["spec"]["containers"][0]["image"] == "z"


def test_a_json_file_is_held_to_json() -> None:
    for text, line in (('{"a": 1,\n}', 2), ("a: b\n", 1), ('{"a": NaN}', 1), ('{"a": "\\ud800"}', 1)):
        batch = Batch()
        read_bytes(text.encode(), "pod.json", batch)
        assert [(problem.code, problem.line) for problem in batch.problems] == [("JSON_SYNTAX", line)], text


def test_json_in_a_yaml_file_is_read() -> None:
    batch = Batch()
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "y", "x": "z"}}}'
    read_bytes(f"---\n{text}\n---\n{text}".encode(), "pods.yaml", batch)
    assert names(batch) == ["a", "a"]
    assert [(problem.code, problem.line) for problem in batch.problems] == [("DUPLICATE_KEY", 2), ("DUPLICATE_KEY", 4)]


def test_an_unrendered_template_is_called_one() -> None:
    batch = Batch()
    read_bytes(b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n", "pod.yaml", batch)
    (problem,) = batch.problems
    assert (problem.line, problem.remedy) == (4, "it looks like a template: read what renders it")


def test_after_a_hundred_problems_a_file_is_not_read_on() -> None:
    batch = Batch()
    read_bytes(b"---\na: b\n" * 300, "bad.yaml", batch)
    assert len(batch.problems) == 101
    assert (batch.problems[-1].code, batch.problems[-1].line) == ("TOO_LARGE", 202)


def test_a_file_has_a_limit_of_documents() -> None:
    batch = Batch()
    read_bytes(f"---\n{POD.format(name='a')}".encode() * 5, "pods.yaml", batch, limits=Limits(documents=4))
    assert names(batch) == ["a", "a", "a", "a"]
    assert [problem.message for problem in batch.problems] == ["more than 4 documents: the rest is not read"]


def test_reading_writes_nothing_on_the_side(folder: Path) -> None:
    write(folder, **{"bad.yaml": "a: 'b\n", "pod.yaml": POD.format(name="web")})
    code = "import sys; from slipway.manifests import read; print(len(read(sys.argv[1:]).problems))"
    done = subprocess.run(
        [sys.executable, "-c", code, "bad.yaml", "pod.yaml"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
