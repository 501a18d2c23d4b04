"""The comment on what the real engine prints for the real program: its form is the engine's, not one of ours."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slipway.preview import Action, Size, State, comment, read_digest, read_policies
from tests.engine.conftest import Engine

PACK = """\
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def about(kind, message):
    def validate(args, report):
        if args.resource_type.endswith(kind):
            report(message)

    return validate


PolicyPack(
    name="shown",
    policies=[
        ResourceValidationPolicy(
            name="no-projects", description="No projects", validate=about(":AppProject", "it is one"),
            enforcement_level=EnforcementLevel.{level},
        ),
        ResourceValidationPolicy(
            name="no-roots", description="No roots", validate=about(":ApplicationSet", "it is one"),
            enforcement_level=EnforcementLevel.ADVISORY,
        ),
        ResourceValidationPolicy(name="no-pods", description="No pods", validate=about(":Pod", "it is one")),
    ],
)
"""


def with_pack(engine: Engine, level: str) -> tuple[int, str, str]:
    """A preview of staging with a small policy pack: the status, the result and the event log."""
    pack = engine.project.parent / "pack"
    pack.mkdir()
    (pack / "__main__.py").write_text(PACK.replace("{level}", level), encoding="utf-8")
    runtime = f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
    (pack / "PulumiPolicy.yaml").write_text(f"description: for this test\n{runtime}", encoding="utf-8")
    events = engine.project.parent / "events.json"
    words = ("preview", "-s", "staging", "--json", "--policy-pack", str(pack), "--event-log", str(events))
    result = engine.run(*words, PULUMI_DEBUG_COMMANDS="true")
    return result.returncode, result.stdout, events.read_text(encoding="utf-8")


def test_a_preview_of_the_program_becomes_a_comment(engine: Engine) -> None:
    engine.init("staging")
    result = engine.done("preview", "-s", "staging", "--json").stdout
    preview = read_digest(result)
    body, left_out = comment([preview])

    (created,) = json.loads(result)["changeSummary"].values()
    assert (preview.stack, preview.state, preview.size) == ("staging", State.COMPLETE, Size(0, created))
    assert len(preview.of(Action.CREATED)) == created
    assert "- `kubernetes:argoproj.io/v1alpha1:ApplicationSet` `root-staging`\n" in body
    assert "previewing offline" in body
    assert left_out == 0


def test_a_program_that_refuses_its_configuration_is_told(engine: Engine) -> None:
    engine.init("staging")
    engine.configure("staging", {"slipway:platfrom": "attach"})
    result = engine.run("preview", "-s", "staging", "--json")
    preview = read_digest(result.stdout, stack="staging")

    assert result.returncode != 0
    assert preview.state is State.FAILED
    assert "platfrom" in comment([preview])[0]


def test_an_engine_that_finds_no_stack_leaves_no_result(engine: Engine) -> None:
    result = engine.run("preview", "-s", "prod", "--json")

    assert result.returncode != 0
    assert read_digest(result.stdout, stack="prod").state is State.NO_RESULT


def test_violated_policies_are_read_from_the_event_log(engine: Engine) -> None:
    engine.init("staging")
    status, result, log = with_pack(engine, "MANDATORY")
    policies = read_policies(log)
    preview = read_digest(result, policies=policies)

    assert status != 0
    assert (preview.state, preview.ok) == (State.COMPLETE, False)
    assert [finding.policy for finding in policies.of("mandatory")] == ["no-projects"]
    assert [finding.policy for finding in policies.of("advisory")] == ["no-roots"]
    assert (policies.judged, policies.silent) == (3, 1)


def test_advisory_policies_stop_nothing(engine: Engine) -> None:
    engine.init("staging")
    status, result, log = with_pack(engine, "ADVISORY")
    preview = read_digest(result, policies=read_policies(log))

    assert (status, preview.ok) == (0, True)
    assert "2 advisory" in comment([preview])[0]


def test_the_log_of_a_preview_without_a_pack_says_that_none_ran(engine: Engine, tmp_path: Path) -> None:
    engine.init("staging")
    log = tmp_path / "events.json"
    result = engine.run("preview", "-s", "staging", "--json", "--event-log", str(log), PULUMI_DEBUG_COMMANDS="true")
    preview = read_digest(result.stdout, policies=read_policies(log.read_text(encoding="utf-8")))

    assert result.returncode == 0
    assert "| none ran |" in comment([preview])[0]
