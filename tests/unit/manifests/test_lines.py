"""A finding is shown at the line that holds it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.manifests import Batch, Document, Path, read_bytes
from slipway.manifests.lines import Source, parsed_lines

MANIFEST = """\
# The shop's front end.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, "tier": front}
spec:
  template:
    spec:
      containers:
      - name: web
        image: "web:1"

        # What it asks for.
        resources:
          limits:
            cpu: 1
        args:
        - --a
        - |
          name: not a key
          - no item
      -
        name: two
        'image': two:1
        env:
          - {name: A, value: "1"}
          - name: B
            value: b
"""
SPEC = ("spec", "template", "spec", "containers")


def documents(text: str, file: str = "web.yaml") -> list[Document]:
    batch = Batch()
    read_bytes(text.encode(), file, batch)
    assert batch.problems == []
    return batch.documents


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("kind",), 3),
        (("metadata", "name"), 5),
        (("metadata", "labels"), 6),
        (("metadata", "labels", "tier"), 6),
        ((*SPEC,), 10),
        ((*SPEC, 0), 11),
        ((*SPEC, 0, "name"), 11),
        ((*SPEC, 0, "image"), 12),
        ((*SPEC, 0, "resources", "limits", "cpu"), 17),
        ((*SPEC, 0, "args", 1), 20),
        ((*SPEC, 1), 24),
        ((*SPEC, 1, "image"), 25),
        ((*SPEC, 1, "env", 0, "value"), 27),
        ((*SPEC, 1, "env", 1, "value"), 29),
    ],
)
def test_a_path_has_its_line(path: Path, line: int) -> None:
    (document,) = documents(MANIFEST)
    assert document.line(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((*SPEC, 0, "resources", "limits", "memory"), 16),
        ((*SPEC, 0, "securityContext", "runAsNonRoot"), 11),
        ((*SPEC, 7, "image"), 10),
        (("metadata", "annotations", "a/b"), 4),
        (("status",), 2),
        (("kind", "x"), 3),
        (("metadata", 0), 4),
    ],
)
def test_what_is_not_there_has_the_line_of_its_parent(path: Path, line: int) -> None:
    (document,) = documents(MANIFEST)
    assert document.line(path) == line


def test_every_document_of_a_file_has_its_own_lines() -> None:
    text = "---\n" + MANIFEST + "---\n# nothing\n---\n" + MANIFEST + "...\n--- # third\n" + MANIFEST
    starts = [document.line(("metadata", "name")) for document in documents(text)]
    names = [number for number, line in enumerate(text.splitlines(), 1) if line == "  name: web"]
    assert starts == names


def test_the_items_of_a_list_keep_their_lines() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: a}
- apiVersion: v1
  kind: List
  items:
    - apiVersion: v1
      kind: Secret
      metadata:
        name: b
"""
    first, second = documents(text)
    assert [first.object["kind"], second.object["kind"]] == ["ConfigMap", "Secret"]
    assert [first.line(), first.line(("metadata", "name")), second.line(), second.line(("metadata", "name"))] == [
        4,
        6,
        10,
        13,
    ]


def test_windows_line_ends_count_once() -> None:
    (document,) = documents(MANIFEST.replace("\n", "\r\n"))
    assert document.line((*SPEC, 1, "env", 1, "value")) == 29


def test_json_has_lines_too() -> None:
    text = '{\n  "apiVersion": "v1",\n  "kind": "Pod",\n\t"metadata": {\n    "name": "\\ud83d\\ude00"\n  }\n}\n'
    (document,) = documents(text, "pod.json")
    assert document.object["metadata"]["name"] == "😀"
    assert document.line(("kind",)) == 3


def test_a_merged_key_is_not_taken_for_its_namesake_further_down() -> None:
    text = "apiVersion: v1\nkind: A\nx: &a\n  k: 1\nz:\n  <<: *a\nw:\n  k: 2\n"
    (document,) = documents(text)
    assert [document.line(path) for path in (("z", "k"), ("w", "k"))] == [5, 8]


def test_what_an_anchor_stands_for_is_shown_where_it_is_used() -> None:
    text = "apiVersion: v1\nkind: A\nx: &a\n  k: 1\nz:\n  <<: *a\nw: *a\nyes: b\n"
    (document,) = documents(text)
    assert [document.line(path) for path in (("x", "k"), ("z", "k"), ("w", "k"), ("true",))] == [4, 5, 7, 8]


names = st.text(st.sampled_from("abc.-/ :#'\""), min_size=1, max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from("ab \n:#-'\"{}[]|"), max_size=30)
nodes = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


def paths(node: Any, path: Path = ()) -> list[Path]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in inner for found in paths(value, (*path, key)))]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, nodes, min_size=1, max_size=4), st.booleans())
def test_the_quick_way_to_a_line_agrees_with_the_parser(value: dict[str, Any], indented: bool) -> None:
    class Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            return super().increase_indent(flow, indentless and not indented)

    text = yaml.dump(value, Dumper=Indented, width=30).encode()
    source = Source(b"#\n" + text, 2, 2 + len(text), 2)
    parsed = parsed_lines(source)
    for path in paths(value):
        assert source.line(path) == 2 + parsed[path], path
