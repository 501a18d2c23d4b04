"""The fast reader answers as the exact one does, or not at all.

The exact reader follows sigs.k8s.io/yaml (test_scalars.py). So whatever the fast one lets through must be equal to it
in value and in type: on all that people and generators write, and on what a slip of the hand makes of it.
"""

from __future__ import annotations

import itertools
import random
import textwrap
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.manifests.chunks import chunks
from slipway.manifests.exact import read_exact
from slipway.manifests.fast import DOUBT, read_fast
from slipway.manifests.unreadable import Unreadable

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-1
  labels: {app.kubernetes.io/name: web, tier: "front"}
  annotations:
    prometheus.io/port: "8080"
    note: it is written
      over two lines
spec:
  replicas: 3
  template:
    spec:
      securityContext:
        runAsNonRoot: true
      # a comment
      containers:
        - name: web
          image: registry.example.com/shop/web:1.2.3@sha256:0123456789abcdef
          args: ["--listen=:8080", '--level', info]
          resources:
            limits:
              cpu: 0.5
              memory: 256Mi
          emptyDir: {}
        - name: two
          command: [sh, -c]
          script: |
            echo "$X" && exit 1
            # not a comment
              deeper

          folded: >-
            some words
            and more

            and the end
"""
RULES = """\
rules:
- apiGroups: [""]
  resources:
  - pods
  - pods/log
  verbs: [ get, list ]
- hosts:
    - a.example.com
  http: {paths: [{path: /, backend: {service: {name: web, port: {number: 80}}}}]}
  quoted: "over
    two lines"
  other: 'it''s'
