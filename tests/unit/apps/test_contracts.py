"""Each application under `apps/` and its manifests agree: on variables, on ports, and on what belongs in the folder.

What the source says is read from its syntax tree, what the manifests say from kustomize's output. Nothing is run.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.checks.folder import Folder
from slipway.paths import project_dir
from slipway.rules import RULES, Engine, group_kind
from slipway.rules.app_folder import APP_FOLDER, app_folder
from slipway.rules.dockerfile import Dockerfile, read_dockerfile
from slipway.rules.image_name import image_name
from slipway.rules.pods import pod_of
from slipway.rules.shape import dig, entries, mapping, text
from slipway.rules.support import table
from slipway.run import run
from tools import locate

APPS = sorted(path for path in (project_dir() / "apps").iterdir() if path.is_dir())
ENVIRONMENTS = ("dev", "staging", "prod")
# Read by the interpreter or by libraries, not by an application's own source.
FOREIGN = re.compile(r"PYTHON[A-Z]+|PATH|HOME|TZ|LANG|LC_[A-Z]+|(?:HTTPS?|NO)_PROXY|GUNICORN_CMD_ARGS|OTEL_[A-Z_]+")
ADDRESS = re.compile(r"[0-9.]+:([0-9]{2,5})")

Object = dict[str, Any]


@dataclass
class Source:
    """What an application's source says about its surroundings."""

    needed: set[str] = field(default_factory=set)
    """Variables without a default."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Variables with one, and the default."""
    ports: set[int] = field(default_factory=set)
    """Ports that it names itself."""

    @property
    def read(self) -> set[str]:
        return self.needed | self.defaults.keys()


def source_of(app: Path) -> Source:
    found = Source()
    for file in sorted((app / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"), str(file))):
            _read_variable(node, found)
            _read_port(node, found)
    # A variable that is read twice needs no value when either place has a default.
    found.needed -= found.defaults.keys()
    return found


def _is_environ(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os.environ", "environ")


def _read_variable(node: ast.AST, found: Source) -> None:
    if isinstance(node, ast.Subscript) and _is_environ(node.value) and isinstance(node.slice, ast.Constant):
        found.needed.add(str(node.slice.value))
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return
    called = ast.unparse(node.func)
    if called in ("os.getenv", "getenv", "os.environ.get", "environ.get"):
        default = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords), None)
        said = default.value if isinstance(default, ast.Constant) else None if default is None else ast.unparse(default)
        # `get` without a default gives None, which the source has to be ready for.
        found.defaults[str(node.args[0].value)] = "" if said is None else str(said)


def _read_port(node: ast.AST, found: Source) -> None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and (matched := ADDRESS.fullmatch(node.value)):
        found.ports.add(int(matched[1]))
    if isinstance(node, ast.Call):
        named = [keyword.value for keyword in node.keywords if keyword.arg == "port"]
        first = node.args[:1] if ast.unparse(node.func).endswith("start_http_server") else []
        for value in (*named, *first):
            if isinstance(value, ast.Constant) and isinstance(value.value, int):
                found.ports.add(value.value)


@cache
def rendered(app: Path, environment: str) -> tuple[Object, ...]:
    output = run([locate("kustomize"), "build", app / "k8s" / "overlays" / environment], timeout=60).stdout
    return tuple(yaml.safe_load_all(output))


def containers(objects: tuple[Object, ...], app: str) -> Iterator[Object]:
    """Those that run the application's own image."""
    for item in objects:
        pod = pod_of(item, group_kind(item))
        for container in pod.main if pod is not None else ():
            if image_name(text(container.spec.get("image"))).path.rpartition("/")[2] == app:
                yield container.spec


def provided(container: Object, objects: tuple[Object, ...], dockerfile: Dockerfile, content: str) -> dict[str, str]:
    """The variables that a container starts with, with their values where the manifests say them."""
    values = dict(re.findall(r"^\s*(?:ENV\s+)?([A-Z][A-Z0-9_]*)=(\S+)", content, re.MULTILINE))
    named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    for _, entry in entries(container.get("envFrom")):
        for reference, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            name = dig(entry, reference, "name")
            if name is not None:
                keys = mapping(mapping(named.get((kind, name))).get("data"))
                values |= {f"{text(entry.get('prefix'))}{key}": str(value) for key, value in keys.items()}
    for _, entry in entries(container.get("env")):
        values[text(entry.get("name"))] = text(entry.get("value"))
    return values


def faults(app: Path, environment: str) -> list[str]:
    """Where the application's source, its Dockerfile and its manifests disagree."""
    source, objects = source_of(app), rendered(app, environment)
    content = (app / "Dockerfile").read_text("utf-8")
    dockerfile = read_dockerfile(content)
    own = list(containers(objects, app.name))
    found = [] if own else ["no container runs the application's image"]
    for container in own:
        values = provided(container, objects, dockerfile, content)
        found += [f"{name} is read and not provided" for name in sorted(source.needed - values.keys())]
        unread = {name for name in values.keys() - source.read if not FOREIGN.fullmatch(name)}
        found += [f"{name} is provided and not read" for name in sorted(unread)]
        ports = {name: values.get(name, default) for name, default in source.defaults.items() if name.endswith("PORT")}
        served = source.ports | {int(port) for port in ports.values() if port.isdigit()}
        declared = {int(port["containerPort"]) for _, port in entries(container.get("ports"))}
        if served != declared:
            found.append(f"it serves {sorted(served)}, and the manifest declares {sorted(declared)}")
        if dockerfile.ports != served:
            found.append(f"it serves {sorted(served)}, and the Dockerfile exposes {sorted(dockerfile.ports)}")
    return found


def test_there_are_applications() -> None:
    assert APPS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_an_application_and_its_manifests_agree(app: Path, environment: str) -> None:
    assert faults(app, environment) == []


@pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)
def test_a_folder_of_an_application_passes_the_rules_about_folders(app: Path) -> None:
    rules = [rule for rule in RULES.values() if APP_FOLDER in rule.kinds]
    repository = Folder(project_dir())
    # On the table's own day: a support that ends is no fault of the commit that is tested.
    report = Engine(rules, repository=repository, strict=True, today=table().as_of).run(
        [app_folder(f"apps/{app.name}")]
    )

    assert len(rules) >= 4
    assert [finding.message for finding in report.findings] == []
    assert report.not_assessed == []


