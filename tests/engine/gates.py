"""The three gates, asked about one object at a time, and what an API server needs before objects can be tried on it."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlsplit

import yaml
from google.protobuf.struct_pb2 import Struct

from components.errors import ProgramError
from components.sources import load
from slipway.policy import Enforcement, Pack, Resource, decode
from slipway.rules import RULES, Engine, Object, group_kind
from slipway.rules.cel import ENVIRONMENTS
from slipway.rules.pods import pod_of
from slipway.rules.shape import dig, name_of, namespace_of
from tests.engine.conftest import Api

EXPRESSED = {name: rule for name, rule in RULES.items() if rule.cel}
# What is no part of Kubernetes and in no mirror has an open definition here: any fields, no defaults.
OPEN = {
    "Application.argoproj.io": "applications",
    "AppProject.argoproj.io": "appprojects",
    "ApplicationSet.argoproj.io": "applicationsets",
    "Gateway.gateway.networking.k8s.io": "gateways",
    "GRPCRoute.gateway.networking.k8s.io": "grpcroutes",
    "HTTPRoute.gateway.networking.k8s.io": "httproutes",
    "PodMonitor.monitoring.coreos.com": "podmonitors",
    "Rollout.argoproj.io": "rollouts",
    "SealedSecret.bitnami.com": "sealedsecrets",
    "ServiceMonitor.monitoring.coreos.com": "servicemonitors",
}
VERSIONS = {"argoproj.io": "v1alpha1", "bitnami.com": "v1alpha1"}
_RULE = re.compile(r"\[([a-z0-9-]+)\] ")
# An error shows the expression, which begins with the rule's exemption.
_EXPRESSION = re.compile(r"'exempt\.slipway\.dev/([a-z0-9-]+)' in variables\.exempt")


@dataclass(frozen=True)
class Seen:
    """What the three gates said of one object."""

    files: frozenset[str] = frozenset()
    pulumi: frozenset[str] = frozenset()
    admission: frozenset[str] = frozenset()
    refused: str = ""
    """The API server's own reason: it takes no such object from anybody, so its policies are not asked."""
    instead: bool = False
    """A Rollout stood in for the object."""
    broken: frozenset[str] = frozenset()
    """Rules whose expression cannot be evaluated; the API server refuses then."""


class Gates:
    """The three gates, each asked about one object at a time."""

    def __init__(self, api: Api) -> None:
        access = yaml.safe_load(api.kubeconfig.read_text("utf-8"))
        self._server = urlsplit(access["clusters"][0]["cluster"]["server"]).netloc
        self._headers = {
            "Authorization": f"Bearer {access['users'][0]['user']['token']}",
            "Content-Type": "application/json",
        }
        self._connection = http.client.HTTPSConnection(
            self._server,
            timeout=30,
            context=_any_certificate(),
        )
        enforcement = Enforcement({name: {} for name in ("", *ENVIRONMENTS)}, {})
        self._engines = {name: Engine(EXPRESSED.values(), environment=name) for name in enforcement.environments}
        self._packs = {name: Pack(EXPRESSED.values(), enforcement, name) for name in enforcement.environments}
        self.plural = cache(self._plural)

    def close(self) -> None:
        self._connection.close()

    def ask(self, item: Object, environment: str) -> Seen:
        """What each gate says; what the API server takes from nobody is asked about as a Rollout with the same Pods."""
        seen = self._ask(item, environment)
        rollout = as_rollout(item) if seen.refused else None
        return seen if rollout is None else replace(self._ask(rollout, environment), instead=True)

    def _ask(self, item: Object, environment: str) -> Seen:
        files = {finding.rule for finding in self._engines[environment].scan([item]).standing}
        verdicts = self._packs[environment].judge(as_resource(item)).verdicts
        pulumi = {verdict.rule for verdict in verdicts if verdict.known}
        return self.admit(item, Seen(frozenset(files), frozenset(pulumi)))

    def admit(self, item: Object, seen: Seen = Seen()) -> Seen:
        """What the policies say, added to what is known."""
        version = str(item["apiVersion"])
        plural, namespaced = self.plural(version, str(item["kind"]))
        if not plural:
            return replace(seen, refused="not served")
        place = f"namespaces/{namespace_of(item) or 'default'}/" if namespaced else ""
        group = f"apis/{version}" if "/" in version else f"api/{version}"
        path = f"/{group}/{place}{plural}?dryRun=All&fieldValidation=Ignore"
        status, warnings, answer = self.request("POST", path, item)
        # What is there already is refused last, when every policy has been asked.
        if status in (400, 422):
            return replace(seen, refused=str(answer.get("message")))
        assert status in (201, 409), answer
        errors = [text for text in warnings if "expression '" in text]
        return replace(seen, admission=_named(_RULE, warnings), broken=_named(_EXPRESSION, errors))

    def request(self, method: str, path: str, body: Object | None = None) -> tuple[int, list[str], Object]:
        self._connection.request(method, path, json.dumps(body) if body else None, self._headers)
        answer = self._connection.getresponse()
        warnings = [text for text in answer.headers.get_all("Warning") or [] if text]
        return answer.status, warnings, json.loads(answer.read())

    def _plural(self, version: str, kind: str) -> tuple[str, bool]:
        status, _, answer = self.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
        for entry in answer.get("resources", []) if status == 200 else []:
            if entry["kind"] == kind and "/" not in entry["name"]:
                return entry["name"], entry["namespaced"]
        return "", False


