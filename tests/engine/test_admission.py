"""What a real API server refuses, warns of and lets be, with the policies as the stacks dev and prod declare them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.admission import AdmissionArgs, boundaries
from slipway.rules import RULES, Category, Rule, Severity
from slipway.rules.cel import ENVIRONMENT_LABEL, bindings, policies
from tests.engine.conftest import Api
from tools import locate

Object = dict[str, Any]

DELIVERY = "system:serviceaccount:argocd:argocd-application-controller"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
ENFORCE = "pod-security.kubernetes.io/enforce"


def namespace(name: str, environment: str = "", level: str = "restricted") -> Object:
    labels = {ENVIRONMENT_LABEL: environment, ENFORCE: level} if environment else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(place: str, *, faulty: bool, **metadata: Any) -> Object:
    """A Pod that breaks a serious rule or does not. It breaks minor ones in any case."""
    granted = {"capabilities": {"add": ["SYS_ADMIN"]}} if faulty else {}
    container = {"name": "web", "image": "registry.example.com/web:1.2.3", "securityContext": granted}
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "web", "namespace": place, **metadata},
        "template": {"spec": {"containers": [container]}},
    }


def route(place: str, *hosts: str) -> Object:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": place},
        "spec": {"hostnames": list(hosts)},
    }


def settings(place: str, tracking: str | None = None) -> Object:
    """A ConfigMap, with Argo CD's note of the Application that it belongs to."""
    noted = {} if tracking is None else {"argocd.argoproj.io/tracking-id": tracking}
    metadata = {"name": "web", "namespace": place, "annotations": noted}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


Try = Callable[..., str]


def wait_until(acts: Callable[[], bool]) -> None:
    """A new policy acts when the API server has compiled it."""
    for _ in range(60):
        if acts():
            return
        time.sleep(0.5)
    raise AssertionError("the policy does not act")


@pytest.fixture(scope="module")
def admission(api: Api) -> Iterator[Try]:
    """Try an object: what the API server says of it, on nothing but its policies' account."""
    dev = AdmissionArgs("dev", install=True, domain="localhost", hosts={}, reserved=["argocd.dev.localhost"])
    prod = AdmissionArgs("prod", install=False, domain="example.org", hosts={"shop": ["shop.example.com"]})
    hosts = {"hostnames": {"type": "array", "items": {"type": "string"}}}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": hosts}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "httproutes.gateway.networking.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": "gateway.networking.k8s.io",
            "scope": "Namespaced",
            "names": {"plural": "httproutes", "kind": "HTTPRoute"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    # The library's own rules about Namespaces would speak first.
    made = policies(rule for rule in RULES.values() if "Namespace" not in rule.kinds)
    # As one that was there before the boundaries: they would refuse it.
    weak = namespace("weak-prod", "prod", "privileged")
    places = [namespace("shop-dev", "dev"), namespace("shop-prod", "prod"), namespace("argocd-dev", "dev")]
    installed = [*made, *places, definition, namespace("platform")]
    for args in (dev, prod):
        installed += [*boundaries(args), *bindings(made, args.environment)]
    text = "\n---\n".join(json.dumps(item) for item in installed)

    def attempt(item: Object, *words: str, user: str = "") -> str:
        mask = ["--as", user, "--as-group", "system:masters"] if user else []
        argv = [str(locate("kubectl")), "--kubeconfig", str(api.kubeconfig)]
        argv += [*(words or ("create", "--dry-run=server")), *mask]
        done = subprocess.run(
            [*argv, "-f", "-"], input=json.dumps(item), capture_output=True, text=True, timeout=60, check=False
        )
        return ("" if done.returncode == 0 else "refused: ") + done.stderr

    try:
        api.kubectl("create", "-f", "-", given=json.dumps(weak))
        api.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=text)
        wait_until(lambda: "refused" in attempt(pod("shop-prod", faulty=True)))
        wait_until(lambda: "[route-host]" in attempt(route("shop-prod", "other.org")))
        wait_until(lambda: "refused" in attempt(namespace("new-prod"), user=DELIVERY))
        for place in ("shop-dev", "shop-prod"):
            wait_until(lambda: "[namespace-owner]" in attempt(settings(place, "other:/"), user=DELIVERY))  # noqa: B023
        yield attempt
    finally:
        api.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", given=f"{text}\n---\n{json.dumps(weak)}")


