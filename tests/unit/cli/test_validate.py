"""`slipway validate`: what it reads, what it says, and how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slipway.cli import main
from slipway.commands import checking, request, shared
from slipway.commands.rules import CategoryName, GateName, SeverityName, complete_rule

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {LEVEL: info}
"""
PRIVILEGED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {LEVEL: info}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.2.3
          securityContext:
            privileged: true
"""
PRIVILEGED_LINE = 22
RULE = "privileged-container"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that is a Git checkout with one application, away from the real one."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLIPWAY_PROJECT_DIR", str(folder))
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / "sandbox"))
    git("init", "--quiet", "--initial-branch=main")
    return folder


def git(*words: str) -> None:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def write(name: str, content: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, "utf-8")
    return name


def an_application(name: str = "web", deployment: str = PRIVILEGED) -> None:
    """apps/<name> with a base and three overlays."""
    k8s = f"apps/{name}/k8s"
    write(f"{k8s}/base/deployment.yaml", deployment)
    write(f"{k8s}/base/kustomization.yaml", "resources: [deployment.yaml]\n")
    for environment in ("dev", "staging", "prod"):
        overlay = f"namespace: {name}-{environment}\nresources: [../../base]\n"
        write(f"{k8s}/overlays/{environment}/kustomization.yaml", overlay)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `slipway validate`; its status, output, errors and (with --json) document."""

    def run(*words: str) -> SimpleNamespace:
        status = main(["validate", *words])
        captured = capsys.readouterr()
        document = json.loads(captured.out) if "--json" in words and captured.out else {}
        return SimpleNamespace(status=status, out=captured.out, err=captured.err, document=document)

    return run


def findings(result: SimpleNamespace, rule: str = "") -> list[dict[str, Any]]:
    return [f for part in result.document["sets"] for f in part["findings"] if rule in ("", f["rule"])]


def test_a_good_file_passes(said: Any) -> None:
    result = said(write("good.yaml", GOOD))

    assert result.status == 0
    assert "no finding in 0 of 1 object" in result.out
    assert "✓ passed" in result.out


def test_a_finding_fails_and_is_shown_with_its_line_reason_and_remedy(said: Any) -> None:
    result = said(write("bad.yaml", PRIVILEGED), "--rule", RULE)

    assert result.status == 1
    assert f"{PRIVILEGED_LINE}  critical  {RULE}" in result.out
    assert "Deployment shop/web" in result.out
    assert "→ " in result.out
    assert "1 finding (1 critical) in 1 of 2 objects" in result.out


@pytest.mark.parametrize(("level", "status"), [("critical", 1), ("high", 1), ("advisory", 1), ("none", 0)])
def test_the_failing_severity_can_be_chosen(level: str, status: int, said: Any) -> None:
    assert said(write("bad.yaml", PRIVILEGED), "--rule", RULE, "--fail-on", level).status == status


def test_a_finding_below_the_failing_severity_passes(said: Any) -> None:
    result = said(write("bad.yaml", PRIVILEGED), "--rule", "image-digest-missing", "--fail-on", "medium", "--json")

    assert result.status == 0
    assert [f["severity"] for f in findings(result)] == ["low"]


def test_a_file_that_cannot_be_read_fails_whatever_the_measure(said: Any) -> None:
    result = said(write("broken.yaml", f"{GOOD}---\na: [\n"), "--fail-on", "none")

    assert result.status == 1
    assert "broken.yaml" in result.out
    assert "manifest-unreadable" in result.out


def test_standard_input_is_read(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PRIVILEGED.encode())))
    result = said("-", "--json", "--rule", RULE)

    assert result.status == 1
    assert result.document["sets"][0]["name"] == "stdin"
    assert findings(result)[0]["line"] == PRIVILEGED_LINE


def test_files_that_are_named_together_are_one_set_and_never_all_of_it(said: Any) -> None:
    result = said(write("a.yaml", GOOD), write("b.yaml", PRIVILEGED), "--json")
    (group,) = result.document["sets"]

    assert group["counts"]["objects"] == 3
    assert group["complete"] is False


