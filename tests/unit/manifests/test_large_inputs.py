"""Inputs that would take all of the memory or the time, in a process of their own with a limit on both."""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
import time

from slipway.manifests import Batch, read_bytes

CPU_LIMIT_S = 5.0
MEMORY_LIMIT = 1536 * 1024 * 1024

LARGE: dict[str, tuple[str, str]] = {
    "a scalar of 10 MB": ("head + b'data:\\n  a: ' + b'x' * 10_000_000", "TOO_LARGE 5"),
    "a quoted scalar of 10 MB": ("head + b'data:\\n  a: \"' + b'x' * 10_000_000 + b'\"\\n'", "TOO_LARGE 5"),
    "a block of 10 MB": ("head + b'data:\\n  a: |\\n' + b'    some words\\n' * 700_000", "TOO_LARGE 5"),
    "a key of 10 MB": ("head + b'data:\\n  ' + b'k' * 10_000_000 + b': v\\n'", "TOO_LARGE 5"),
    "a JSON scalar of 10 MB": ("b'{\"a\": \"' + b'x' * 10_000_000 + b'\"}'", "TOO_LARGE 1"),
    "a document of 40 MB": ("head + b'# words\\n' * 5_000_000", "TOO_LARGE 1"),
    "a million open brackets": ("b'[' * 1_000_000", "TOO_DEEP 1"),
    "a million braces": ("b'{a: ' * 1_000_000", "TOO_DEEP 1"),
    "a million dashes": ("b'- ' * 1_000_000", "TOO_DEEP 1"),
    "a million questions": ("b'? ' * 1_000_000", "YAML_KEY 1"),
    "a million JSON objects within each other": ("b'{\"a\":' * 1_000_000", "TOO_DEEP 1"),
    "four million numbers": ("head + b'data: [' + b'1,' * 4_000_000 + b']'", "TOO_LARGE 1"),
    "three million keys": ("head + b'data:\\n' + b'  k: v\\n' * 3_000_000", "TOO_LARGE 1"),
    "a bomb of lists": (
        "b'a: &a [x,x,x,x,x,x,x,x,x]\\n' + b''.join(b'%c: &%c [' % (98 + i, 98 + i) + b'*%c,' % (97 + i) * 9 + b']\\n'"
        " for i in range(8))",
        "ALIAS_BOMB 7",
    ),
    "a bomb of mappings": (
        "b'a: &a {x: y}\\n' + b''.join(b'%c: &%c {l: *%c, r: *%c}\\n' % (98 + i, 98 + i, 97 + i, 97 + i)"
        " for i in range(24))",
        "ALIAS_BOMB 18",
    ),
    "a bomb of merges": (
        "b'a: &a {x: y}\\n' + b''.join(b'%c: &%c\\n  <<: [*%c, *%c]\\n  %c: *%c\\n' % (98 + i, 98 + i, 97 + i, 97 + i,"
        " 98 + i, 97 + i) for i in range(24))",
        "ALIAS_BOMB",
    ),
    "three million documents": ("b'---\\n' * 3_000_000", "TOO_LARGE"),
    "a hundred thousand wrong documents": ("b'---\\na: b\\n' * 100_000", "NOT_KUBERNETES 2"),
    "twenty million blanks": ("b' \\n' * 10_000_000", "EMPTY 1"),
    "five million tabs": ("b'a:' + b'\\t' * 5_000_000 + b'b'", "NOT_KUBERNETES 1"),
    "three million quotes": ("b'a: \"' * 3_000_000", "YAML_SYNTAX 1"),
    "three million colons": ("b'a: ' * 3_000_000", "YAML_SYNTAX 1"),
    "three million anchors": ("b'&' * 3_000_000", "YAML_SYNTAX 1"),
    "a number of a million digits": ("head + b'x: ' + b'9' * 1_000_000 + b'\\n'", "unknown-field 4"),
    "noise of 20 MB": ("__import__('random').Random(1).randbytes(20_000_000)", "NOT_TEXT 1"),
}
RUNNER = """
import base64, json, resource, sys, time
from slipway.manifests import Batch, read_bytes
from slipway.schema import Schemas

head = b"apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a}\\n"
schemas = Schemas()
for name, expression in json.loads(base64.b64decode(sys.argv[1])).items():
    data = eval(expression)
    batch = Batch()
    started = time.process_time()
    read_bytes(data, "large.json" if "JSON" in name else "large.yaml", batch)
    found = [f"{p.code} {p.line}" for p in batch.problems[:3]]
    for document in batch.documents:
        found += [f"{e.code} {document.line(e.path)}" for e in schemas.check(document.object)[:3]]
    print(json.dumps([name, time.process_time() - started, found]), flush=True)
"""


def test_large_inputs_end_soon_and_in_little_memory() -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))

    sources = {name: expression for name, (expression, _) in LARGE.items()}
    argument = base64.b64encode(json.dumps(sources).encode()).decode()
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, argument],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=limited,
    )
    answers = {name: (spent, found) for name, spent, found in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, done.stderr) == (0, ""), list(answers)[-1:]
    assert answers.keys() == LARGE.keys()
    for name, (spent, found) in answers.items():
        assert spent < CPU_LIMIT_S, (name, spent)
        assert any(entry.startswith(LARGE[name][1]) for entry in found), (name, found)


def test_the_lines_of_a_long_list_are_found_in_time_that_grows_with_it() -> None:
    item = "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p{}\n  spec:\n    containers:\n    - image: web\n"
    begun = "apiVersion: v1\nkind: List\nitems:\n"
    batch = Batch()
    read_bytes((begun + "".join(item.format(number) for number in range(4000))).encode(), "list.yaml", batch)
    started = time.process_time()
    lines = [document.line(("spec", "containers", 0, "image")) for document in batch.documents]
    back = [document.line(("metadata", "name")) for document in reversed(batch.documents)]
    assert time.process_time() - started < 3
    assert lines == [10 + 7 * number for number in range(4000)]
    assert back == [7 + 7 * number for number in reversed(range(4000))]