def test_no_policy_names_a_field_that_its_kinds_do_not_have(admission: Try, api: Api) -> None:
    def checked() -> list[Object]:
        found = json.loads(api.kubectl("get", "validatingadmissionpolicies", "-o", "json"))["items"]
        return [item for item in found if "typeChecking" in item.get("status", {})]

    wait_until(lambda: len(checked()) >= 10)
    for item in checked():
        assert item["status"]["typeChecking"] == {}, item["metadata"]["name"]


def test_a_second_owner_meets_no_conflict(admission: Try, api: Api) -> None:
    # An update after one that was killed is one: its field manager has another name.
    dev = AdmissionArgs("dev", install=True, domain="localhost", hosts={}, reserved=["argocd.dev.localhost"])
    made = policies(RULES.values(), prefix="twice")
    text = "\n---\n".join(json.dumps(item) for item in (*made, *bindings(made, "prod"), *boundaries(dev)))
    try:
        api.kubectl("apply", "--server-side", "--field-manager=killed", "-f", "-", given=text)
        api.kubectl("apply", "--server-side", "--field-manager=later", "-f", "-", given=text)
    finally:
        for item in (*made, *bindings(made, "prod")):
            api.kubectl("delete", item["kind"], item["metadata"]["name"], "--ignore-not-found")


def test_prod_refuses_what_breaks_a_serious_rule(admission: Try) -> None:
    said = admission(pod("shop-prod", faulty=True))
    assert said.startswith("refused: ")
    assert "[capability-added]" in said


def test_dev_warns_of_it(admission: Try) -> None:
    said = admission(pod("shop-dev", faulty=True))
    assert said.startswith("Warning: ")
    assert "[capability-added]" in said


def test_a_namespace_of_the_platform_is_let_be(admission: Try) -> None:
    assert admission(pod("platform", faulty=True)) == ""


def test_an_exemption_with_a_reason_and_a_date_is_honoured(admission: Try) -> None:
    def said(value: str) -> str:
        note = {"exempt.slipway.dev/capability-added": value}
        return admission(pod("shop-dev", faulty=True, annotations=note))

    assert "[capability-added]" not in said("it loads a kernel module until=2099-12-31")
    assert "[capability-added]" in said("it loads a kernel module")
    assert "[capability-added]" in said("until=2099-12-31")
    assert "[capability-added]" in said("it loads a kernel module until=2099-13-31")
    assert "[capability-added]" in said("it loads a kernel module until=2099-12-32")
    assert "[capability-added]" in said("it loads a kernel module until=2099-00-31")
    assert "[capability-added]" in said("it loads a kernel module until=2100-01-01")
    assert "[capability-added]" in said("it loads a kernel module until=9999-12-31")
    assert "[capability-added]" in said("it loads a kernel module until=1999-12-31")


def test_the_clusters_controllers_can_make_again_what_was_admitted(admission: Try) -> None:
    assert "refused" not in admission(pod("shop-prod", faulty=True), user=CONTROLLER)
    assert "refused" in admission(pod("shop-prod", faulty=True), user="system:serviceaccount:shop-prod:web")