def test_each_overlay_is_a_set_in_its_own_environment(said: Any) -> None:
    an_application()
    result = said("--json")

    assert {(part["name"], part["environment"]) for part in result.document["sets"]} == {
        ("apps/web (folder)", ""),
        ("apps/web/k8s/overlays/dev", "dev"),
        ("apps/web/k8s/overlays/staging", "staging"),
        ("apps/web/k8s/overlays/prod", "prod"),
    }
    assert all(part["complete"] for part in result.document["sets"])


@pytest.mark.parametrize("target", ["apps", "apps/web", "apps/web/k8s", "apps/web/k8s/overlays"])
def test_every_folder_above_the_overlays_means_the_overlays(target: str, said: Any) -> None:
    an_application()
    names = {part["name"] for part in said(target, "--json").document["sets"]}

    assert {f"apps/web/k8s/overlays/{name}" for name in ("dev", "staging", "prod")} <= names
    assert "apps/web/k8s/base" not in names


def test_one_environment_can_be_chosen(said: Any) -> None:
    an_application()
    names = {part["name"] for part in said("--env", "prod", "--json").document["sets"]}

    assert names == {"apps/web (folder)", "apps/web/k8s/overlays/prod"}


@pytest.mark.parametrize("target", ["apps/web/k8s/overlays/dev", "apps/web/k8s/overlays/dev/kustomization.yaml"])
def test_a_named_overlay_is_judged_as_the_environment_that_is_given(target: str, said: Any) -> None:
    an_application()
    (group,) = said(target, "--env", "prod", "--json").document["sets"]

    assert group["environment"] == "prod"


def test_a_rendered_object_is_shown_where_it_was_written(said: Any) -> None:
    an_application()
    (finding,) = findings(said("apps/web/k8s/overlays/prod", "--rule", RULE, "--json"))

    assert finding["file"] == "apps/web/k8s/base/deployment.yaml"
    assert finding["line"] == PRIVILEGED_LINE
    assert finding["object"]["namespace"] == "web-prod"


def test_a_kustomization_that_cannot_be_rendered_fails(said: Any) -> None:
    an_application()
    write("apps/web/k8s/overlays/prod/kustomization.yaml", "resources: [../../nowhere]\n")
    result = said("apps/web/k8s/overlays/prod")

    assert result.status == 1
    assert "nowhere" in result.out


def test_a_key_that_is_written_twice_is_found_through_a_kustomization_too(said: Any) -> None:
    an_application(deployment=f"{GOOD}data: {{LEVEL: debug}}\n")
    (finding,) = findings(said("apps/web/k8s/overlays/prod", "--json"), "manifest-duplicate-key")

    assert (finding["file"], finding["line"]) == ("apps/web/k8s/base/deployment.yaml", 5)


def test_a_plain_folder_is_read_whole(said: Any) -> None:
    write("manifests/a.yaml", GOOD)
    write("manifests/below/b.yaml", PRIVILEGED)
    (group,) = said("manifests", "--json").document["sets"]

    assert group["counts"]["objects"] == 3
    assert group["complete"] is True


def test_a_folder_of_both_has_its_kustomizations_rendered_and_the_rest_read(said: Any) -> None:
    write("all/shop/kustomization.yaml", "resources: [settings.yaml]\n")
    write("all/shop/settings.yaml", GOOD)
    write("all/plain.yaml", GOOD.replace("settings", "others"))
    counts = {part["name"]: part["counts"]["objects"] for part in said("all", "--json").document["sets"]}

    assert counts == {"all/shop": 1, "all": 1}


def test_a_commit_is_read_as_it_was(said: Any) -> None:
    an_application()
    git("add", ".")
    git("commit", "--quiet", "--message", "bad")
    write("apps/web/k8s/base/deployment.yaml", GOOD)

    assert said("--rule", RULE).status == 0
    result = said("--ref", "main", "--rule", RULE, "--json")
    assert result.status == 1
    assert {f["file"] for f in findings(result)} == {"apps/web/k8s/base/deployment.yaml"}
    assert "slipway-ref" not in result.out


