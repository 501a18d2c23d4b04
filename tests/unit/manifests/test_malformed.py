"""More than 200 inputs that are wrong: each ends in a problem or a schema error with its file and line, and in no time.

The large ones are in test_large_inputs.py.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from slipway.manifests import Batch, read_bytes
from slipway.schema import Schemas

CPU_LIMIT_S = 5.0

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: "example.com/web:1.2.3"
          args: ['--a', "--b=c"]
          script: |
            echo "a" # b
          ports:
            - containerPort: 8080
"""
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
META = "apiVersion: v1\nkind: Pod\nmetadata:\n  "
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"


@dataclass(frozen=True)
class Case:
    """An input, and what must be said of it: a problem's code or an error's, and its line."""

    name: str
    data: bytes
    code: str = ""
    line: int | None = None
    file: str = "bad.yaml"


def text(name: str, content: str, code: str = "", line: int | None = None, file: str = "bad.yaml") -> Case:
    return Case(name, content.encode("utf-8", "surrogatepass"), code, line, file)


def unreadable() -> Iterator[Case]:
    """What is no YAML, no text, or no object."""
    yield text("empty file", "", "EMPTY", 1)
    yield text("only spaces", "   \n  \n", "EMPTY", 1)
    yield text("only comments", "# a\n# b\n", "EMPTY", 1)
    yield text("only a marker", "---", "EMPTY", 1)
    yield text("only markers", "---\n---\n...\n---\n", "EMPTY", 1)
    yield text("null", "null\n", "")
    yield text("a number", "5\n", "NOT_AN_OBJECT", 1)
    yield text("a word", "hello\n", "NOT_AN_OBJECT", 1)
    yield text("a boolean", "# c\nyes\n", "NOT_AN_OBJECT", 2)
    yield text("a list", "- a\n- b\n", "NOT_AN_OBJECT", 1)
    yield text("an empty mapping", "{}\n", "NOT_KUBERNETES", 1)
    yield text("an empty list", "[]\n", "NOT_AN_OBJECT", 1)
    yield text("no kind", "apiVersion: v1\nmetadata: {name: a}\n", "NO_KIND", 1)
    yield text("no apiVersion", "metadata: {name: a}\nkind: Pod\n", "NO_KIND", 1)
    yield text("an empty kind", "apiVersion: v1\nkind: ''\n", "NO_KIND", 2)
    yield text("a null kind", "apiVersion: v1\nkind:\n", "NO_KIND", 2)
    yield text("a kind that is a list", "apiVersion: v1\nkind: [Pod]\n", "NO_KIND", 2)
    yield text("a kind that is a mapping", "apiVersion: v1\nkind:\n  Pod: x\n", "NO_KIND", 2)
    yield text("a kind that is a boolean", "apiVersion: v1\nkind: yes\n", "NO_KIND", 2)
    yield text("an apiVersion that is a number", "apiVersion: 1\nkind: Pod\n", "NO_KIND", 1)
    yield text("an apiVersion that is a list", "kind: Pod\napiVersion: [v1]\n", "NO_KIND", 2)
    yield text("a values file", "image: {tag: a}\n", "NOT_KUBERNETES", 1)
    yield text("a template", POD + "spec: {{ .Values.spec }}\n", "YAML_KEY", 4)
    yield text("a template of a block", POD + "{{- if .Values.x }}\nspec: {}\n{{- end }}\n", "YAML_SYNTAX", 4)
    for name, line in {
        "a tab before a key": "\tspec: {}",
        "a tab in the indentation": "spec:\n\tcontainers: []",
        "an open quote": "spec: 'a",
        "an open double quote": 'spec: "a',
        "an open bracket": "spec: [a, b",
        "an open brace": "spec: {a: b",
        "a closed bracket too many": "spec: [a]]",
        "a brace for a bracket": "spec: [a}",
        "two colons": "spec: a: b",
        "text after a quote": "spec: 'a' b",
        "a bad escape": 'spec: "\\q"',
        "half of a code point": 'spec: "\\u12"',
        "a surrogate": 'spec: "\\ud800"',
        "a reserved character": "spec: @a",
        "a backtick": "spec: `a`",
        "a percent sign": "spec: %a",
        "an unknown anchor": "spec: *nowhere",
        "an anchor without a name": "spec: & a",
        "an alias without a name": "spec: *",
        "a tag without an end": "spec: !<tag a",
        "an unknown handle": "spec: !x!y a",
        "a list within a mapping": "spec:\n  a: b\n  - c",
        "a mapping within a list": "spec:\n  - a\n  b: c",
        "a key without a colon": "spec",
        "an item at two indentations": "spec:\n   - a\n  - b",
        "a block scalar's odd header": "spec: |x\n  a",
        "a block scalar with a tab": "spec: |\n\ta",
        "two values": "spec: a\n b: c",
        "a dash as a value": "spec: - a",
        "a comma as a value": "spec: , a",
        "a closing brace as a value": "spec: } a",
        "a comma too many": "spec: [a,, b]",
        "a comma at the beginning": "spec: [, a]",
        "a question as a value": "spec: ? a",
        "a merge of text": "<<: text",
        "a directive within": "spec:\n%YAML 1.1\n---\n",
        "a document on the marker's line": "--- spec: a: b",
        "a second document without a marker": "spec: {}\n... x",
    }.items():
        yield text(name, POD + line + "\n", "YAML_SYNTAX")
    yield text("a mapping as a key", POD + "? {a: b}\n: c\n", "YAML_KEY", 4)
    yield text("a list as a key", POD + "[a, b]: c\n", "YAML_KEY", 4)
    yield text("a null key", POD + "~: c\n", "YAML_KEY", 4)
    yield text("a null key in a flow", POD + "spec: {~: c}\n", "YAML_KEY", 4)
    yield text("an alias as a key", POD + "x: &a {b: c}\n*a : d\n", "YAML_KEY", 5)
    yield text("infinity", POD + "spec:\n  x: .inf\n", "YAML_VALUE", 5)
    yield text("not a number", POD + "spec: {x: .nan}\n", "YAML_VALUE", 4)
    yield text("a tag that lies", POD + "spec: {x: !!int a}\n", "YAML_VALUE", 4)
    yield text("binary that is none", POD + "spec:\n  x: !!binary '***'\n", "YAML_VALUE", 5)
    yield text("an alias of itself", POD + "x: &a [*a]\n", "ALIAS_BOMB", 4)
    yield text("an alias of its mapping", POD + "x: &a\n  y: *a\n", "ALIAS_BOMB", 5)
    yield text("a merge of itself", POD + "x: &a\n  <<: *a\n", "ALIAS_BOMB", 5)
    yield text("an alias of another document", "x: &a b\n---\ny: *a\n", "NOT_KUBERNETES", 1)
    yield text("101 lists", POD + "x: " + "[" * 101 + "]" * 101, "TOO_DEEP", 4)
    yield text("101 mappings", POD + "x: " + "{a: " * 101 + "}" * 101, "TOO_DEEP", 4)
    yield text("101 dashes", POD + "x:\n  " + "- " * 101 + "a\n", "TOO_DEEP", 5)
    yield text(
        "101 indentations", "".join(f"{' ' * depth}a:\n" for depth in range(102)) + " " * 102 + "b: c", "TOO_DEEP", 101
    )
    yield text("100 open brackets", "[" * 100, "YAML_SYNTAX", 1)
    yield text("items that are a mapping", "apiVersion: v1\nkind: List\nitems:\n  a: b\n", "LIST_ITEMS", 3)
    yield text("items that are text", "apiVersion: v1\nkind: List\nitems: a\n", "LIST_ITEMS", 3)
    yield text("an item that is null", "apiVersion: v1\nkind: List\nitems:\n- \n", "NOT_AN_OBJECT", 4)
    yield text("an item that is a list", "apiVersion: v1\nkind: List\nitems:\n- [a]\n", "NOT_AN_OBJECT", 4)
    yield text("an item without a kind", "apiVersion: v1\nkind: List\nitems:\n- a: b\n", "NOT_KUBERNETES", 4)
    nested = "apiVersion: v1\nkind: List\nitems: " + "[{apiVersion: v1, kind: List, items: " * 20 + "[]" + "}]" * 20
    yield text("Lists of Lists", nested, "LIST_NESTED", 3)


