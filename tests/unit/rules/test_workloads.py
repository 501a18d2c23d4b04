"""The arithmetic and the corners behind the rules about workloads: what no edit of a good application can show."""

from __future__ import annotations

import datetime
import string
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from slipway.rules import RULES, Context, Engine, Object, ObjectSet, format_path
from slipway.rules.cases import good_application
from slipway.rules.cron import fault
from slipway.rules.quantity import MILLI, UNIT, quantity, share, whole
from slipway.rules.relations import autoscalers, budgets, replicas

MODULES = (
    "availability",
    "disruption",
    "images",
    "jobs",
    "ports",
    "probe_ports",
    "probes",
    "resource_values",
    "resources",
    "rollout",
    "spread",
    "termination",
)
MINE = [rule for rule in RULES.values() if rule.check.__module__.rpartition(".")[2] in MODULES]
FACTORS = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
MOST = 2**63 - 1


def deployment(**pod: Any) -> Object:
    """The good application's `web`, with other fields in the Pod's spec."""
    item = next(item for item in good_application() if item["kind"] == "Deployment")
    item["spec"]["template"]["spec"] |= pod
    return item


def found(*items: Object, **settings: Any) -> list[str]:
    """What the rules about workloads say of the objects, as `<rule> <path>`."""
    report = Engine(MINE, strict=True, **settings).run(items)
    return [f"{finding.rule} {format_path(finding.path)}" for finding in report.standing]


# What an API server of 1.36 makes of the same words (it answers with thousandths, rounded up), in billionths.
@pytest.mark.parametrize(
    ("written", "billionths"),
    [
        ("0", 0),
        ("1", UNIT),
        ("500m", 500 * MILLI),
        ("0.5", 500 * MILLI),
        (".5", 500 * MILLI),
        ("1.", UNIT),
        ("+1", UNIT),
        ("-1.5", -1500 * MILLI),
        ("64Mi", 64 * 2**20 * UNIT),
        ("64m", 64 * MILLI),
        ("1.5Gi", 1536 * 2**20 * UNIT),
        ("1e3", 1000 * UNIT),
        ("1E3", 1000 * UNIT),
        ("1e-3", MILLI),
        ("1E", 10**18 * UNIT),
        ("1Ei", 2**60 * UNIT),
        ("1n", 1),
        ("0.1n", 1),
        ("-0.1n", -1),
        ("0.0000000001Ki", 103),
        ("16E", MOST * UNIT),
        ("-16E", -MOST * UNIT),
        ("1e400000000", MOST * UNIT),
        ("1e-400000000", 1),
        ("0e400000000", 0),
        # Nothing before the suffix is zero there, whatever the grammar says.
        ("Mi", 0),
        (".", 0),
        ("+", 0),
        ("e5", 0),
        (" 64Mi ", 64 * 2**20 * UNIT),
    ],
)
def test_a_quantity_is_what_the_api_server_reads(written: str, billionths: int) -> None:
    assert quantity(written) == billionths


@pytest.mark.parametrize(
    "written",
    ["", " ", "64MB", "64 Mi", "64mi", "64KI", "1,5", "1e", "1ee3", "1.5.5", "--1", "0x10", "1_000", "1e1.5", "inf",
     "nan", "٣", "1Mi\n", "1e99999999999999999999", "1i"],
)  # fmt: skip
def test_what_the_api_server_cannot_read_is_no_quantity(written: str) -> None:
    assert quantity(written) is None


def test_numbers_of_yaml_are_quantities_too() -> None:
    assert quantity(2) == 2 * UNIT
    assert quantity(0.5) == 500 * MILLI
    assert quantity(10**30) == MOST * UNIT
    assert quantity(1e22) == MOST * UNIT


@pytest.mark.parametrize("value", [None, True, [], {}, float("inf"), float("nan"), datetime.date(2026, 1, 1)])
def test_what_is_no_number_is_no_quantity(value: object) -> None:
    assert quantity(value) is None