def test_rules_that_look_into_the_repository_see_the_commit(said: Any) -> None:
    an_application()
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace='""', until="2099-01-01"))
    git("add", ".")
    git("commit", "--quiet", "--message", "without a Dockerfile, with an exemption")
    Path("exemptions.yaml").unlink()
    write("apps/web/Dockerfile", "FROM scratch\n")
    result = said("--ref", "main", "--json")

    assert "it has no Dockerfile" in [f["message"] for f in findings(result, "app-folder-incomplete")]
    assert all(f["exempted"] for f in findings(result, RULE))
    assert "it has no Dockerfile" not in [f["message"] for f in findings(said("--json"), "app-folder-incomplete")]


def test_an_unknown_commit_is_bad_usage(said: Any) -> None:
    git("commit", "--quiet", "--allow-empty", "--message", "empty")
    result = said("--ref", "mian")

    assert result.status == 2
    assert "did you mean main" in result.err


@pytest.mark.parametrize(
    ("words", "status", "words_said"),
    [
        (["nowhere"], 2, "no such file or folder"),
        (["empty"], 2, "holds no Kubernetes object"),
        (["good.yaml", "--rule", "privilged-container"], 2, "did you mean privileged-container"),
        (["good.yaml", "--skip", "nothing"], 2, "no rule is called 'nothing'"),
        (["good.yaml", "--kubernetes-version", "latest"], 2, "'latest' is no version of Kubernetes"),
        (["good.yaml", "--kubernetes-version", "1.2"], 2, "1.2"),
        (["good.yaml", "--fail-on", "sometimes"], 2, "sometimes"),
        (["good.yaml", "--format", "pdf"], 2, "pdf"),
        (["good.yaml", "--env", "production"], 2, "production"),
        (["good.yaml", "--crds", "good.yaml"], 2, "holds no CustomResourceDefinition"),
        (["good.yaml", "--exemptions", "nowhere.yaml"], 2, "nowhere.yaml"),
        (["good.yaml", "--output", "no/such/folder/report"], 2, "cannot be written"),
        (["good.yaml", "--output", "empty"], 2, "is a folder"),
        (["good.yaml", "--live", "shop"], 2, "run the command once for each"),
        (["--live", "shop", "--ref", "main"], 2, "run the command once for each"),
        (["good.yaml", "--context", "other"], 2, "add --live"),
        (["--live", "shop"], 1, "the sandbox is not up"),
        ([], 2, "apps"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_named_without_a_traceback(
    words: list[str], status: int, words_said: str, said: Any, shop: Path
) -> None:
    write("good.yaml", GOOD)
    (shop / "empty").mkdir()
    shared.connection.cache_clear()
    result = said(*words)

    assert result.status == status
    assert words_said in " ".join(result.err.replace("│", " ").split())
    assert "Traceback" not in result.err


def test_an_overlay_for_the_environment_is_needed(said: Any) -> None:
    write("apps/web/k8s/overlays/dev/kustomization.yaml", "resources: [a.yaml]\n")
    write("apps/web/k8s/overlays/dev/a.yaml", GOOD)
    result = said("apps/web/k8s", "--env", "prod")

    assert result.status == 2
    assert "has no overlay for prod" in result.err


def test_rules_can_be_left_out(said: Any) -> None:
    result = said(write("bad.yaml", PRIVILEGED), "--skip", RULE, "--json")

    assert findings(result, RULE) == []
    assert findings(result)
    assert result.document["rules_chosen"] == f"without {RULE}"


def test_lower_findings_can_be_left_unlisted(said: Any) -> None:
    result = said(write("bad.yaml", PRIVILEGED), "--severity", "critical", "--json")

    assert {f["severity"] for f in findings(result)} == {"critical"}
    assert result.document["not_listed"] > 0


@pytest.mark.parametrize("form", request.Format)
def test_every_format_is_written_to_a_file_and_summed_up(form: str, said: Any) -> None:
    result = said(write("bad.yaml", PRIVILEGED), "--format", form, "--output", "report", "--rule", RULE)
    report = Path("report").read_text("utf-8")

    assert result.status == 1
    assert result.out == ""
    assert "report: 1 finding (1 critical) in 1 of 2 objects" in result.err
    match form:
        case "json" | "sarif":
            json.loads(report)
        case "junit":
            ET.fromstring(report)  # noqa: S314 - our own output
        case _:
            assert RULE in report


def test_a_report_replaces_the_old_one_whole_and_keeps_its_permissions_open(said: Any) -> None:
    write("report", "old " * 100_000)
    os.umask(0o022)
    said(write("good.yaml", GOOD), "--json", "--output", "report")

    assert json.loads(Path("report").read_text("utf-8"))["passed"] is True
    assert Path("report").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in Path().iterdir()) == [".git", "good.yaml", "report"]


def test_a_report_goes_into_a_pipe_that_is_named_as_its_file(said: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        said(write("good.yaml", GOOD), "--json", "--output", str(pipe))
        assert json.loads(reader.communicate(timeout=10)[0])["passed"] is True
    assert pipe.is_fifo()


PATCH = """\
patches:
  - target: {kind: Deployment}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/securityContext/privileged, value: true}
"""
EXEMPTION = (
    "- {{rule: {rule}, kind: Deployment.apps, namespace: {namespace}, name: web, reason: agreed, until: {until}}}\n"
)


def test_the_file_of_exemptions_at_the_root_is_used(said: Any) -> None:
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace="shop", until="2099-01-01"))
    result = said(write("bad.yaml", PRIVILEGED), "--rule", RULE, "--json")

    assert result.status == 0
    (finding,) = findings(result)
    assert finding["exempted"]["reason"] == "agreed"
    assert result.document["counts"]["exempted"] == 1


def test_an_exemption_after_its_last_day_excuses_nothing_and_is_a_finding(said: Any) -> None:
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace="shop", until="2020-01-01"))
    result = said(write("bad.yaml", PRIVILEGED), "--json")

    assert len(findings(result, RULE)) == 1
    (expired,) = findings(result, "exemption-expired")
    assert (expired["file"].rpartition("/")[2], expired["line"]) == ("exemptions.yaml", 1)