def test_what_is_being_deleted_can_still_lose_its_finalizers(admission: Try, api: Api) -> None:
    stuck = pod("shop-prod", faulty=True, finalizers=["example.org/waits"])
    assert "refused" not in admission(stuck, "create", user=CONTROLLER)
    assert "refused" in admission(stuck | {"metadata": stuck["metadata"] | {"labels": {"a": "b"}}}, "replace")
    api.kubectl("-n", "shop-prod", "delete", "podtemplate/web", "--wait=false")
    api.kubectl("-n", "shop-prod", "patch", "podtemplate/web", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert not api.kubectl("-n", "shop-prod", "get", "podtemplates", "-o", "name")


def test_what_is_being_deleted_gets_no_other_content(admission: Try, api: Api) -> None:
    own = route("shop-prod", "shop.prod.example.org")
    own["metadata"]["finalizers"] = ["example.org/waits"]
    api.kubectl("apply", "--server-side", "-f", "-", given=json.dumps(own))
    try:
        api.kubectl("-n", "shop-prod", "delete", "httproute/web", "--wait=false")
        taken = own | {"spec": {"hostnames": ["other.prod.example.org"]}}
        assert "[route-host]" in admission(taken, "apply", "--server-side")
        emptied = {key: value for key, value in own.items() if key != "spec"}
        assert "refused" in admission(emptied, "replace"), "what is left out is a change too"
    finally:
        removed = '{"metadata":{"finalizers":null}}'
        api.kubectl("-n", "shop-prod", "patch", "httproute/web", "--type=merge", "-p", removed)
    assert not api.kubectl("-n", "shop-prod", "get", "httproutes", "-o", "name")


def test_a_namespace_that_is_being_deleted_keeps_its_labels(admission: Try, api: Api) -> None:
    going = namespace("going-prod", "prod")
    going["metadata"]["finalizers"] = ["example.org/waits"]
    api.kubectl("create", "-f", "-", given=json.dumps(going))
    try:
        api.kubectl("delete", "namespace/going-prod", "--wait=false")
        bare = going | {"metadata": going["metadata"] | {"labels": {}}}
        assert "[namespace-environment]" in admission(bare, "replace")
    finally:
        removed = '{"metadata":{"finalizers":null}}'
        api.kubectl("patch", "namespace/going-prod", "--type=merge", "-p", removed)
    api.kubectl("wait", "--for=delete", "namespace/going-prod", "--timeout=30s")


def test_a_namespace_from_before_the_boundaries_can_still_go(admission: Try, api: Api) -> None:
    api.kubectl("delete", "namespace/weak-prod", "--timeout=30s")


def test_a_resize_of_a_running_pod_is_asked_about(admission: Try, api: Api) -> None:
    def sized(cpu: str) -> Object:
        careful = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        image = "registry.example.com/web:1.2.3"
        wanted = {"requests": {"cpu": cpu}}
        container = {"name": "web", "image": image, "securityContext": careful, "resources": wanted}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop-prod"},
            "spec": {"automountServiceAccountToken": False, "containers": [container]},
        }

    wait_until(
        lambda: "serviceaccount/default" in api.kubectl("-n", "shop-prod", "get", "serviceaccounts", "-o", "name")
    )
    assert "refused" not in admission(sized("10m"), "create", user=CONTROLLER)
    try:
        argv = ("replace", "--subresource=resize", "--dry-run=server")
        assert "[memory-limit-missing]" in admission(sized("20m"), *argv)
        assert "refused" not in admission(sized("20m"), *argv, user=CONTROLLER), "nothing else speaks against it"
    finally:
        api.kubectl("-n", "shop-prod", "delete", "pod/web", "--force", "--grace-period=0")


@pytest.mark.parametrize(
    "door",
    [
        ("replace", "--subresource=status", "--dry-run=server"),
        ("replace", "--raw", "/api/v1/namespaces/shop-prod/finalize?dryRun=All"),
    ],
    ids=["status", "finalize"],
)
def test_an_applications_namespace_keeps_its_labels_through_every_door(admission: Try, door: tuple[str, ...]) -> None:
    bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-prod", "labels": {}}}
    assert "[namespace-environment]" in admission(bare, *door)
    assert "refused" not in admission(namespace("shop-prod", "prod"), *door)


@pytest.mark.parametrize(
    ("place", "tracking", "allowed"),
    [
        ("shop-prod", "shop-prod:/ConfigMap:shop-prod/web", True),
        ("shop-dev", "shop-dev:/ConfigMap:shop-dev/web", True),
        ("shop-prod", "other-prod:/ConfigMap:shop-prod/web", False),
        ("shop-prod", "shop-prod-two:/ConfigMap:shop-prod/web", False),
        ("shop-dev", "shop-prod:/ConfigMap:shop-dev/web", False),
        ("shop-prod", None, False),
        ("platform", "other-prod:/ConfigMap:platform/web", True),
    ],
    ids=["own", "dev", "anothers", "longer-name", "another-environments", "unknown", "platform"],
)
def test_argo_cd_writes_into_the_applications_own_namespace_only(
    admission: Try, place: str, tracking: str | None, allowed: bool
) -> None:
    said = admission(settings(place, tracking), user=DELIVERY)
    assert said.startswith("refused: ") != allowed
    assert ("[namespace-owner]" in said) != allowed
    assert "[namespace-owner]" not in admission(settings(place, tracking)), "people may"


