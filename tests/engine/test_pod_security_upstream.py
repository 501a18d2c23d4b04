"""The rules of the Pod Security Standards against upstream's own examples, of every version that it has.

The examples come with the Go module k8s.io/pod-security-admission. `slipway tools build --group
pod-security-admission` lays them into the mirror: `<level>/<version>/{pass,fail}.yaml`, each a file of many Pods.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.paths import mirror_dir
from slipway.rules.pod_security import CHECKS, verdict
from tools.catalog import GROUPS, module_version

GROUP = next(group for group in GROUPS if group.name == "pod-security-admission")
EXAMPLES = mirror_dir() / GROUP.name / module_version(GROUP)
VERSIONS = [(1, minor) for minor in range(36)]
LEVELS = ("baseline", "restricted")
RULE_OF = {check.upstream.lower(): check.rule for check in CHECKS}
SAME_FAULT = {"volume-type": "host-path-volume", "seccomp-restricted": "seccomp-baseline"}
"""What 'restricted' repeats upstream and the rule of 'baseline' says here."""

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(),
    reason=f"upstream's examples are not in the mirror: slipway tools build --group {GROUP.name}",
)


def files() -> Iterator[tuple[str, tuple[int, int], str, Path]]:
    """Each file of examples with its level, version and verdict."""
    for level in LEVELS:
        for version in VERSIONS:
            for expected in ("pass", "fail"):
                yield level, version, expected, EXAMPLES / level / f"v1.{version[1]}" / f"{expected}.yaml"


@cache
def pods(file: Path) -> list[dict[str, Any]]:
    """The Pods of a file, each named after upstream's check and a number (`base` for the plain ones)."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return list(yaml.load_all(file.read_bytes(), Loader=loader))


def wrong(level: str, version: tuple[int, int], expected: str, file: Path) -> list[str]:
    """The examples that the rules judge otherwise than upstream does, or refuse for another reason."""
    found = []
    for pod in pods(file):
        name = pod["metadata"]["name"]
        broken = verdict(level, version, pod)
        said = f"{level} {version[0]}.{version[1]} {expected} {name}: refused by {', '.join(broken) or 'nothing'}"
        if bool(broken) != (expected == "fail"):
            found.append(said)
        elif expected == "fail":
            rule = RULE_OF[re.sub(r"\d+$", "", name)]
            if rule not in broken and SAME_FAULT.get(rule) not in broken:
                found.append(f"{said}, not by {rule}")
    return found


def test_the_rules_agree_with_upstream_on_every_example_of_every_version(
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    judged = dict.fromkeys(("pass", "fail"), 0)
    disagreed = []
    for level, version, expected, file in files():
        judged[expected] += len(pods(file))
        disagreed += wrong(level, version, expected, file)
    total = sum(judged.values())
    summary = (
        f"pod security: {total - len(disagreed)} of {total} upstream examples agree "
        f"({judged['pass']} pass, {judged['fail']} fail, {len(VERSIONS)} versions, {len(LEVELS)} levels)"
    )
    record_property("pod_security", summary)
    with capsys.disabled():
        print(f"\n{summary}")
    assert disagreed == []
    # Fewer would mean that the mirror is not whole: these are v0.36's.
    assert judged["pass"] >= 975
    assert judged["fail"] >= 3266


def test_the_newest_examples_hold_for_the_version_that_the_sandbox_runs() -> None:
    newest = [(level, expected, file) for level, version, expected, file in files() if version == VERSIONS[-1]]
    assert [said for level, expected, file in newest for said in wrong(level, (1, 36), expected, file)] == []


def test_every_check_has_an_example_that_fails() -> None:
    failing = [pods(file) for _, version, expected, file in files() if expected == "fail" and version == VERSIONS[-1]]
    names = {re.sub(r"\d+$", "", pod["metadata"]["name"]) for some in failing for pod in some}
    assert names == set(RULE_OF)


@pytest.mark.parametrize("kind", ["Deployment", "CronJob"])
def test_a_workload_is_judged_as_the_example_in_its_template(kind: str) -> None:
    disagreed = []
    for level, version, expected, file in files():
        if version < (1, 34):
            continue
        for pod in pods(file):
            template = {"metadata": pod["metadata"], "spec": pod["spec"]}
            spec = {"template": template} if kind == "Deployment" else {"jobTemplate": {"spec": {"template": template}}}
            item = {"apiVersion": "apps/v1" if kind == "Deployment" else "batch/v1", "kind": kind, "spec": spec}
            if bool(verdict(level, version, item)) != (expected == "fail"):
                disagreed.append(f"{level} {version} {pod['metadata']['name']}")
    assert disagreed == []