def test_an_exemption_that_one_overlay_needs_is_not_unused_in_the_others(said: Any) -> None:
    an_application(deployment=PRIVILEGED.replace("privileged: true", "privileged: false"))
    prod = Path("apps/web/k8s/overlays/prod/kustomization.yaml")
    prod.write_text(prod.read_text() + PATCH)
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace='""', until="2099-01-01"))
    result = said("--json")

    assert findings(result, "exemption-unused") == []
    assert [f["exempted"]["reason"] for f in findings(result, RULE)] == ["agreed"]


def test_an_annotation_in_the_base_that_one_overlay_needs_is_not_unused_in_the_others(said: Any) -> None:
    annotation = f'annotations: {{exempt.slipway.dev/{RULE}: "agreed until=2099-01-01"}}\n  name: web'
    safe = PRIVILEGED.replace("privileged: true", "privileged: false").replace("name: web", annotation, 1)
    an_application(deployment=safe)
    assert len(findings(said("--json"), "exemption-unused")) == 3

    prod = Path("apps/web/k8s/overlays/prod/kustomization.yaml")
    prod.write_text(prod.read_text() + PATCH)
    result = said("--json")
    assert [f["exempted"]["reason"] for f in findings(result, RULE)] == ["agreed"]
    assert findings(result, "exemption-unused") == []


def test_an_exemption_that_nothing_needs_is_a_finding_at_its_line(said: Any) -> None:
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace="shop", until="2099-01-01"))
    content = PRIVILEGED.replace("privileged: true", "privileged: false")
    (unused,) = findings(said(write("good.yaml", content), "--json"), "exemption-unused")

    assert unused["line"] == 1


def test_an_exemption_about_something_else_is_left_in_peace(said: Any) -> None:
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace="elsewhere", until="2099-01-01"))

    assert findings(said(write("bad.yaml", PRIVILEGED), "--json"), "exemption-unused") == []