numbers = st.from_regex(r"[0-9]{1,24}(\.[0-9]{0,24})?", fullmatch=True)


@given(numbers, st.sampled_from(sorted(FACTORS)), st.sampled_from(["", "-", "+"]))
def test_a_quantity_is_exact_to_a_billionth_and_rounds_away_from_zero(number: str, suffix: str, sign: str) -> None:
    exact = Fraction(number.rstrip(".")) * FACTORS[suffix] * UNIT
    expected = min(-(-exact.numerator // exact.denominator), MOST * UNIT)
    assert quantity(f"{sign}{number}{suffix}") == (-expected if sign == "-" else expected)


@given(numbers, st.integers(-30, 30))
def test_an_exponent_moves_the_point(number: str, power: int) -> None:
    exact = Fraction(number.rstrip(".")) * Fraction(10) ** power * UNIT
    assert quantity(f"{number}e{power}") == min(-(-exact.numerator // exact.denominator), MOST * UNIT)


@given(st.text(alphabet=string.digits + ".+-eEinumkKMGTP ", max_size=100))
@example("9" * 100_000)
@example("." + "0" * 100_000 + "1")
@example("1e" + "9" * 100_000)
def test_no_text_breaks_the_parser(written: str) -> None:
    amount = quantity(written)
    assert amount is None or -MOST * UNIT <= amount <= MOST * UNIT


@given(numbers, numbers)
def test_a_larger_number_is_no_smaller_quantity(one: str, other: str) -> None:
    small, large = sorted((one, other), key=lambda number: Fraction(number.rstrip(".")))
    assert (quantity(small) or 0) <= (quantity(large) or 0)


@pytest.mark.parametrize(
    ("value", "of", "pods"),
    [
        (2, 3, 2),
        ("0%", 3, 0),
        ("1%", 3, 1),
        ("34%", 3, 2),
        ("50%", 3, 2),
        ("90%", 3, 3),
        ("100%", 3, 3),
        ("150%", 2, 3),
    ],
)
def test_a_percentage_of_pods_is_rounded_up(value: int | str, of: int, pods: int) -> None:
    assert share(value, of) == pods


@pytest.mark.parametrize("value", ["", "%", "-1%", "1.5%", "two", "2", None, True, "٣%", "9" * 5000 + "%"])
def test_what_is_neither_a_number_nor_a_percentage_is_nothing(value: object) -> None:
    assert share(value, 3) is None


def test_a_truth_value_is_no_whole_number() -> None:
    assert whole(True, 7) == 7
    assert whole(0, 7) == 0
    assert whole("1") is None


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "0 0 * * 0", "*/5 * * * *", "0 9-17/2 * * MON-fri", "0 0 1,15 * ?", "5/15 * * * *", "0 0 29 2 *",
     "0 0 31 2 5", "  0  0 * * *  ", "@daily", "@every 5m", "@every 1h30m10.5s", "1,,2 * * * *", "0 0 31 1,2 *"],
)  # fmt: skip
def test_a_schedule_that_cron_takes_is_taken(schedule: str) -> None:
    assert fault(schedule) == ""


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * * * *", "6 fields"),
        ("60 * * * *", "goes from 0 to 59"),
        ("* * 0 * *", "goes from 1 to 31"),
        ("* * * 13 *", "goes from 1 to 12"),
        ("* * * * 7", "goes from 0 to 6"),
        ("10-5 * * * *", "'10-5'"),
        ("*/0 * * * *", "'*/0'"),
        ("*/2/3 * * * *", "'*/2/3'"),
        ("1-2-3 * * * *", "'1-2-3'"),
        ("* * * foo *", "'foo'"),
        ("* * L * *", "'L'"),
        ("-1 * * * *", "''"),
        ("@fortnightly", "no descriptor"),
        ("@every", "no descriptor"),
        ("@every soon", "no descriptor"),
        ("TZ=UTC 0 0 * * *", "time zone"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6,9,11 *", "never comes"),
        (", * * * *", "never comes"),
        ("9" * 5000 + " * * * *", "too long"),
    ],
)
def test_a_schedule_that_cron_refuses_or_never_meets_is_named(schedule: str, why: str) -> None:
    assert why in fault(schedule)


@given(st.text(alphabet="0123456789*/-,?@ jJaAnNmoTZLW#", max_size=40))
def test_no_text_breaks_the_reading_of_schedules(schedule: str) -> None:
    assert isinstance(fault(schedule), str)


@given(st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12))
def test_a_day_that_each_year_has_comes(minute: int, hour: int, day: int, month: int) -> None:
    assert fault(f"{minute} {hour} {day} {month} *") == ""


