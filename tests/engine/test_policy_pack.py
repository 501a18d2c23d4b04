"""`pulumi preview --policy-pack policies` on the real engine: our own program, and one full of faults."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.cluster import NOWHERE
from slipway.platform import Stack
from slipway.preview import read_policies
from tests.engine.conftest import ROOT, Engine, make_engine
from tools import bin_dirs, locate
from tools.catalog import group_of, module_version

PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes

nowhere = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", kubeconfig='''KUBECONFIG'''))


def deployment(name, pod, **metadata):
    template = {"metadata": {"labels": {"app": name}, **metadata}, "spec": pod}
    kubernetes.apps.v1.Deployment(
        name,
        metadata={"name": name, "namespace": "shop"},
        spec={"selector": {"match_labels": {"app": name}}, "template": template},
        opts=nowhere,
    )


# Its id is known when it is made.
settings = kubernetes.core.v1.ConfigMap(
    "settings", metadata={"name": "settings", "namespace": "shop"}, data={"a": "b"}, opts=nowhere
)
kubernetes.core.v1.Secret(
    "web",
    metadata={"name": "web", "namespace": "shop"},
    string_data={"password": pulumi.Output.secret("kept-by-the-engine")},
    opts=nowhere,
)
web = {"name": "web", "image": pulumi.Output.concat("web:", settings.id), "security_context": {"privileged": True}}
deployment("web", {"containers": [web]}, annotations={"checksum": settings.id})
env = [{"name": "API_PASSWORD", "value": pulumi.Output.secret("kept-by-the-engine")}]
deployment("vague", {"containers": [{"name": settings.id, "image": "web:1.0.0", "env": env}]})
kubernetes.helm.v3.Release(
    "chart",
    chart="./chart",
    values={"rules": [{"verbs": ["*"], "resources": ["pods"], "apiGroups": [""]}]},
    opts=nowhere,
)
"""


@dataclass
class Preview:
    """What a preview with the pack said."""

    done: subprocess.CompletedProcess[str]
    events: list[dict[str, Any]]

    @property
    def text(self) -> str:
        return self.done.stdout + self.done.stderr

    @property
    def violations(self) -> list[dict[str, Any]]:
        return [event["policyEvent"] for event in self.events if "policyEvent" in event]

    def of(self, level: str) -> set[tuple[str, str]]:
        """Policy and resource of each violation at that level."""
        return {
            (item["policyName"], item["resourceUrn"].rpartition("::")[2])
            for item in self.violations
            if item["enforcementLevel"] == level
        }

    def passed(self, name: str) -> set[str]:
        """The policies that the engine says the resource passes."""
        return {
            policy
            for event in self.events
            if (summary := event.get("policyAnalyzeSummaryEvent")) and summary["resourceUrn"].endswith(f"::{name}")
            for policy in summary.get("passed") or []
        }


def preview(engine: Engine, stack: str, *words: str) -> Preview:
    log = engine.project.parent / "events.json"
    log.unlink(missing_ok=True)
    done = engine.run(
        "preview", "-s", stack, "--policy-pack", "policies", "--event-log", str(log), *words,
        PULUMI_DEBUG_COMMANDS="true",
    )  # fmt: skip
    return Preview(done, [json.loads(line) for line in log.read_text("utf-8").splitlines()])


def with_pack(engine: Engine) -> Engine:
    shutil.copytree(ROOT / "policies", engine.project / "policies", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "exemptions.yaml", engine.project / "exemptions.yaml")
    return engine


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, pulumi_home: Path) -> Engine:
    """A program with a fault of each sort, as the stacks dev and prod, on a cluster that does not answer."""
    engine = with_pack(make_engine(tmp_path_factory.mktemp("faulty"), pulumi_home))
    (engine.project / "__main__.py").write_text(PROGRAM.replace("KUBECONFIG", NOWHERE), encoding="utf-8")
    chart = engine.project / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n", encoding="utf-8")
    (chart / "templates" / "empty.yaml").write_text("", encoding="utf-8")
    for stack in ("dev", "prod"):
        (engine.project / f"Pulumi.{stack}.yaml").write_text("config: {}\n", encoding="utf-8")
        engine.init(stack)
    return engine


@pytest.fixture(scope="module")
def prod(faulty: Engine) -> Preview:
    return preview(faulty, "prod")


def test_a_serious_fault_stops_a_preview_of_prod(prod: Preview) -> None:
    assert prod.done.returncode != 0
    assert "[mandatory] [severity: critical]  privileged-container  (kubernetes:apps/v1:Deployment: web)" in prod.text
    assert ("privileged-container", "web") in prod.of("mandatory")


def test_a_charts_values_are_judged(prod: Preview) -> None:
    assert ("pulumi-rbac-wildcard", "chart") in prod.of("mandatory")