SHIP = "apiVersion: example.com/v1\nkind: Ship\nmetadata: {name: s, namespace: shop}\nspec: {masts: three}\n"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: ships, singular: ship, kind: Ship, listKind: ShipList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {type: object, properties: {masts: {type: integer}}}
"""


def test_a_kind_without_a_schema_is_not_assessed(said: Any) -> None:
    result = said(write("ship.yaml", SHIP), "--json")

    assert {skip["rule"] for skip in result.document["sets"][0]["not_assessed"]} >= {"schema-invalid"}
    assert result.document["sets"][0]["score"]["parts"]["schema"]["score"] < 100


@pytest.mark.parametrize("words", [["--crds", "crd.yaml"], ["crd.yaml"]], ids=["option", "same set"])
def test_a_definition_gives_its_kind_a_schema(words: list[str], said: Any) -> None:
    write("crd.yaml", CRD)
    result = said(write("ship.yaml", SHIP), *words, "--rule", "schema-invalid", "--json")

    (finding,) = findings(result)
    assert (finding["path"], finding["line"]) == ("spec.masts", 4)


def test_nothing_is_shown_of_a_quick_check_but_its_time(said: Any) -> None:
    result = said(write("good.yaml", GOOD))

    assert len(result.err.splitlines()) == 1
    assert "1 object in 1 set checked in" in result.err


def test_a_slow_check_shows_what_it_does(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.commands.progress.PATIENCE", 0.01)
    slow = checking._target

    def wait(*words: Any) -> Any:
        return slow(*words)

    monkeypatch.setattr(checking, "_refuse_nothing", lambda *words: time.sleep(0.2))
    monkeypatch.setattr(checking, "_target", wait)
    result = said(write("good.yaml", GOOD))

    assert "· checking" in result.err
    assert "✓ checking" in result.err


def test_the_shell_completes_rules() -> None:
    assert RULE in complete_rule("privileged-")


def test_the_names_on_the_command_line_are_those_of_the_library() -> None:
    """They are written twice so that `--help` need not import the library."""
    from slipway.checks.describe import Gate
    from slipway.platform import ENVIRONMENTS
    from slipway.reports import FORMATS
    from slipway.rules import Category, Severity

    assert [str(name) for name in SeverityName] == [str(name) for name in Severity]
    assert [str(name) for name in request.FailOn] == [*(str(name) for name in Severity), "none"]
    assert {str(name) for name in CategoryName} == {str(name) for name in Category}
    assert [str(name) for name in GateName] == [str(name) for name in Gate]
    assert [str(name) for name in request.EnvironmentName] == list(ENVIRONMENTS)
    assert [str(name) for name in request.Format] == list(FORMATS)


def test_help_does_not_load_the_library() -> None:
    program = (
        "import sys, slipway.cli; print([m for m in sys.modules if m.startswith(('slipway.rules', 'slipway.reports'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


KUBECTL = """\
#!/bin/sh
# A kubectl that knows one namespace with one ConfigMap; it notes how it was called.
echo "$@" >> {log}
case "$*" in
  *api-resources*) echo configmaps ;;
  *"get namespaces"*) echo '{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "shop-prod"}}}}' ;;
  *) echo '{{"kind": "List", "apiVersion": "v1", "items": [{item}]}}' ;;