def not_text() -> Iterator[Case]:
    """Bytes that are no UTF-8."""
    head = POD.encode()
    noise = random.Random(1).randbytes(4096)  # noqa: S311 - the same noise in every run
    yield Case("a NUL", head + b"spec: a\0b\n", "NOT_TEXT", 4)
    yield Case("NULs only", b"\0" * 100, "NOT_TEXT", 1)
    yield Case("noise", noise, "NOT_TEXT", 1)
    yield Case("a picture", b"\x89PNG\r\n\x1a\n" + noise, "NOT_TEXT")
    yield Case("gzip", b"\x1f\x8b\x08" + noise, "NOT_TEXT", 1)
    yield Case("a program", b"\x7fELF" + noise, "NOT_TEXT", 1)
    yield Case("UTF-16", POD.encode("utf-16"), "NOT_TEXT", 1)
    yield Case("UTF-16 of the other kind", b"\xfe\xff" + POD.encode("utf-16-be"), "NOT_TEXT", 1)
    yield Case("UTF-16 without a mark", POD.encode("utf-16-le"), "NOT_TEXT", 1)
    yield Case("UTF-32", POD.encode("utf-32"), "NOT_TEXT", 1)
    yield Case("Latin-1", head + b"spec: caf\xe9\n", "NOT_TEXT", 4)
    yield Case("a byte that cannot begin", head + b"# a\nspec: \xff\n", "NOT_TEXT", 5)
    yield Case("half of a character", head + "spec: é".encode()[:-1], "NOT_TEXT", 4)
    yield Case("an overlong form", head + b"spec: \xc0\x80\n", "NOT_TEXT", 4)
    yield Case("a surrogate in UTF-8", head + b"spec: \xed\xa0\x80\n", "NOT_TEXT", 4)
    for byte in (0x01, 0x07, 0x0B, 0x1B, 0x7F):
        yield Case(f"control character {byte:#x}", head + b"spec: a" + bytes([byte]) + b"\n", "YAML_SYNTAX")
    yield Case("a byte order mark within", head + "spec: a\ufeffb\n".encode(), "")
    yield Case("a byte order mark at the beginning", b"\xef\xbb\xbf" + head + b"spec: [\n", "YAML_SYNTAX", 4)
    yield Case("no character", head + "spec: \uffff\n".encode(), "YAML_SYNTAX")
    yield Case("line ends of a Mac", head.replace(b"\n", b"\r") + b"spec: {a\r", "YAML_SYNTAX")