def test_what_depends_on_the_update_is_not_yet_known_and_has_not_passed(prod: Preview) -> None:
    path = "spec.template.spec.containers[0].image"
    assert f"not yet known: image-tag-mutable on {path}" in prod.text
    assert ("image-tag-mutable", "web") in prod.of("advisory")
    assert "image-tag-mutable" not in prod.passed("web")
    assert "host-network" in prod.passed("web") or "host-namespaces" in prod.passed("web")


def test_an_object_that_cannot_be_read_passes_nothing(prod: Preview) -> None:
    assert ("not-yet-known", "vague") in prod.of("advisory")
    assert "privileged-container" not in prod.passed("vague")


def test_a_rule_about_other_kinds_is_not_said_to_have_passed(prod: Preview) -> None:
    assert prod.passed("settings")
    assert "privileged-container" not in prod.passed("settings")


def test_no_secret_is_shown(prod: Preview) -> None:
    assert "kept-by-the-engine" not in prod.text + json.dumps(prod.events)
    assert ("secret-plaintext", "web") not in prod.of("mandatory")


def test_objects_are_judged_together_at_the_end(prod: Preview) -> None:
    assert ("replicas-too-few", "web") in prod.of("mandatory")


def test_dev_is_shown_the_same_and_stopped_by_nothing(faulty: Engine, prod: Preview) -> None:
    dev = preview(faulty, "dev")
    assert dev.done.returncode == 0, dev.text
    assert not dev.of("mandatory")
    assert prod.of("mandatory") - {("replicas-too-few", "web"), ("replicas-too-few", "vague")} <= dev.of("advisory")


def test_the_command_line_may_relax_a_single_rule(faulty: Engine, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"privileged-container": "disabled"}), encoding="utf-8")
    relaxed = preview(faulty, "prod", "--policy-pack-config", str(config))
    assert "privileged-container" not in {item["policyName"] for item in relaxed.violations}
    assert relaxed.of("mandatory")


def test_slipways_own_preview_fails_and_leaves_the_verdict_in_a_file(
    faulty: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_HOME", str(faulty.home))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "for this test only")
    events = tmp_path / "events.json"
    paths = {name: locate(name) for name in ("pulumi", "pulumi-resource-kubernetes")}
    version = module_version(group_of("pulumi-resource-kubernetes")).removeprefix("v")
    stack = Stack(faulty.project, "prod", paths, bin_dirs(), version)
    stack.prepare()
    assert stack.preview("--json", "--policy-pack", "policies", events=events) != 0
    assert "privileged-container" not in capfd.readouterr().out, "the engine's JSON leaves policies out"
    found = read_policies(events.read_text("utf-8"))
    assert "privileged-container" in {finding.policy for finding in found.of("mandatory")}
    assert "image-tag-mutable" in {finding.policy for finding in found.unknown}


def test_a_mistake_in_the_enforcement_file_is_named(faulty: Engine) -> None:
    file = faulty.project / "policies" / "enforcement.yaml"
    right = file.read_text("utf-8")
    file.write_text(right.replace("dev: advisory", "dev: advisry"), encoding="utf-8")
    try:
        result = faulty.run("preview", "-s", "prod", "--policy-pack", "policies")
    finally:
        file.write_text(right, encoding="utf-8")
    assert result.returncode != 0
    assert "`environments.dev` is 'advisry'; did you mean 'advisory'?" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_our_own_program_violates_nothing_mandatory(engine: Engine, stack: str) -> None:
    with_pack(engine).init(stack)
    found = preview(engine, stack)
    assert found.done.returncode == 0, found.text
    assert not found.of("mandatory")
    assert found.passed("slipway-namespaces-" + stack), "nothing was judged"


def test_a_prod_that_installs_the_platform_stands_on_listed_exemptions_alone(engine: Engine) -> None:
    with_pack(engine).init("prod")
    engine.configure("prod", {"slipway:platform": "install", "slipway:ingress": {"replicas": 3}})
    found = preview(engine, "prod")
    assert not found.of("mandatory"), found.text
    (engine.project / "exemptions.yaml").write_text("[]", encoding="utf-8")
    without = preview(engine, "prod")
    listed = yaml.safe_load((ROOT / "exemptions.yaml").read_text("utf-8"))
    excused = {(entry["rule"], entry["name"]) for entry in listed}
    assert {(rule, name.rpartition("/")[2]) for rule, name in without.of("mandatory")} == excused


def test_the_pack_costs_a_preview_little(engine: Engine) -> None:
    with_pack(engine).init("dev")

    def seconds(*words: str) -> float:
        started = time.monotonic()
        engine.done("preview", "-s", "dev", *words)
        return time.monotonic() - started

    seconds()
    plain, judged = seconds(), seconds("--policy-pack", "policies")
    print(f"preview of dev: {plain:.1f} s, with the policy pack {judged:.1f} s")
    assert judged < 2 * plain + 5