esac
"""
ITEM = (
    '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop-prod"}, "data": {"A": 1}}'
)


def test_a_namespace_is_one_complete_set_in_its_environment(
    said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl, log = tmp_path / "kubectl", tmp_path / "log"
    kubectl.write_text(KUBECTL.format(log=log, item=ITEM))
    kubectl.chmod(0o755)
    monkeypatch.setattr("slipway.commands.checking.tools.locate", lambda name: kubectl)
    kubeconfig = write("kubeconfig", "")
    result = said("--live", "shop-prod", "--kubeconfig", kubeconfig, "--context", "mine", "--json")
    (group,) = result.document["sets"]

    assert (group["name"], group["environment"], group["complete"]) == ("namespace shop-prod", "prod", True)
    assert [f["path"] for f in findings(result, "schema-invalid")] == ["data.A"]
    assert all("--kubeconfig kubeconfig" in line and "--context mine" in line for line in log.read_text().splitlines())


# What an outsider met: other people's repositories, pipes, charts, full disks.

SHOP_EXEMPTION = EXEMPTION.format(rule=RULE, namespace="shop", until="2099-01-01")


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Another repository, beside the platform's, with one bad manifest and its own exemption of it."""
    folder = tmp_path / "stranger"
    write(str(folder / "k" / "bad.yaml"), PRIVILEGED)
    write(str(folder / "exemptions.yaml"), SHOP_EXEMPTION)
    git("init", "--quiet", "--initial-branch=main", str(folder))
    git("-C", str(folder), "add", ".")
    git("-C", str(folder), "commit", "--quiet", "--message", "bad")
    return folder


def test_a_target_has_the_exemptions_of_its_own_repository(said: Any, stranger: Path) -> None:
    result = said(str(stranger / "k"), "--rule", RULE, "--json")

    assert [f["exempted"]["reason"] for f in findings(result)] == ["agreed"]
    assert f"· exemptions: {stranger / 'exemptions.yaml'}, 1 entry" in result.err.splitlines()


def test_a_target_of_another_repository_has_none_of_the_platform_s_exemptions(said: Any, stranger: Path) -> None:
    write("exemptions.yaml", SHOP_EXEMPTION)
    (stranger / "exemptions.yaml").unlink()
    result = said(str(stranger / "k"), write("bad.yaml", PRIVILEGED), "--rule", RULE, "--json")

    assert {f["file"]: f["exempted"] is not None for f in findings(result)} == {
        str(stranger / "k" / "bad.yaml"): False,
        "bad.yaml": True,
    }
    assert "· exemptions: exemptions.yaml, 1 entry" in result.err


def test_standard_input_has_the_exemptions_of_the_working_folder(
    said: Any, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stranger / "k")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PRIVILEGED.encode())))

    assert said("-", "--rule", RULE).status == 0


def test_files_of_two_repositories_are_two_sets(said: Any, stranger: Path) -> None:
    result = said(str(stranger / "k" / "bad.yaml"), write("bad.yaml", PRIVILEGED), "--rule", RULE, "--json")

    assert [f["exempted"] is not None for f in findings(result)] == [True, False]