def pick(items: list[Object], kind: str, name: str) -> Object:
    return next(item for item in items if (item["kind"], item["metadata"]["name"]) == (kind, name))


def test_an_autoscaler_is_found_by_kind_namespace_and_name() -> None:
    items = good_application()
    context = Context(objects=ObjectSet(items))
    assert [scaler.maximum for scaler in autoscalers(pick(items, "Deployment", "api"), context)] == [10]
    assert autoscalers(pick(items, "Deployment", "web"), context) == []
    elsewhere = {"kind": "Deployment", "metadata": {"name": "api", "namespace": "other"}}
    assert autoscalers(elsewhere, context) == []


def test_the_autoscalers_range_stands_for_the_workloads_own_number() -> None:
    items = good_application()
    context = Context(objects=ObjectSet(items))
    assert replicas(pick(items, "Deployment", "api"), context) == (3, 10)
    assert replicas(pick(items, "StatefulSet", "db"), context) == (3, 3)
    assert replicas({"kind": "Deployment", "spec": {}}, context) == (1, 1)


def test_a_budget_of_another_namespace_guards_nothing_here() -> None:
    items = good_application()
    budget = pick(items, "PodDisruptionBudget", "web")
    web = pick(items, "Deployment", "web")
    assert budgets(web, Context(objects=ObjectSet(items))) == [budget]
    budget["metadata"]["namespace"] = "other"
    assert budgets(web, Context(objects=ObjectSet(items))) == []


def test_a_budget_that_may_not_have_been_read_is_not_called_missing() -> None:
    report = Engine(MINE, complete=False).run([deployment()])
    assert [skipped.rule for skipped in report.not_assessed] == ["disruption-budget-missing"]
    assert "disruption-budget-missing" not in {finding.rule for finding in report.findings}


def test_pods_that_may_not_have_been_read_are_not_called_absent() -> None:
    budget = pick(good_application(), "PodDisruptionBudget", "web")
    report = Engine(MINE, complete=False).run([budget])
    assert [skipped.rule for skipped in report.not_assessed] == ["disruption-budget-selects-nothing"]


def test_a_budget_over_pods_without_a_number_is_not_judged_by_it() -> None:
    items = good_application()
    web = pick(items, "Deployment", "web")
    web["kind"] = "DaemonSet"
    budget = pick(items, "PodDisruptionBudget", "web")
    budget["spec"] = {"minAvailable": 3, "selector": budget["spec"]["selector"]}
    assert "disruption-budget-above-replicas spec.minAvailable" not in found(web, budget)


def test_a_budget_of_a_percentage_says_how_it_is_rounded() -> None:
    items = good_application()
    web = pick(items, "Deployment", "web")
    budget = pick(items, "PodDisruptionBudget", "web")
    budget["spec"] = {"minAvailable": "67%", "selector": budget["spec"]["selector"]}
    report = Engine([RULES["disruption-budget-above-replicas"]]).run([web, budget])
    assert [finding.message for finding in report.findings] == ["67% of 3 rounds up to 3: no Pod may be evicted"]


def test_a_pod_that_is_to_end_needs_no_probes() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}}
    assert "readiness-probe-missing spec.containers[0]" in found(pod)
    pod["spec"]["restartPolicy"] = "Never"  # type: ignore[index]
    assert not [line for line in found(pod) if line.startswith(("readiness", "liveness"))]


