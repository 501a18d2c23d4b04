"""The comments that are kept as golden files: for each, what it is made from.

`results/` holds what pulumi 3.232 printed for a program of seven resources (a namespace, a ConfigMap, a Secret, a
Service and a Deployment) against a real API server, cut down to what is read. After a wanted change of the comment,
`python -m tests.unit.preview.cases` writes the golden files anew; read the difference before committing it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.preview import (
    Environment,
    Policies,
    PolicyFinding,
    Pruned,
    StackPreview,
    comment,
    read_digest,
    read_policies,
)

HERE = Path(__file__).parent
RESULTS = HERE / "results"
GOLDEN = HERE / "golden"

HOSTILE = (
    "</details><script>alert(1)</script>",
    "`code` and ``more``",
    "a|b\\|c",
    "line\nbreak\r\n\n# heading",
    "@octocat #1 octo/repo#2 0123456789012345678901234567890123456789",
    "![picture](https://evil.example/x.png) <img src=x onerror=alert(1)>",
    "-->\n<!-- slipway:preview -->",
    "\u202egnp.exe\u200b",
    " spaces ",
    "```",
    "https://evil.example www.evil.example",
    "**bold** _it_ ~~no~~ [x](javascript:alert(1)) :tada: &lt;b&gt;",
)


def result(name: str, stack: str = "", *, policies: bool = False) -> StackPreview:
    """The preview that was recorded under this name."""
    judged = read_policies((RESULTS / f"{name}.events").read_text(encoding="utf-8")) if policies else None
    return read_digest((RESULTS / f"{name}.json").read_text(encoding="utf-8"), stack=stack, policies=judged, where=name)


def digest(steps: list[dict[str, Any]], **more: Any) -> str:
    """A result in the engine's form."""
    counts: dict[str, int] = {}
    for step in steps:
        counts[step["op"]] = counts.get(step["op"], 0) + 1
    return json.dumps({"steps": steps, "changeSummary": counts} | more)


def step(operation: str, kind: str, name: str, stack: str = "dev", **more: Any) -> dict[str, Any]:
    """One step in the engine's form."""
    return {"op": operation, "urn": f"urn:pulumi:{stack}::shop::{kind}::{name}", "detailedDiff": None} | more


def _renamed(name: str, stack: str) -> StackPreview:
    text = (RESULTS / f"{name}.json").read_text(encoding="utf-8")
    return read_digest(text.replace("urn:pulumi:dev::", f"urn:pulumi:{stack}::"), stack=stack)


def _several() -> str:
    previews = [_renamed("updated", "dev"), _renamed("unchanged", "staging"), result("prod-deleted")]
    link = "https://github.com/acme/platform/actions/runs/1"
    return comment(previews, link=link, commit="3d3c42e5aac5")[0]


def _prune() -> str:
    settings = Pruned("ConfigMap", "app1-dev", "app1-config-2b4c6d8f9g", successor="app1-config-7h8k9m2t4b")
    claim = Pruned("PersistentVolumeClaim", "app2-prod", "data", kept="Prune=false")
    budget = Pruned("PodDisruptionBudget.policy", "app2-prod", "app2", kept="Prune=confirm")
    environments = [
        Environment("dev", automatic=True, objects=(("app1", settings),), applications=("app3",)),
        Environment("staging", automatic=False, unknown=("app1, after: no resource matches the patch's target",)),
        Environment("prod", automatic=False, objects=(("app2", claim), ("app2", budget)), applications=("app3",)),
    ]
    return comment([result("unchanged")], environments)[0]


def _nothing_pruned() -> str:
    return comment([result("unchanged")], [Environment("dev", automatic=True), Environment("prod", automatic=False)])[0]


def _hostile() -> str:
    steps = [step("update", "kubernetes:core/v1:ConfigMap", name, diffReasons=[name]) for name in HOSTILE]
    steps += [step("delete", name, "web", oldState={"type": name, "protect": True}) for name in HOSTILE]
    errors = [{"severity": "error", "message": "\n".join(HOSTILE)}]
    findings = tuple(PolicyFinding("mandatory", name, f"urn:pulumi:dev::p::{name}::{name}", name) for name in HOSTILE)
    policies = Policies((HOSTILE[0],), findings, 1, 1)
    preview = read_digest(digest(steps, diagnostics=errors), policies=policies)
    pruned = tuple((name, Pruned(name, name, name, successor=name)) for name in HOSTILE)
    environments = [Environment("dev", automatic=True, objects=pruned, applications=HOSTILE, unknown=HOSTILE)]
    return comment([preview], environments, commit=HOSTILE[1])[0]


def _long() -> str:
    steps = [step("create", "kubernetes:core/v1:ConfigMap", f"settings-{number}") for number in range(200)]
    steps += [step("delete", "kubernetes:core/v1:Secret", f"login-{number}") for number in range(20)]
    return comment([read_digest(digest(steps))], limit=3000)[0]


def _stateless() -> str:
    def made(name: str, **inputs: Any) -> dict[str, Any]:
        kind = "kubernetes:core/v1:ConfigMap"
        return step("create", kind, name, "prod", newState={"type": kind, "inputs": inputs})

    base = digest([made("kept", data={"a": "1"}), made("changed", data={"a": "1", "b.c": "x"}), made("gone")])
    head = digest([made("kept", data={"a": "1"}), made("changed", data={"a": "2", "d": "y"}), made("new")])
    return comment([read_digest(head, base=base)])[0]


def _warned() -> str:
    told = "there is no sandbox: previewing offline, compared with the stack's state and checked by no API server"
    diagnostics = [{"severity": "warning", "message": f"warning: {told}\n"}]
    return comment(
        [read_digest(digest([step("create", "slipway:cluster:Cluster", "cluster")], diagnostics=diagnostics))]
    )[0]


CASES: dict[str, Callable[[], str]] = {
    "no-change": lambda: comment([result("unchanged")])[0],
    "creates": lambda: comment([result("created")])[0],
    "updates": lambda: comment([result("updated")])[0],
    "replaces": lambda: comment([result("replaced")])[0],
    "delete-in-prod": lambda: comment([result("prod-deleted")])[0],
    "replace-in-prod": lambda: comment([result("prod-replaced")])[0],
    "protected-delete-in-prod": lambda: comment([result("prod-protected-deleted")])[0],
    "protection-removed": lambda: comment([result("unprotected")])[0],
    "program-failed": lambda: comment([result("program-failed")])[0],
    "preview-cancelled": lambda: comment([result("cancelled", "staging")])[0],
    "preview-cut-short": lambda: comment([read_digest("", stack="prod")])[0],
    "policy-mandatory": lambda: comment([result("policy-mandatory", policies=True)])[0],
    "policy-not-yet-known": lambda: comment([result("policy-unknown", policies=True)])[0],
    "policy-pack-broken": lambda: comment([result("policy-pack-broken", "dev", policies=True)])[0],
    "policy-unexplained": lambda: comment([result("policy-mandatory")])[0],
    "several-stacks": _several,
    "prune": _prune,
    "prune-nothing": _nothing_pruned,
    "hostile-names": _hostile,
    "too-long": _long,
    "compared-with-the-base": _stateless,
    "warnings": _warned,
}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for case, make in CASES.items():
        (GOLDEN / f"{case}.md").write_text(make(), encoding="utf-8")