def duplicate_keys() -> Iterator[Case]:
    yield text("a kind twice", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nkind: Pod\n", "DUPLICATE_KEY", 4)
    for depth in (1, 2, 5, 10, 30):
        opened = "".join(f"{'  ' * level}k{level}:\n" for level in range(depth))
        twice = f"{'  ' * depth}a: 1\n" * 2
        yield text(f"a key twice, {depth} deep", POD + opened + twice, "DUPLICATE_KEY", 3 + depth + 2)
    yield text("a key twice on one line", POD + "x: {a: 1, b: 2, a: 3}\n", "DUPLICATE_KEY", 4)
    yield text("a key twice with quotes", POD + "x:\n  a: 1\n  'a': 2\n", "DUPLICATE_KEY", 6)
    yield text("a key twice as a boolean", POD + "x:\n  yes: 1\n  true: 2\n", "DUPLICATE_KEY", 6)
    yield text("a key twice as a number", POD + "x:\n  10: 1\n  012: 2\n", "DUPLICATE_KEY", 6)
    yield text("a key twice in an item", POD + "x:\n- a: 1\n- a: 1\n  a: 2\n", "DUPLICATE_KEY", 7)
    yield text("a key twice in the second document", POD + "---\n" + POD + "x: 1\nx: 2\n", "DUPLICATE_KEY", 9)
    yield text(
        "a key twice in JSON", '{"apiVersion": "v1", "kind": "Pod",\n"kind": "Pod"}', "DUPLICATE_KEY", 2, "a.json"
    )
    yield text("a key twice around a merge", "x: &m {a: 1}\ny:\n  a: 1\n  <<: *m\n  a: 2\n", "DUPLICATE_KEY", 5)
    yield text("a key a hundred times", POD + "x:\n" + "  a: 1\n" * 100, "DUPLICATE_KEY", 6)


def odd_json() -> Iterator[Case]:
    valid = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, indent=1)
    for name, content, line in (
        ("a comma at the end", valid.replace('"a"\n', '"a",\n'), 6),
        ("no comma", valid.replace('"v1",', '"v1"'), 3),
        ("single quotes", valid.replace('"', "'"), 2),
        ("a comment", "// a\n" + valid, 1),
        ("no end", valid[:-1], 6),
        ("two documents", valid + "\n" + valid, 8),
        ("NaN", valid.replace('"a"', "NaN"), None),
        ("Infinity", valid.replace('"a"', "-Infinity"), None),
        ("a number out of range", valid.replace('"a"', "1e999"), None),
        ("a number with a zero before it", valid.replace('"a"', "01"), 5),
        ("half of a surrogate pair", valid.replace('"a"', '"\\udc00"'), 1),
        ("a raw line break", valid.replace('"a"', '"a\nb"'), 5),
        ("a bad escape", valid.replace('"a"', '"\\x41"'), 5),
        ("a word", "hello", 1),
        ("YAML", POD, 1),
    ):
        yield text(f"JSON: {name}", content, "JSON_SYNTAX", line, "bad.json")
    yield text("JSON: deep", '{"a":' * 5000 + "1" + "}" * 5000, "TOO_DEEP", None, "bad.json")
    yield text("JSON: deep lists", "[" * 200_000, "TOO_DEEP", None, "bad.json")
    yield text("JSON: a huge number", valid.replace('"a"', "9" * 5000), "JSON_SYNTAX", None, "bad.json")
    yield text("JSON: empty", "", "EMPTY", 1, "bad.json")
    yield text("JSON: null", "null", "", None, "bad.json")
    yield text("JSON: a list", "[1]", "NOT_AN_OBJECT", 1, "bad.json")