def replaced(path: Path, old: str, new: str) -> None:
    content = path.read_text("utf-8")
    assert old in content
    path.write_text(content.replace(old, new), "utf-8")


def without(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    app = tmp_path / "apps" / "app1"
    shutil.copytree(project_dir() / "apps" / "app1", app)
    return app


CHANGES: list[tuple[str, Callable[[Path], None], str]] = [
    (
        "a variable that nobody provides",
        lambda app: replaced(app / "src/app1.py", 'os.environ.get("ENVIRONMENT", "local")', 'os.environ["DB_HOST"]'),
        "DB_HOST is read and not provided",
    ),
    (
        "a variable that nobody reads any more",
        lambda app: replaced(app / "src/app1.py", '"ENVIRONMENT"', '"STAGE"'),
        "ENVIRONMENT is provided and not read",
    ),
    (
        "another port in the source",
        lambda app: replaced(app / "src/gunicorn.conf.py", "'8080'", "'5000'"),
        "it serves [5000, 9090], and the manifest declares [8080, 9090]",
    ),
    (
        "another port in the settings",
        lambda app: replaced(app / "k8s/base/kustomization.yaml", "- LOG_LEVEL=info", "- HTTP_PORT=5000"),
        "it serves [5000, 9090], and the Dockerfile exposes [8080, 9090]",
    ),
    (
        "another port in the manifest",
        lambda app: replaced(app / "k8s/base/deployment.yaml", "containerPort: 9090", "containerPort: 9091"),
        "it serves [8080, 9090], and the manifest declares [8080, 9091]",
    ),
    (
        "another image",
        lambda app: replaced(app / "k8s/base/deployment.yaml", "slipway-gitops/app1", "slipway-gitops/app2"),
        "no container runs the application's image",
    ),
]


@pytest.mark.parametrize(("change", "fault"), [item[1:] for item in CHANGES], ids=[item[0] for item in CHANGES])
def test_a_disagreement_is_found(copy: Path, change: Callable[[Path], None], fault: str) -> None:
    change(copy)
    assert fault in faults(copy, "dev")


PARTS: list[tuple[Callable[[Path], None], str]] = [
    (lambda app: without(app / "k8s/overlays/staging"), "it has no k8s/overlays/staging/kustomization.yaml"),
    (lambda app: without(app / "k8s/base/kustomization.yaml"), "it has no k8s/base/kustomization.yaml"),
    (lambda app: without(app / "test"), "it has no folder test"),
    (lambda app: without(app / "src"), "it has no folder src"),
    (lambda app: without(app / "Dockerfile"), "it has no Dockerfile"),
    (lambda app: without(app), "the repository has no folder 'apps/app1'"),
    (
        lambda app: replaced(app / "Dockerfile", "EXPOSE 8080 9090", "EXPOSE 8080"),
        "port 9090 is named in the manifests and not exposed by the Dockerfile",
    ),
    (
        lambda app: replaced(app / "Dockerfile", "python:3.11.14-slim-bookworm", "python:latest"),
        "line 4 of its Dockerfile: 'docker.io/library/python:latest' is no fixed version",
    ),
]


@pytest.mark.parametrize(("change", "fault"), PARTS, ids=[item[1].replace(" ", "-") for item in PARTS])
def test_a_fault_of_the_folder_is_found(copy: Path, change: Callable[[Path], None], fault: str) -> None:
    change(copy)
    rules = [rule for rule in RULES.values() if APP_FOLDER in rule.kinds]
    repository = Folder(copy.parents[1])
    report = Engine(rules, repository=repository, strict=True).run([app_folder("apps/app1")])
    assert fault in [finding.message for finding in report.findings]