def _named(what: re.Pattern[str], warnings: list[str]) -> frozenset[str]:
    return frozenset(found[1] for text in warnings if (found := what.search(text)))


def _any_certificate() -> ssl.SSLContext:
    """The API server of the tests makes its own certificate, as its kubeconfig says."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def as_resource(item: Object) -> Resource:
    """The object as the engine hands it to a policy pack."""
    version = str(item["apiVersion"])
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{item['kind']}"
    struct = Struct()
    struct.update(item)
    return Resource(token, name_of(item), f"urn:pulumi:test::slipway::{token}::{name_of(item)}", decode(struct))


def as_rollout(item: Object) -> Object | None:
    """A Rollout that makes the Pods of `item`: Kubernetes knows nothing of its fields and so refuses none."""
    pod = pod_of(item, group_kind(item))
    if pod is None:
        return None
    metadata = {key: value for key, value in item["metadata"].items() if key in ("name", "namespace", "annotations")}
    template = {"metadata": pod.template_metadata, "spec": pod.spec}
    spec = {"template": template}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}


def definitions() -> list[Object]:
    """The definitions of kinds: upstream's out of the mirror, where there is one."""
    found: dict[str, Object] = {}
    for source in ("argo-cd", "gateway-api"):
        try:
            items = load(source, "mirror")
        except ProgramError:
            continue
        found |= {item["metadata"]["name"]: item for item in items if item["kind"] == "CustomResourceDefinition"}
    wanted = {f"{plural}.{kind.partition('.')[2]}": kind for kind, plural in OPEN.items()}
    return [found.get(name) or _open(name, kind) for name, kind in sorted(wanted.items())]


def _open(name: str, kind: str) -> Object:
    plural, _, group = name.partition(".")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": VERSIONS.get(group, "v1"), "served": True, "storage": True, "schema": schema}
    names = {"plural": plural, "kind": kind.partition(".")[0]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            # For groups that are Kubernetes' own.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def surroundings(objects: Iterable[Object]) -> list[Object]:
    """What must stand before an object can be tried: namespaces, and what Kubernetes itself asks of Pods."""
    namespaces, accounts, priorities = set(), set(), set()
    for item in objects:
        namespace = namespace_of(item) or "default"
        namespaces.add(namespace)
        if item["kind"] == "Pod":
            accounts.add((namespace, str(dig(item, "spec", "serviceAccountName") or "default")))
            priorities.add(str(dig(item, "spec", "priorityClassName") or ""))
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
          for name in sorted(namespaces - {"default", "kube-system", "kube-public", "kube-node-lease"})),
        *({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
          for namespace, name in sorted(accounts)),
        *({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1}
          for name in sorted(priorities) if name and not name.startswith("system-")),
    ]  # fmt: skip