def test_an_ephemeral_container_needs_neither_resources_nor_probes() -> None:
    debugger = {"name": "debugger", "image": f"busybox@sha256:{'0' * 64}"}
    assert found(deployment(ephemeralContainers=[debugger]), environment="dev", complete=False) == []


def test_one_missing_thing_is_one_finding() -> None:
    item = deployment()
    del item["spec"]["template"]["spec"]["containers"][0]["resources"]
    lines = [line.split()[0] for line in found(item, complete=False)]
    assert sorted(lines) == [
        "cpu-limit-missing",
        "cpu-request-missing",
        "ephemeral-storage-limit-missing",
        "memory-limit-missing",
        "memory-request-missing",
    ]


def test_what_is_kept_of_one_pod_is_not_said_of_the_next() -> None:
    good, bad = deployment(), deployment()
    container = bad["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["limits"]["memory"] = "64MB"
    container["ports"].append({"name": "http", "containerPort": 22})
    container["readinessProbe"] = {"httpGet": {"port": 1}, "timeoutSeconds": 60}
    faults = found(bad, complete=False)
    assert len(faults) == 5
    assert found(good, bad, good, bad, complete=False) == faults * 2
    assert found(good, complete=False) == []


def test_a_truth_value_is_judged_as_its_number_whichever_came_first() -> None:
    for values in ((1, True), (True, 1)):
        said = set()
        for value in values:
            item = deployment()
            item["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": value}}
            said.add(tuple(found(item, complete=False)))
        assert len(said) == 1


@pytest.mark.parametrize(
    ("image", "rules"),
    [
        ("web", ["image-tag-mutable"]),
        ("web:1", ["image-digest-missing"]),
        ("web:latest", ["image-tag-mutable"]),
        ("web:Stable", ["image-tag-mutable"]),
        ("web:main", ["image-tag-mutable"]),
        ("web:feature-login", ["image-tag-mutable"]),
        ("web:latest-arm64", ["image-tag-mutable"]),
        ("web:2.0-nightly", ["image-tag-mutable"]),
        ("web:mr_12", ["image-tag-mutable"]),
        ("web:main-4f2c9d1", ["image-digest-missing"]),
        ("web:nightly-20260131", ["image-digest-missing"]),
        ("web:v1.2.3", ["image-digest-missing"]),
        ("web:cafebabe", ["image-digest-missing"]),
        ("localhost:5000/web", ["image-tag-mutable"]),
        ("localhost:5000/web:1.0", ["image-digest-missing"]),
        (f"web@sha256:{'a' * 64}", []),
        (f"web:latest@sha256:{'a' * 64}", []),
        ("web:", ["image-digest-missing", "image-reference-invalid"]),
        (f"web:{'1' * 129}", ["image-digest-missing", "image-reference-invalid"]),
    ],
)
def test_an_image_has_one_fault_at_most_unless_its_name_is_broken(image: str, rules: list[str]) -> None:
    container = deployment()["spec"]["template"]["spec"]["containers"][0] | {"image": image}
    lines = [line.split()[0] for line in found(deployment(containers=[container]), complete=False)]
    assert [line for line in lines if line != "image-digest-missing" or line in rules] == rules or sorted(
        lines
    ) == rules


# Whatever YAML can hold, where the rules look: each field is mostly of its kind, and now and then of another.
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70000) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


odd_keys = st.dictionaries(st.none() | st.booleans() | st.integers(0, 3) | st.floats(0, 1), anything, max_size=2)


