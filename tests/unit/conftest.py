"""The program under Pulumi's mocks, with a mirror that holds small manifests in the form of upstream's."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, Mocks

ROOT = Path(__file__).parents[2]

Object = dict[str, Any]


@dataclass(frozen=True)
class Registration:
    """One resource as the program declared it."""

    type: str
    name: str
    parent: str
    provider: str
    inputs: Object
    after: tuple[str, ...]
    custom: bool


@dataclass
class Graph:
    """Everything that one run of the program declared, by URN."""

    resources: dict[str, Registration] = field(default_factory=dict)
    outputs: dict[str, Object] = field(default_factory=dict)

    def of(self, kind: str) -> list[Registration]:
        """The resources whose type ends in `kind`."""
        return [item for item in self.resources.values() if item.type.split(":")[-1] == kind]

    def one(self, kind: str, name: str) -> Registration:
        """The one resource of that kind and name."""
        (found,) = [item for item in self.of(kind) if item.name == name]
        return found

    def urn(self, registration: Registration) -> str:
        return next(urn for urn, item in self.resources.items() if item is registration)

    def before(self, registration: Registration) -> set[str]:
        """The URNs of everything that stands before this resource is made, and goes only after it is gone."""
        seen: set[str] = set()
        left = [*registration.after, registration.parent]
        while left:
            urn = left.pop()
            if urn not in seen and urn in self.resources:
                seen.add(urn)
                left += [*self.resources[urn].after, self.resources[urn].parent]
        return seen

    def objects(self) -> list[Registration]:
        """The Kubernetes objects."""
        return [item for item in self.resources.values() if item.type.startswith("kubernetes:")]


@contextmanager
def _loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


class _Mocks(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, Object]:
        return f"{args.name}-id", args.inputs

    def call(self, args: Any) -> tuple[Object, None]:
        raise AssertionError(f"the program asks a provider: {args.token}")


class _Monitor(MockMonitor):
    def __init__(self, graph: Graph) -> None:
        super().__init__(_Mocks())
        self.graph = graph

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's name
        with _loop():  # the SDK would make one for each worker thread, and never close it
            answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            assert answer.urn not in self.graph.resources, f"declared twice: {answer.urn}"
            self.graph.resources[answer.urn] = Registration(
                type=request.type,
                name=request.name,
                parent=request.parent,
                provider=request.provider,
                inputs=self.resources[answer.urn].state,
                after=tuple(request.dependencies),
                custom=request.custom,
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the engine's name
        self.graph.outputs[request.urn] = dict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


Run = Callable[..., Graph]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mirror: Path) -> Run:
    """Run `__main__.py` as a stack: `run("dev", {"slipway:platform": "attach"}, preview=False)`."""
    monkeypatch.setenv("SLIPWAY_CACHE", str(mirror.parent))
    monkeypatch.setenv("SLIPWAY_SANDBOX_DIR", str(tmp_path / ".sandbox"))

    def execute() -> None:
        runpy.run_path(str(ROOT / "__main__.py"))

    def run_as(stack: str = "dev", values: Object | None = None, *, preview: bool = True) -> Graph:
        graph = Graph()

        def declare() -> None:
            pulumi.runtime.set_mocks(_Mocks(), project="slipway", stack=stack, preview=preview, monitor=_Monitor(graph))
            pulumi.runtime.config.CONFIG.set(shipped_values(stack) | (values or {}))
            program = pulumi.runtime.test(execute)  # type: ignore[no-untyped-call]
            program()

        # The SDK keeps the root resource in a context variable; a run must not find an earlier one's.
        with _loop():
            copy_context().run(declare)
        assert graph.resources, "the program declared nothing"
        return graph

    return run_as


def shipped_values(stack: str) -> Object:
    """What the engine hands over for a shipped stack: the project's defaults under the stack's values."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    values = {key: entry.get("value", entry.get("default")) for key, entry in project.items()}
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return {**values, **(document.get("config") or {})}


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror with both manifests."""
    folder = tmp_path / "cache" / "mirror"
    for place, objects in (
        ("argo-cd/v3.5.3/install.yaml", argo_cd()),
        ("gateway-api/v1.6.1/standard-install.yaml", gateway_api()),
    ):
        file = folder / place
        file.parent.mkdir(parents=True)
        file.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return folder


def argo_cd() -> list[Object]:
    """Objects like those of Argo CD's release manifest: no namespace, and Dex among them."""
    part = {"app.kubernetes.io/part-of": "argocd"}

    def thing(version: str, kind: str, name: str, **rest: Any) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": part}, **rest}

    def workload(kind: str, name: str) -> Object:
        container = {"name": name, "image": "quay.io/argoproj/argocd:v3.5.3", "env": [{"name": "A", "value": "b"}]}
        template = {"metadata": {"labels": part}, "spec": {"containers": [container]}}
        return thing("apps/v1", kind, name, spec={"selector": {"matchLabels": part}, "template": template})

    rbac = "rbac.authorization.k8s.io/v1"
    return [
        *(crd(f"{plural}.argoproj.io") for plural in ("applications", "applicationsets", "appprojects")),
        *(thing("v1", "ServiceAccount", name) for name in ("argocd-server", "argocd-dex-server")),
        thing(rbac, "ClusterRole", "argocd-server", rules=[]),
        thing(rbac, "ClusterRoleBinding", "argocd-server"),
        thing(rbac, "Role", "argocd-server", rules=[]),
        thing("v1", "ConfigMap", "argocd-cm", data={"resource.exclusions": "upstream's"}),
        thing("v1", "ConfigMap", "argocd-cmd-params-cm"),
        thing("v1", "Secret", "argocd-secret", type="Opaque"),
        thing("v1", "Service", "argocd-server", spec={"ports": [{"port": 80}]}),
        thing("v1", "Service", "argocd-dex-server", spec={"ports": [{"port": 5556}]}),
        workload("Deployment", "argocd-server"),
        workload("Deployment", "argocd-applicationset-controller"),
        workload("Deployment", "argocd-repo-server"),
        workload("Deployment", "argocd-dex-server"),
        workload("StatefulSet", "argocd-application-controller"),
        thing("networking.k8s.io/v1", "NetworkPolicy", "argocd-dex-server-network-policy", spec={}),
    ]


def gateway_api() -> list[Object]:
    """The kinds of the Gateway API's standard channel, and its admission policy."""
    group = "gateway.networking.k8s.io"
    plurals = ("backendtlspolicies", "gatewayclasses", "gateways", "grpcroutes", "httproutes", "listenersets")
    more = ("referencegrants", "tcproutes", "tlsroutes", "udproutes")
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"safe-upgrades.{group}"},
        "spec": {},
    }
    return [*(crd(f"{plural}.{group}") for plural in (*plurals, *more)), policy]


def crd(name: str) -> Object:
    """A definition of a kind."""
    plural, group = name.split(".", 1)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "kind": plural.title()}},
    }


@pytest.fixture
def argo_cd_objects() -> list[Object]:
    """Objects like those of Argo CD's release manifest."""
    return argo_cd()


@pytest.fixture
def gateway_api_objects() -> list[Object]:
    """Objects like those of the Gateway API's release manifest."""
    return gateway_api()


@pytest.fixture(autouse=True)
def no_width_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are as wide as in a log, also in the worker processes of the tests, which are told a width."""
    monkeypatch.delenv("COLUMNS", raising=False)