empty:
list: []
"""
PIECES = (
    " ", "  ", "\n", "\n  ", "- ", ": ", ":", "#", " #", '"', "'", "[", "]", "{", "}", ",", "-", "a", "1", "|", ">",
    "|-", "|2", "\n\n", "key: ", "- x: y\n", "...", "---", "\\n", "\\x41", "\\", "yes", "012", "~", "&x ", "*x", "<<: ",
    "!t ", "!!str ", "? ", "@", "`", "%", "\t", "\r", "é", "\u2028", "\x85", "\ufeff", ";", "=", "$(x)", "{{ x }}",
)  # fmt: skip


def exactly(text: bytes) -> Any:
    try:
        found = read_exact(text)
    except Unreadable as refused:
        return refused
    return found.value if not found.duplicates else found.duplicates


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def agrees(text: str) -> bool:
    """Whether the fast reader had no doubt; fails when it then says something else than the exact one."""
    data = text.encode("utf-8")
    found = False
    for chunk in chunks(data):
        part = data[chunk.start : chunk.end]
        fast = read_fast(part)
        if fast is not DOUBT:
            found = True
            assert same(fast, exactly(part)), part
    return found


@pytest.mark.parametrize(
    "text",
    [
        DEPLOYMENT,
        RULES.replace("over\n    two", "over two"),
        "a: b\n",
        "a: |\n  x\nb: >\n  y\n",
        "a: {b: [1, 2], c: {d: e}}\n",
        'image: "x@y"\nargs: ["*", "&", "!"]\ncmd: a && b || c ! d * e\n',
        "time: 2001-01-01\nratio: 1:30\nv: 1.2.3\nip: 10.0.0.1\nneg: -5\nf: 1.25\n",
    ],
)
def test_ordinary_manifests_are_read_fast(text: str) -> None:
    assert agrees(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: yes\n", "a: 012\n", "a: 0x1F\n", "a: 0o14\n", "a: 1_000\n", "a: 1e3\n", "a: 1.0\n", "a: +1\n", "a: ~\n",
        "a: NULL\n", "a: True\n", "a: .inf\n", "a: nan\n", "a: y\n", "a: 08\n", "a: 0b1\n", "a: 0e0\n", "a: 1e400\n",
        "null: x\n", "~: x\n", "1.5: x\n", ": x\n", "On: x\n", "<<: {a: b}\n",
        "a: &x b\n", "a: *x\n", "a: !!str 1\n", "a: ! x\n", "? a\n: b\n", "&x a: b\n",
        "a: b\na: c\n", "x:\n  - a: 1\n    a: 2\n",
        "a: @x\n", "a: `x\n", "a: ]\n", "a: |2\n   x\n", "a: | # c\n  x\n", 'a: "\\x41"\n', 'a: "\\ud83d\\ude00"\n',
        "a:\tb\n", "a: b\rc: d\n", "a: \x85b\n", "a: \u2028\n", "a: [1,\n 2]\n", "a: {b:}\n", "a: {b # c: d}\n",
        "- a\n", "text\n", "", "%YAML 1.1\n---\na: b\n", "a: " + "[" * 70 + "]" * 70 + "\n", "a: " + "- " * 30 + "x\n",
        "a: 'b\n", "a: b: c\n", "a: |\n  last line",
    ],
)  # fmt: skip
def test_what_the_parsers_may_see_differently_is_left_to_the_exact_one(text: str) -> None:
    assert read_fast(text.encode()) is DOUBT


def test_every_short_scalar_of_numbers_and_signs_is_read_alike() -> None:
    letters = "018axoe_+-.nf"
    scalars = ("".join(word) for length in range(1, 4) for word in itertools.product(letters, repeat=length))
    fast = sum(agrees(f"a: {scalar}\n") + agrees(f"k:\n  {scalar}: x\n") for scalar in scalars)
    assert fast > 2000


def slips(text: str, seed: int, count: int) -> list[str]:
    """The text with mistakes in it: pieces put in, taken out, lines moved, joined, indented or doubled."""
    choose = random.Random(seed)  # noqa: S311 - the same slips in every run
    found = []
    for _ in range(count):
        broken = text
        for _ in range(choose.randint(1, 3)):
            lines = broken.split("\n")
            at = choose.randrange(len(lines))
            match choose.randrange(6):
                case 0:
                    lines[at] = " " * choose.randint(1, 3) + lines[at]
                case 1:
                    lines[at] = lines[at][choose.randint(1, 3) :]
                case 2:
                    lines.insert(at, choose.choice(lines))
                case 3:
                    lines[at : at + 2] = ["".join(lines[at : at + 2])]
                case 4:
                    del lines[at]
                case _:
                    column = choose.randrange(len(lines[at]) + 1)
                    lines[at] = lines[at][:column] + choose.choice(PIECES) + lines[at][column:]
            broken = "\n".join(lines)
        found.append(broken)
    return found


@pytest.mark.parametrize(
    "text", [DEPLOYMENT, RULES, textwrap.dedent(DEPLOYMENT[DEPLOYMENT.index("      containers") :])]
)
def test_a_slip_of_the_hand_is_read_alike(text: str) -> None:
    assert sum(agrees(broken) for broken in slips(text, seed=5, count=1200)) > 100


keys = st.text(st.sampled_from("ab1.-/_~y e"), min_size=1, max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from(
        ["yes", "012", "1e3", "~", "null", "a: b", "- x", "#", "{}", "|", "1_0", "0x1", "=", "<<", "x\n y\n"]
    )
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(keys, values, max_size=5), st.sampled_from([True, False, None]), st.sampled_from([20, 80]))
def test_what_a_generator_writes_is_read_alike(value: dict[str, Any], flow: bool | None, width: int) -> None:
    agrees(yaml.safe_dump(value, default_flow_style=flow, width=width, allow_unicode=True))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, values, max_size=5))
def test_json_is_read_alike(value: dict[str, Any]) -> None:
    agrees(orjson.dumps(value).decode())
    agrees(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "a: ", "b", "\n", "\n  ", "- "]), max_size=25).map("".join))
def test_any_text_is_read_alike(text: str) -> None:
    agrees(text)
    agrees(f"a: b\nc:\n  {text}\n")


def test_the_errors_of_the_fast_parser_stay_silent(capfd: pytest.CaptureFixture[str]) -> None:
    assert read_fast(b"a: 'b\n") is DOUBT
    print("heard")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("heard\n", "")