def fields(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A mapping of some of the fields, each of its kind or of any; or no mapping at all."""
    mostly = {name: st.one_of(kind, kind, kind, anything) for name, kind in known.items()}
    return st.one_of(*[st.fixed_dictionaries({}, optional=mostly)] * 4, odd_keys, anything)


def many(kind: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*[st.lists(st.one_of(kind, kind, kind, anything), max_size=3)] * 4, anything)


amounts = st.dictionaries(
    st.sampled_from(["cpu", "memory", "ephemeral-storage", "a/b", "mem", 1, None]), anything, max_size=3
)
names = st.sampled_from(["web", "http", "kubernetes.io/hostname", ""])
handlers = {
    "httpGet": fields(port=names, host=names),
    "tcpSocket": fields(port=names),
    "exec": fields(command=many(names)),
}
probes = fields(**handlers, periodSeconds=anything, failureThreshold=anything, timeoutSeconds=anything)
containers = many(
    fields(
        name=names,
        image=names,
        resources=fields(requests=amounts, limits=amounts),
        ports=many(fields(name=names, containerPort=anything, protocol=names)),
        livenessProbe=probes,
        readinessProbe=probes,
        startupProbe=probes,
        lifecycle=fields(preStop=fields(**handlers, sleep=fields(seconds=anything))),
        restartPolicy=st.just("Always"),
    )
)
selectors = fields(
    matchLabels=fields(web=names), matchExpressions=many(fields(key=names, operator=names, values=many(names)))
)
terms = many(fields(topologyKey=names, labelSelector=selectors, podAffinityTerm=fields(labelSelector=selectors)))
affinity = fields(
    podAntiAffinity=fields(
        requiredDuringSchedulingIgnoredDuringExecution=terms, preferredDuringSchedulingIgnoredDuringExecution=terms
    )
)
pods = fields(
    containers=containers,
    initContainers=containers,
    volumes=many(fields(name=names, emptyDir=fields(sizeLimit=anything))),
    affinity=affinity,
    topologySpreadConstraints=many(fields(maxSkew=anything, labelSelector=selectors, minDomains=anything)),
    nodeSelector=fields(web=names),
    terminationGracePeriodSeconds=anything,
    restartPolicy=names,
    resources=fields(requests=amounts, limits=amounts),
)
templates = fields(spec=pods, metadata=fields(labels=fields(web=names)))
strategies = fields(type=names, rollingUpdate=fields(maxSurge=anything, maxUnavailable=anything))
jobs = fields(template=templates, backoffLimit=anything, activeDeadlineSeconds=anything)
workloads = fields(
    template=templates,
    replicas=anything,
    strategy=strategies,
    updateStrategy=strategies,
    minReadySeconds=anything,
    schedule=st.text(max_size=12),
    concurrencyPolicy=anything,
    jobTemplate=fields(spec=jobs),
    backoffLimit=anything,
    minAvailable=anything,
    maxUnavailable=anything,
    selector=selectors,
    minReplicas=anything,
    scaleTargetRef=fields(kind=names, name=names),
)
KINDS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
@given(
    st.lists(st.tuples(st.sampled_from(sorted(KINDS)), workloads, fields(labels=anything)), min_size=1, max_size=2),
    pods,
)
def test_no_shape_of_a_workload_breaks_a_rule(made: list[tuple[str, Any, Any]], pod: Any) -> None:
    items: list[Object] = [
        {"apiVersion": KINDS[kind], "kind": kind, "metadata": metadata, "spec": spec} for kind, spec, metadata in made
    ]
    found(*items, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": pod})


@given(numbers, numbers, st.sampled_from(["", "m", "Mi", "Gi"]))
def test_a_request_above_its_limit_is_found_and_no_other(request: str, limit: str, suffix: str) -> None:
    asked, most = quantity(request + suffix), quantity(limit + suffix)
    assume(asked is not None and most is not None)
    item = deployment()
    resources = {"requests": {"memory": request + suffix}, "limits": {"memory": limit + suffix}}
    item["spec"]["template"]["spec"]["containers"][0]["resources"] = resources
    lines = {line.split()[0] for line in found(item, complete=False)}
    assert ("resource-request-above-limit" in lines) == ((asked or 0) > (most or 0))