def wrong_shapes() -> Iterator[Case]:
    """YAML that can be read and objects that the API server refuses."""
    spec = POD + "spec:\n"
    container = spec + "  containers:\n  - name: a\n    image: b\n"
    for name, content, code, line in (
        ("metadata that is a list", "apiVersion: v1\nkind: Pod\nmetadata: []\n", "wrong-type", 3),
        ("metadata that is text", "apiVersion: v1\nkind: Pod\nmetadata: a\n", "wrong-type", 3),
        ("no metadata", "apiVersion: v1\nkind: Pod\n", "missing", 1),
        ("no name", META + "labels: {}\n", "missing", 3),
        ("a null name", META + "name:\n", "missing", 4),
        ("an empty name", META + "name: ''\n", "invalid-value", 4),
        ("a name that is a number", META + "name: 5\n", "wrong-type", 4),
        ("a name in capitals", META + "name: Web\n", "invalid-value", 4),
        ("a long name", META + f"name: {'a' * 254}\n", "invalid-value", 4),
        ("a name with a line break", META + 'name: "a\\n"\n', "invalid-value", 4),
        ("labels that are a list", META + "name: a\n  labels: [a]\n", "wrong-type", 5),
        ("a label that is a boolean", META + "labels:\n    a: yes\n", "wrong-type", 5),
        ("a label with a space", META + "labels:\n    a: b c\n", "invalid-value", 5),
        ("a label's odd key", META + "labels:\n    a b: c\n", "invalid-value", 5),
        ("an annotation that is a number", META + "annotations:\n    a: 5\n", "wrong-type", 5),
        ("an annotation that is a mapping", META + "annotations:\n    a: {}\n", "wrong-type", 5),
        ("no spec", POD, "missing", 1),
        ("a spec that is text", POD + "spec: x\n", "wrong-type", 4),
        ("a spec that is a list", POD + "spec: []\n", "wrong-type", 4),
        ("a spec that is a number", POD + "spec: 5\n", "wrong-type", 4),
        ("a null spec", POD + "spec:\n", "missing", 4),
        ("no containers", spec + "  restartPolicy: Always\n", "missing", 4),
        ("an empty list of containers", spec + "  containers: []\n", "invalid-value", 5),
        ("containers that are a mapping", spec + "  containers:\n    web:\n      image: a\n", "wrong-type", 5),
        ("containers that are text", spec + "  containers: a\n", "wrong-type", 5),
        ("a container that is text", spec + "  containers:\n  - a\n", "wrong-type", 6),
        ("a container that is null", spec + "  containers:\n  -\n", "wrong-type", 6),
        ("a container that is a list", spec + "  containers:\n  - [a]\n", "wrong-type", 6),
        ("a container without a name", spec + "  containers:\n  - image: a\n", "missing", 6),
        ("an unknown field", container + "    imag: c\n", "unknown-field", 8),
        ("a field in the wrong case", container + "    Image: c\n", "unknown-field", 8),
        ("a field at the wrong place", spec + "  image: a\n  containers: [{name: a}]\n", "unknown-field", 5),
        ("an unknown field of the object", POD + "specs: {}\n", "unknown-field", 4),
        ("a port that is text", container + "    ports:\n    - containerPort: http\n", "wrong-type", 9),
        ("a port that is quoted", container + "    ports:\n    - containerPort: '80'\n", "wrong-type", 9),
        ("a port with a fraction", container + "    ports:\n    - containerPort: 80.5\n", "wrong-type", 9),
        ("a port too large", container + "    ports:\n    - containerPort: 99999\n", "invalid-value", 9),
        ("a port below zero", container + "    ports:\n    - containerPort: -1\n", "invalid-value", 9),
        ("a huge port", container + f"    ports:\n    - containerPort: {'9' * 400}\n", "wrong-type", 9),
        ("ports that are a mapping", container + "    ports:\n      http: 80\n", "wrong-type", 8),
        ("a protocol that is none", container + "    ports: [{containerPort: 1, protocol: x}]\n", "invalid-value", 8),
        ("env that is a mapping", container + "    env:\n      A: b\n", "wrong-type", 8),
        ("a value of env that is a number", container + "    env:\n    - {name: A, value: 5}\n", "wrong-type", 9),
        ("a value of env that is a boolean", container + "    env:\n    - {name: A, value: on}\n", "wrong-type", 9),
        ("args that are text", container + "    args: --a\n", "wrong-type", 8),
        ("an argument that is a number", container + "    args: [-p, 80]\n", "wrong-type", 8),
        ("limits that are a list", container + "    resources:\n      limits: [cpu]\n", "wrong-type", 9),
        ("a quantity that is none", container + "    resources:\n      limits: {memory: 1 GB}\n", "invalid-value", 9),
        ("a quantity that is a mapping", container + "    resources:\n      limits: {cpu: {}}\n", "wrong-type", 9),
        ("a boolean in quotes", container + "    tty: 'true'\n", "wrong-type", 8),
        ("a boolean that is a number", container + "    tty: 1\n", "wrong-type", 8),
        ("a policy that is misspelt", container + "    imagePullPolicy: Allways\n", "invalid-value", 8),
        ("a null list of containers", spec + "  containers:\n", "missing", 5),
        ("a kind that is misspelt", "apiVersion: v1\nkind: Podd\nmetadata: {name: a}\n", "invalid-value", 2),
        ("a kind in small letters", "apiVersion: v1\nkind: pod\nmetadata: {name: a}\n", "invalid-value", 2),
        ("a kind of another group", "kind: Deployment\napiVersion: v1\nmetadata: {name: a}\n", "invalid-value", 2),
        ("an API that is gone", "kind: Ingress\napiVersion: extensions/v1beta1\n", "invalid-value", 2),
        ("a version that never was", "kind: Deployment\napiVersion: apps/v9\n", "invalid-value", 2),
        ("a Secret that is no base64", SECRET + "data: {a: $X}\n", "invalid-value", 4),
        ("a ConfigMap that holds a number", HEAD + "data:\n  a: 5\n", "wrong-type", 5),
        ("a ConfigMap that holds a mapping", HEAD + "data:\n  a:\n    b: c\n", "wrong-type", 5),
        ("a ConfigMap with an odd key", HEAD + "data:\n  a/b: c\n", "invalid-value", 5),
        ("a CRD that is text", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
         "metadata: {name: a.b}\nspec: x\n", "wrong-type", 4),
        ("a CRD without versions", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
         "metadata: {name: a.b}\nspec: {group: b, scope: Cluster, names: {kind: A, plural: a}}\n", "missing", 4),
    ):  # fmt: skip
        yield text(name, content, code, line)