@pytest.mark.parametrize(("below", "target"), [("", "k"), ("k", "k"), ("k", "bad.yaml"), (None, "k")])
def test_a_commit_is_one_of_the_repository_of_its_target(
    below: str | None, target: str, said: Any, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if below is not None:
        monkeypatch.chdir(stranger / below)
    else:
        target = str(stranger / target)
    (stranger / "exemptions.yaml").unlink()
    result = said("--ref", "main", target, "--rule", RULE, "--json")

    (finding,) = findings(result)
    assert (finding["file"], finding["exempted"]["file"]) == ("k/bad.yaml", "exemptions.yaml")


def test_what_a_commit_lacks_is_named_with_commit_and_repository(said: Any, stranger: Path) -> None:
    result = said("--ref", "main", str(stranger / "nope"))

    assert result.status == 2
    assert f"nope: no such file or folder in main of {stranger}" in result.err


@pytest.mark.parametrize(
    ("words", "words_said"),
    [
        (["--rule", RULE, "--skip", RULE], "no rule is left to ask"),
        (["--rule", "pulumi-unprotected"], "pulumi-unprotected: asked of Pulumi resources"),
        (["--rule", RULE, "--rule", "pulumi-unprotected"], "pulumi-unprotected: asked of Pulumi resources"),
        (["--json", "--format", "sarif"], "--json and --format sarif were both given"),
        (["--live", "shop", "--kubeconfig", "nowhere"], "nowhere: no such file"),
        (["/dev/null"], "/dev/null: no regular file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_asks_nothing_or_contradicts_itself_is_bad_usage(words: list[str], words_said: str, said: Any) -> None:
    target = [] if "--live" in words else [write("good.yaml", GOOD)]
    result = said(*target, *words)

    assert result.status == 2
    assert words_said in result.err


def test_a_file_that_is_named_and_not_there_is_not_advised_again(said: Any) -> None:
    result = said(write("good.yaml", GOOD), "--exemptions", "nowhere.yaml")

    assert "give a file with --exemptions" not in result.err


def test_a_target_that_is_named_twice_is_counted_once(said: Any) -> None:
    write("m/kustomization.yaml", "resources: [a.yaml]\n")
    write("m/a.yaml", GOOD)
    result = said("m", "./m/", str(Path("m").resolve()), "m/kustomization.yaml", "m/a.yaml", "./m/a.yaml", "--json")

    assert [(part["name"], part["counts"]["objects"]) for part in result.document["sets"]] == [
        ("m", 1),
        ("m/a.yaml", 1),
    ]


def test_a_chart_alone_is_said_with_what_renders_it(said: Any) -> None:
    write("my chart/Chart.yaml", "name: c\n")
    result = said("my chart")

    assert result.status == 2
    assert "a Helm chart" in result.err
    assert "helm template 'my chart' | slipway validate -" in result.err


@pytest.mark.parametrize("beside", ["good.yaml", "shop/kustomization.yaml"])
def test_a_chart_that_is_left_out_is_said(beside: str, said: Any) -> None:
    write("all/chart/Chart.yaml", "name: c\n")
    write("all/shop/a.yaml", GOOD)
    write(f"all/{beside}", GOOD.replace("settings", "others") if beside == "good.yaml" else "resources: [a.yaml]\n")
    result = said("all")

    assert result.status == 0
    assert "skipped: 1 file or folder\n    all/chart: a Helm chart" in result.out
    assert "→ helm template CHART | slipway validate -" in result.out


def test_what_comes_through_a_named_pipe_is_read(said: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    write("exemptions.yaml", SHOP_EXEMPTION)
    with subprocess.Popen(["sh", "-c", 'cat > "$0"', str(pipe)], stdin=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        writer.stdin.write(PRIVILEGED)
        writer.stdin.close()
        result = said(str(pipe), "--rule", RULE, "--json")

    assert [(f["line"], f["exempted"] is not None) for f in findings(result)] == [(PRIVILEGED_LINE, True)]


def test_only_objects_of_the_cluster_are_counted_among_them(said: Any) -> None:
    write("exemptions.yaml", EXEMPTION.format(rule=RULE, namespace='""', until="2020-01-01"))
    write("m/kustomization.yaml", "commonLabels: {a: b}\nresources: [a.yaml]\n")
    write("m/a.yaml", PRIVILEGED.partition("---\n")[2])
    result = said("m", "--json")

    assert findings(result, "exemption-expired")
    assert {f["object"]["kind"] for f in findings(result)} > {"Deployment.apps"}
    assert (result.document["counts"]["objects"], result.document["counts"]["objects_with_findings"]) == (1, 1)


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_full_disk_is_an_error_of_one_line(form: list[str]) -> None:
    write("good.yaml", GOOD)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slipway", "validate", "good.yaml", *form],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error OUTPUT: the result cannot be written: No space left on device"


def test_a_reader_that_goes_away_is_no_error() -> None:
    write("bad.yaml", PRIVILEGED)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "slipway", "validate", "bad.yaml"],
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_context_that_is_not_there_is_no_missing_namespace(
    said: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        "#!/bin/sh\necho 'error: context was not found for specified context: zz.' >&2\necho b >&2\nexit 1\n"
    )
    kubectl.chmod(0o755)
    monkeypatch.setattr("slipway.commands.checking.tools.locate", lambda name: kubectl)
    result = said("--live", "shop", "--kubeconfig", write("kubeconfig", ""), "--context", "zz")

    assert "no namespace" not in result.err
    assert "specified context: zz; b" in result.err


def test_the_default_of_the_pull_request_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    main(["pr-comment", "--help"])

    assert "[default: 0]" not in capsys.readouterr().out