def test_argo_cd_may_take_over_what_somebody_else_made_and_nobody_elses(admission: Try, api: Api) -> None:
    api.kubectl("create", "-f", "-", given=json.dumps(settings("shop-prod")))
    try:
        again = ("replace", "--dry-run=server")
        assert "refused" not in admission(settings("shop-prod"), *again, user=DELIVERY)
        assert "refused" not in admission(settings("shop-prod", "shop-prod:/"), *again, user=DELIVERY)
        said = admission(settings("shop-prod", "other-prod:/"), *again, user=DELIVERY)
        assert "other-prod writes into shop-prod." in said
        api.kubectl("replace", "-f", "-", given=json.dumps(settings("shop-prod", "shop-prod:/")))
        assert "[namespace-owner]" in admission(settings("shop-prod"), *again, user=DELIVERY)
    finally:
        api.kubectl("-n", "shop-prod", "delete", "configmap/web")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({ENVIRONMENT_LABEL: "prod", ENFORCE: "privileged"}, "[namespace-pod-security]"),
        ({ENVIRONMENT_LABEL: "prod"}, "[namespace-pod-security]"),
        ({ENVIRONMENT_LABEL: "prod", ENFORCE: "restricted", f"{ENFORCE}-version": "v1.19"}, "[namespace-pod-security]"),
        ({ENVIRONMENT_LABEL: "dev", ENFORCE: "restricted"}, "[namespace-environment]"),
        ({ENFORCE: "restricted"}, "[namespace-environment]"),
    ],
    ids=["weaker", "none", "older", "another-environment", "no-environment"],
)
def test_an_applications_namespace_keeps_its_labels(admission: Try, labels: dict[str, str], says: str) -> None:
    changed = namespace("shop-prod") | {"metadata": {"name": "shop-prod", "labels": labels}}
    said = admission(changed, "replace", "--dry-run=server")
    assert said.startswith("refused: ")
    assert says in said


def test_an_application_cannot_bring_a_namespace_without_rules(admission: Try) -> None:
    assert "[namespace-environment]" in admission(namespace("new-prod"), user=DELIVERY)
    assert admission(namespace("new-prod", "prod"), user=DELIVERY) == ""


def test_a_namespace_of_somebody_else_is_not_ours_because_its_name_ends_alike(admission: Try) -> None:
    assert admission(namespace("theirs-prod")) == ""


@pytest.mark.parametrize(
    ("item", "allowed"),
    [
        (route("shop-prod", "shop.prod.example.org"), True),
        (route("shop-prod", "shop.prod.example.org", "shop.example.com"), True),
        (route("shop-prod", "other.prod.example.org"), False),
        (route("shop-prod", "*.prod.example.org"), False),
        (route("shop-prod", "shop.prod.example.org", "other.prod.example.org"), False),
        (route("shop-prod"), False),
        (route("shop-dev", "shop.dev.localhost"), True),
        (route("shop-dev", "shop.example.com"), False),
        (route("argocd-dev", "argocd.dev.localhost"), False),
        (route("platform", "anything.example.org"), True),
    ],
    ids=["own", "listed", "anothers", "wildcard", "both", "none", "dev", "listed-elsewhere", "platforms", "platform"],
)
def test_a_route_takes_its_own_host_name_only(admission: Try, item: Object, allowed: bool) -> None:
    said = admission(item)
    assert said.startswith("refused: ") != allowed
    assert ("[route-host]" in said) != allowed


def test_a_rule_of_one_environment_is_not_asked_in_another(admission: Try, api: Api) -> None:
    limited = Rule(
        id="only-prod",
        title="It is not prod",
        severity=Severity.HIGH,
        category=Category.SECURITY,
        reason="Because.",
        remedy="Leave.",
        sources=("test:rule",),
        kinds=frozenset({"ConfigMap", "Namespace", "PersistentVolume"}),
        check=lambda item, context: (),
        cel="false",
        environments=("prod",),
    )
    (policy,) = policies([limited], prefix="limited")
    name = policy["metadata"]["name"]
    binding = {
        "apiVersion": policy["apiVersion"],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Warn"]},
    }
    text = f"{json.dumps(policy)}\n---\n{json.dumps(binding)}"

    def asked(item: Object) -> bool:
        return "[only-prod]" in admission(item)

    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "disk"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "nfs": {"server": "a", "path": "/b"},
        },
    }
    api.kubectl("apply", "--server-side", "-f", "-", given=text)
    try:
        wait_until(lambda: asked(settings("shop-prod")))
        assert not asked(settings("shop-dev"))
        assert asked(settings("platform")), "a namespace that is in no environment gets every rule"
        assert asked(namespace("new-prod", "prod"))
        assert not asked(namespace("new-dev", "dev"))
        assert asked(volume), "what is cluster-scoped is in no environment"
    finally:
        api.kubectl("delete", "-f", "-", given=text)