def truncated() -> Iterator[Case]:
    """A good manifest that ends anywhere: half of a key, of a quote, of an indentation."""
    data = DEPLOYMENT.encode()
    for end in range(7, len(data), 7):
        yield Case(f"cut after {end} bytes", data[:end])
    blob = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, indent=1).encode()
    for end in range(3, len(blob), 9):
        yield Case(f"JSON cut after {end} bytes", blob[:end], "JSON_SYNTAX", None, "cut.json")


CASES = [
    *unreadable(),
    *not_text(),
    *duplicate_keys(),
    *odd_json(),
    *wrong_shapes(),
    *truncated(),
]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


def said(batch: Batch, schemas: Schemas) -> list[tuple[str, int | None]]:
    """Every code with its line: of what could not be read, and of what no API server takes."""
    found: list[tuple[str, int | None]] = [(problem.code, problem.line) for problem in batch.problems]
    for document in batch.documents:
        found += [(error.code, document.line(error.path)) for error in schemas.check(document.object)]
    return found


def test_there_are_more_than_200_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(CASES) > 200


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_malformed_input_is_told_with_its_file_and_line(case: Case, schemas: Schemas) -> None:
    batch = Batch()
    started = time.process_time()
    read_bytes(case.data, case.file, batch)
    found = said(batch, schemas)
    assert time.process_time() - started < CPU_LIMIT_S
    assert {problem.file for problem in batch.problems} <= {case.file}
    lines = case.data.count(b"\n") + case.data.count(b"\r") + 1
    assert all(line is not None and 1 <= line <= lines for _, line in found), found
    if case.code:
        assert case.code in [code for code, _ in found], (found, batch.problems)
    if case.line:
        assert (case.code, case.line) in found, (found, batch.problems)


def test_a_crd_without_a_schema_makes_its_kind_not_assessed() -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "ships.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Ship"}, "versions": [{"name": "v1", "served": True}]},
    }
    schemas = Schemas(crds=[definition])
    ship = {"apiVersion": "example.com/v1", "kind": "Ship", "metadata": {"name": "a"}, "anything": 5}
    assert not schemas.knows(ship)
    assert schemas.check(ship) == []
