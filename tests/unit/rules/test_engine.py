"""The engine's account: what ran, what could not, and what was excused, by whom and until when."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import pytest

from slipway.rules import (
    RULES,
    Category,
    Context,
    Engine,
    Exemption,
    Finding,
    NotAssessed,
    Object,
    Rule,
    Severity,
    Violation,
    format_path,
    group_kind,
)
from slipway.rules.context import ObjectSet
from slipway.rules.exemptions import UNUSED
from slipway.rules.pods import pod_of

TODAY = datetime.date(2026, 6, 1)


def _service(name: str, **metadata: object) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop", **metadata}}


def _never(item: Object, context: Context) -> Iterable[Violation]:
    return [Violation(("spec",), "no Service is wanted")]


def _rule(check: object = _never, **changes: object) -> Rule:
    settings: dict[str, object] = {
        "id": "no-services",
        "title": "No Services",
        "severity": Severity.HIGH,
        "category": Category.SECURITY,
        "reason": "A test.",
        "remedy": "None.",
        "sources": ("slipway:test",),
        "kinds": frozenset({"Service"}),
        "check": check,
    }
    return Rule(**(settings | changes))  # type: ignore[arg-type]


def _excuse(**changes: object) -> Exemption:
    settings: dict[str, object] = {
        "rule": "no-services",
        "kind": "Service",
        "namespace": "shop",
        "name": "web",
        "reason": "a test",
        "until": TODAY,
        "file": "exemptions.yaml",
        "line": 3,
    }
    return Exemption(**(settings | changes))  # type: ignore[arg-type]


def _standing(engine: Engine, *items: Object) -> list[Finding]:
    return engine.run(items).standing


def test_a_rule_is_asked_about_its_kinds_only() -> None:
    other = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "web"}}
    report = Engine([_rule()], today=TODAY).run([_service("web"), other])
    assert [str(finding.object) for finding in report.findings] == ["Service shop/web"]
    assert report.applied == {"no-services": 1}
    assert report.objects == 2


def test_a_rule_that_cannot_decide_is_no_pass() -> None:
    def undecided(item: Object, context: Context) -> Iterable[Violation]:
        raise NotAssessed("no repository at hand")

    report = Engine([_rule(undecided)], today=TODAY).run([_service("web")])
    assert [(skipped.rule, skipped.reason) for skipped in report.not_assessed] == [
        ("no-services", "no repository at hand")
    ]
    assert report.applied == {"no-services": 1}


def test_a_rule_that_breaks_is_told_as_a_check_that_could_not_run() -> None:
    def broken(item: Object, context: Context) -> Iterable[Violation]:
        raise TypeError("a mistake of ours")

    report = Engine([_rule(broken)], today=TODAY).run([_service("web")])
    assert "a mistake of ours" in report.not_assessed[0].reason
    with pytest.raises(TypeError):
        Engine([_rule(broken)], today=TODAY, strict=True).run([_service("web")])


def test_an_environment_may_take_a_rule_less_seriously_or_not_ask_it() -> None:
    mild = _rule(severity_in={"dev": Severity.LOW})
    assert _standing(Engine([mild], environment="dev"), _service("web"))[0].severity is Severity.LOW
    assert _standing(Engine([mild], environment="prod"), _service("web"))[0].severity is Severity.HIGH
    only_prod = _rule(environments=("prod",))
    assert not _standing(Engine([only_prod], environment="dev"), _service("web"))
    assert _standing(Engine([only_prod], environment=""), _service("web"))


@pytest.mark.parametrize(
    ("excuse", "excused"),
    [
        (_excuse(), True),
        (_excuse(namespace=""), True),
        (_excuse(until=TODAY - datetime.timedelta(days=1)), False),
        (_excuse(name="api"), False),
        (_excuse(namespace="other"), False),
        (_excuse(kind="Ingress.networking.k8s.io"), False),
        (_excuse(rule="another-rule"), False),
    ],
)
def test_an_exemption_excuses_its_rule_and_object_until_its_last_day(excuse: Exemption, excused: bool) -> None:
    report = Engine([_rule()], exemptions=[excuse], today=TODAY).run([_service("web")])
    assert len(report.findings) == 1
    assert (report.standing == []) == excused
    assert (report.findings[0].exemption == excuse) == excused


def test_an_annotation_excuses_its_own_object_only() -> None:
    note = {"exempt.slipway.dev/no-services": "the old clients need it until=2026-06-01"}
    report = Engine([_rule()], today=TODAY).run([_service("web", annotations=note), _service("api")])
    assert [finding.object.name for finding in report.standing] == ["api"]


def test_an_exemption_of_the_file_that_excuses_nothing_is_a_finding_with_its_line() -> None:
    rules = [_rule(lambda item, context: ()), RULES[UNUSED]]
    report = Engine(rules, exemptions=[_excuse()], today=TODAY).run([_service("web")])
    assert [(f.rule, f.file, f.line) for f in report.findings] == [(UNUSED, "exemptions.yaml", 3)]


def test_an_exemption_for_what_was_not_read_is_no_finding_when_not_all_was_read() -> None:
    rules = [_rule(), RULES[UNUSED]]
    engine = Engine(rules, exemptions=[_excuse(name="elsewhere")], today=TODAY, complete=False)
    assert UNUSED not in {finding.rule for finding in engine.run([_service("web")]).findings}


def test_an_exemption_of_a_rule_that_is_not_asked_here_is_not_called_unused() -> None:
    engine = Engine([RULES[UNUSED]], exemptions=[_excuse()], today=TODAY)
    assert engine.run([_service("web")]).findings == []


def test_a_rule_about_the_set_sees_the_other_objects() -> None:
    def alone(item: Object, context: Context) -> Iterable[Violation]:
        others = [other for other in context.objects.of("Service", "shop") if other is not item]
        return [] if others else [Violation((), "alone")]

    rule = _rule(alone, whole_set=True)
    assert _standing(Engine([rule]), _service("web"))
    assert not _standing(Engine([rule]), _service("web"), _service("api"))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        (("metadata", "annotations", "a.b/c"), "metadata.annotations['a.b/c']"),
        (("data", "LOG_LEVEL"), "data.LOG_LEVEL"),
        ((), ""),
    ],
)
def test_a_path_is_shown_as_people_write_it(path: tuple[str | int, ...], shown: str) -> None:
    assert format_path(path) == shown


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"apiVersion": "v1", "kind": "Pod"}, "Pod"),
        ({"apiVersion": "apps/v1", "kind": "Deployment"}, "Deployment.apps"),
        ({"apiVersion": "/v1", "kind": "Pod"}, "Pod"),
        ({"apiVersion": None, "kind": None}, ""),
        ({"type": "kubernetes:helm.sh/v3:Release", "props": {}}, "pulumi:kubernetes:helm.sh/v3:Release"),
    ],
)
def test_a_kind_is_named_as_kubectl_names_it(item: Object, kind: str) -> None:
    assert group_kind(item) == kind


@pytest.mark.parametrize("spec", [None, [], "text", {"containers": "web"}, {"containers": [None, "x", {"name": 3}]}])
def test_a_pod_of_any_shape_is_seen_without_an_error(spec: object) -> None:
    pod = pod_of({"apiVersion": "v1", "kind": "Pod", "spec": spec}, "Pod")
    assert pod is not None
    assert all(container.name == "" for container in pod.containers)


def _pod_template(api_version: str, kind: str, containers: object) -> Object:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    place = {"name": "web", "namespace": "shop"}
    return {"apiVersion": api_version, "kind": kind, "metadata": place, "spec": {"template": template}}


_BAD = [{"name": "web", "image": "web:latest", "securityContext": {"privileged": True}}]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("foo.io/v1", "Deployment"),
        ("apps.kruise.io/v1alpha1", "CloneSet"),
        ("serving.knative.dev/v1", "Service"),
        ("v1", "Deployment"),
    ],
)
def test_an_unknown_group_hides_no_workload(api_version: str, kind: str) -> None:
    rules = [rule for rule in RULES.values() if rule.reads_pod]

    def found(item: Object) -> set[tuple[str, str]]:
        report = Engine(rules, strict=True).run([item])
        assert report.not_assessed == []
        return {(finding.rule, format_path(finding.path)) for finding in report.findings}

    unknown = found(_pod_template(api_version, kind, _BAD))
    assert ("privileged-container", "spec.template.spec.containers[0].securityContext.privileged") in unknown
    assert unknown == found(_pod_template("apps/v1", "ReplicaSet", _BAD))


@pytest.mark.parametrize("containers", [None, "web", {"web": {}}])
def test_a_kind_without_a_list_of_containers_makes_no_pod(containers: object) -> None:
    assert pod_of(_pod_template("example.com/v1", "Thing", containers), "Thing.example.com") is None


def test_a_pod_of_an_unknown_kind_is_found_by_its_labels() -> None:
    objects = ObjectSet([_pod_template("apps.kruise.io/v1alpha1", "CloneSet", _BAD)])
    assert [pod.kind for pod in objects.selected("shop", {"app": "web"})] == ["CloneSet"]


def test_an_object_that_is_declared_twice_is_told_once() -> None:
    report = Engine([RULES["object-declared-twice"]]).run([_service("web"), _service("web"), _service("api")])
    assert [(str(f.object), f.message) for f in report.findings] == [
        ("Service shop/web", "Service 'web' is declared before")
    ]


def test_a_namespace_that_is_declared_twice_is_no_second_finding() -> None:
    twice = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}} for _ in range(2)]
    report = Engine([RULES["object-declared-twice"], RULES["namespace-declared-twice"]]).run(twice)
    assert [finding.rule for finding in report.findings] == ["namespace-declared-twice"]


def test_a_sidecar_is_told_from_an_init_container() -> None:
    late = {"initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}], "containers": [{"name": "c"}]}
    pod = pod_of({"apiVersion": "v1", "kind": "Pod", "spec": late}, "Pod")
    assert pod is not None
    assert {container.name: container.role for container in pod.containers} == {
        "a": "init",
        "b": "sidecar",
        "c": "container",
    }


def test_pods_are_found_by_the_labels_of_their_template() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "n", "labels": {"x": "1", "y": "2"}},
    }
    objects = ObjectSet([pod])
    assert len(objects.selected("n", {"x": "1"})) == 1
    assert not objects.selected("n", {"x": "2"})
    assert not objects.selected("other", {"x": "1"})
