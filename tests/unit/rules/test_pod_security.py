"""The Pod Security Standards: what changes with the version, what is said once, and odd Pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.rules import RULES, Context, Engine, Severity, format_path
from slipway.rules.pod_security import CHECKS, Level, StandardCheck, verdict
from slipway.rules.pods import POD_KINDS, pod_of

NOW = (1, 36)
CONFINED: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
POD_DEFAULTS: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def a_pod(
    container: Mapping[str, Any] | None = None,
    security: Mapping[str, Any] | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Pod that passes 'restricted' but for the arguments: its container's and its own securityContext, its spec."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": dict(annotations or {})},
        "spec": {
            "containers": [{"name": "web", "securityContext": {**CONFINED, **(container or {})}}],
            "securityContext": {**POD_DEFAULTS, **(security or {})},
            **spec,
        },
    }


def said(item: dict[str, Any], version: tuple[int, int] = NOW) -> list[str]:
    """What the rules of the standards say of the object: `<path>: <message>`."""
    pod = pod_of(item, "Pod")
    return [
        f"{format_path(violation.path)}: {violation.message}"
        for check in CHECKS
        for violation in RULES[check.rule].check(pod, Context(version=version))
    ]


def in_kind(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    """The Pod as the template of another kind."""
    name, _, group = kind.partition(".")
    template = {"metadata": pod["metadata"], "spec": pod["spec"]}
    item: dict[str, Any] = {"apiVersion": f"{group}/v1" if group else "v1", "kind": name, "metadata": {"name": "web"}}
    if name == "Pod":
        return item | template
    if name == "PodTemplate":
        return item | {"template": template}
    if name == "CronJob":
        return item | {"spec": {"jobTemplate": {"spec": {"template": template}}}}
    return item | {"spec": {"template": template}}


UNCONFINED = a_pod(
    container={
        "privileged": True,
        "capabilities": {"add": ["SYS_ADMIN"]},
        "procMount": "Unmasked",
        "seLinuxOptions": {"type": "spc_t"},
        "appArmorProfile": {"type": "Unconfined"},
        "seccompProfile": {"type": "Unconfined"},
        "windowsOptions": {"hostProcess": True},
    },
    security={
        "runAsNonRoot": False,
        "runAsUser": 0,
        "seccompProfile": None,
        "sysctls": [{"name": "kernel.msgmax", "value": "1"}],
    },
    hostPID=True,
    volumes=[{"name": "node", "hostPath": {"path": "/"}}, {"name": "files", "nfs": {"server": "a", "path": "/"}}],
)
UNCONFINED["spec"]["containers"].append(
    {
        "name": "proxy",
        "ports": [{"containerPort": 80, "hostPort": 80}],
        "livenessProbe": {"httpGet": {"port": 80, "host": "db"}},
    }
)
UNMASKED_IN_ITS_OWN_USERS = a_pod(container={"procMount": "Unmasked"}, hostUsers=False)


def test_there_is_one_rule_for_each_of_the_19_checks_upstream_and_it_names_it() -> None:
    assert len({check.upstream for check in CHECKS}) == len({check.rule for check in CHECKS}) == 19
    for check in CHECKS:
        assert f"pss-{check.level}:{check.upstream}" in RULES[check.rule].sources


def test_no_other_rule_claims_a_check_of_the_standards() -> None:
    claimed = [source for rule in RULES.values() for source in rule.sources if source.startswith("pss-")]
    assert sorted(claimed) == sorted(f"pss-{check.level}:{check.upstream}" for check in CHECKS)


def test_what_baseline_forbids_is_worse_than_what_restricted_asks() -> None:
    ranks = {level: [RULES[c.rule].severity.rank for c in CHECKS if c.level == level] for level in Level}
    assert min(ranks[Level.BASELINE]) == Severity.HIGH.rank
    assert set(ranks[Level.RESTRICTED]) == {Severity.HIGH.rank, Severity.MEDIUM.rank}


def test_a_confined_pod_is_let_in_at_every_level_and_version() -> None:
    assert [minor for minor in range(40) for level in Level if verdict(level, (1, minor), a_pod())] == []


def test_an_unconfined_pod_breaks_every_rule_that_its_users_do_not_excuse() -> None:
    broken = set(verdict("restricted", NOW, UNCONFINED))
    assert broken == {check.rule for check in CHECKS} - {"proc-mount-restricted"}
    assert verdict("restricted", NOW, UNMASKED_IN_ITS_OWN_USERS) == ("proc-mount-restricted",)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.rule)
def test_a_rule_says_nothing_before_the_version_of_its_check(check: StandardCheck) -> None:
    bad = UNMASKED_IN_ITS_OWN_USERS if check.rule == "proc-mount-restricted" else UNCONFINED
    # Before 1.19 seccomp was an annotation.
    bad = {**bad, "metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}}
    major, minor = check.since
    assert check.rule in verdict("restricted", check.since, bad)
    assert check.rule not in verdict("restricted", (major, minor - 1), bad) or check.since == (1, 0)


def test_privileged_refuses_nothing_and_baseline_asks_nothing_of_restricted() -> None:
    bare = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "web"}]}}
    assert verdict("privileged", NOW, UNCONFINED) == ()
    assert verdict("baseline", NOW, bare) == ()
    assert verdict("restricted", NOW, bare) == (
        "privilege-escalation",
        "capability-not-dropped",
        "run-as-non-root",
        "seccomp-restricted",
    )


def test_a_kind_that_makes_no_pod_is_let_in() -> None:
    assert verdict("restricted", NOW, {"apiVersion": "v1", "kind": "Service", "spec": {"hostNetwork": True}}) == ()


def test_a_level_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="strict"):
        verdict("strict", NOW, a_pod())


@pytest.mark.parametrize("kind", sorted(POD_KINDS))
def test_every_kind_that_makes_pods_is_judged_as_its_pod_is(kind: str) -> None:
    item = in_kind(kind, UNCONFINED)
    assert verdict("restricted", NOW, item) == verdict("restricted", NOW, UNCONFINED)
    assert verdict("restricted", NOW, in_kind(kind, a_pod())) == ()


@pytest.mark.parametrize(
    ("key", "name"),
    [("initContainers", "init container"), ("ephemeralContainers", "ephemeral container"), ("sidecar", "sidecar")],
)
def test_every_container_is_read_and_named_by_its_role(key: str, name: str) -> None:
    other = {"name": "other", "securityContext": {**CONFINED, "privileged": True}}
    if key == "sidecar":
        key, other["restartPolicy"] = "initContainers", "Always"
    pod = a_pod()
    pod["spec"][key] = [other]
    assert said(pod) == [f"spec.{key}[0].securityContext.privileged: {name} 'other' is privileged"]


# What changes with the version.


@pytest.mark.parametrize(
    ("sysctl", "since"),
    [
        ("kernel.shm_rmid_forced", 0),
        ("net.ipv4.ip_local_reserved_ports", 27),
        ("net.ipv4.tcp_keepalive_time", 29),
        ("net.ipv4.tcp_fin_timeout", 29),
        ("net.ipv4.tcp_rmem", 32),
    ],
)
def test_a_sysctl_is_safe_since_its_version(sysctl: str, since: int) -> None:
    pod = a_pod(security={"sysctls": [{"name": sysctl, "value": "1"}]})
    refused = [minor for minor in range(37) if verdict("baseline", (1, minor), pod)]
    assert refused == list(range(since))


def test_the_container_engine_is_a_type_of_selinux_since_1_31() -> None:
    pod = a_pod(security={"seLinuxOptions": {"type": "container_engine_t"}})
    assert verdict("baseline", (1, 30), pod) == ("selinux-options",)
    assert verdict("baseline", (1, 31), pod) == ()


def test_windows_need_not_set_what_only_linux_has_since_1_25() -> None:
    pod = a_pod(os={"name": "windows"}, securityContext={"runAsNonRoot": True}, containers=[{"name": "web"}])
    linux = ("privilege-escalation", "capability-not-dropped", "seccomp-restricted")
    assert verdict("restricted", (1, 24), pod) == linux
    assert verdict("restricted", (1, 25), pod) == ()
    pod["spec"]["os"]["name"] = "linux"
    assert verdict("restricted", (1, 25), pod) == linux


def test_a_user_namespace_allows_root_since_1_35() -> None:
    pod = a_pod(security={"runAsNonRoot": False, "runAsUser": 0}, hostUsers=False)
    assert verdict("restricted", (1, 34), pod) == ("run-as-non-root", "run-as-root-user")
    assert verdict("restricted", (1, 35), pod) == ()
    for not_said in (True, None):
        pod["spec"]["hostUsers"] = not_said
        assert verdict("restricted", NOW, pod) == ("run-as-non-root", "run-as-root-user")


def test_a_user_namespace_unmasks_proc_at_baseline_only_since_1_35() -> None:
    pod = UNMASKED_IN_ITS_OWN_USERS
    assert verdict("baseline", (1, 34), pod) == verdict("restricted", (1, 34), pod) == ("proc-mount",)
    assert verdict("baseline", (1, 35), pod) == ()
    assert verdict("restricted", (1, 35), pod) == ("proc-mount-restricted",)


@pytest.mark.parametrize("profile", ["unconfined", "", "localhost"])
def test_the_annotations_of_seccomp_count_before_1_19(profile: str) -> None:
    key = "container.seccomp.security.alpha.kubernetes.io/web"
    pod = a_pod(annotations={key: profile})
    assert said(pod, (1, 18)) == [f"metadata.annotations['{key}']: the annotation asks for the profile '{profile}'"]
    assert said(pod, (1, 19)) == []


@pytest.mark.parametrize("profile", ["runtime/default", "docker/default", "localhost/web.json"])
def test_the_annotations_of_seccomp_may_name_a_profile(profile: str) -> None:
    pod = a_pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": profile})
    assert verdict("restricted", (1, 18), pod) == ()


def test_the_annotation_of_a_container_that_is_not_there_says_nothing() -> None:
    pod = a_pod(annotations={"container.seccomp.security.alpha.kubernetes.io/gone": "unconfined"})
    assert verdict("baseline", (1, 18), pod) == ()


# One fault, one finding.


def test_a_capability_that_baseline_forbids_is_reported_once() -> None:
    capabilities = {"drop": ["ALL"], "add": ["SYS_ADMIN", "CHOWN"]}
    assert said(a_pod(container={"capabilities": capabilities})) == [
        "spec.containers[0].securityContext.capabilities.add: container 'web' adds SYS_ADMIN"
    ]


def test_adding_and_not_dropping_capabilities_is_one_finding_of_restricted() -> None:
    assert said(a_pod(container={"capabilities": {"add": ["CHOWN", "NET_BIND_SERVICE"]}})) == [
        "spec.containers[0].securityContext: container 'web' does not drop ALL capabilities and adds CHOWN"
    ]


def test_seccomp_that_is_off_for_the_pod_is_reported_once() -> None:
    assert said(a_pod(security={"seccompProfile": {"type": "Unconfined"}})) == [
        "spec.securityContext.seccompProfile.type: the Pod has the seccomp profile Unconfined"
    ]


def test_a_privileged_container_is_not_blamed_for_what_the_api_server_makes_it_say() -> None:
    assert said(a_pod(container={"privileged": True, "allowPrivilegeEscalation": True})) == [
        "spec.containers[0].securityContext.privileged: container 'web' is privileged"
    ]


def test_a_host_path_is_no_second_finding_of_restricted() -> None:
    pod = a_pod(volumes=[{"name": "node", "hostPath": {"path": "/data"}}])
    assert verdict("restricted", NOW, pod) == verdict("baseline", NOW, pod) == ("host-path-volume",)


def test_user_0_is_not_also_called_low() -> None:
    pod = a_pod(security={"runAsUser": 0, "runAsGroup": 0})
    found = Engine([RULES["user-id-low"], RULES["run-as-root-user"]], strict=True).run([pod]).findings
    assert [finding.rule for finding in found] == ["run-as-root-user"]


# What the messages tell apart.


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "/run/containerd/containerd.sock",
            "the socket of the node's container runtime, /run/containerd/containerd.sock",
        ),
        ("/var/run/docker.sock", "the socket of the node's container runtime, /var/run/docker.sock"),
        ("/", "the node's system folder /"),
        ("/etc/", "the node's system folder /etc/"),
        ("/proc/sys", "the node's system folder /proc/sys"),
        ("/etcetera", "the node's folder /etcetera"),
        ("/data", "the node's folder /data"),
    ],
)
def test_a_host_path_is_named_for_what_it_opens(path: str, message: str) -> None:
    pod = a_pod(volumes=[{"name": "node", "hostPath": {"path": path}}])
    assert said(pod) == [f"spec.volumes[0].hostPath: volume 'node' is {message}"]


@pytest.mark.parametrize(("mount", "tail"), [({}, ", writable in container 'web'"), ({"readOnly": True}, "")])
def test_a_host_path_says_who_may_write_to_it(mount: dict[str, bool], tail: str) -> None:
    pod = a_pod(volumes=[{"name": "node", "hostPath": {"path": "/data"}}])
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "node", "mountPath": "/data", **mount}]
    assert said(pod) == [f"spec.volumes[0].hostPath: volume 'node' is the node's folder /data{tail}"]


def test_all_hosts_of_a_container_are_named_at_the_first() -> None:
    pod = a_pod()
    pod["spec"]["containers"][0] |= {
        "startupProbe": {"tcpSocket": {"port": 1, "host": "b"}},
        "livenessProbe": {"httpGet": {"port": 1, "host": "a"}},
        "lifecycle": {"postStart": {"httpGet": {"port": 1, "host": "a"}}},
    }
    assert said(pod) == ["spec.containers[0].livenessProbe.httpGet.host: container 'web' has the kubelet call a, b"]


# Odd Pods.

_FIELDS = sorted(
    {"containers", "initContainers", "ephemeralContainers", "securityContext", "volumes", "hostPath", "ports", "add"}
    | {"hostPort", "os", "name", "capabilities", "drop", "seLinuxOptions", "sysctls", "livenessProbe", "httpGet"}
    | {"host", "lifecycle", "preStop", "seccompProfile", "type", "windowsOptions", "hostProcess", "volumeMounts"}
    | {"annotations", "runAsUser", "runAsGroup", "hostUsers", "procMount", "privileged", "appArmorProfile", "user"}
)
_SCALARS = st.none() | st.booleans() | st.integers(-1, 20_000) | st.sampled_from(["", "ALL", "windows", "Unmasked"])
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=5),
    max_leaves=25,
)
_MINE = [RULES[check.rule] for check in CHECKS] + [RULES["root-filesystem-writable"], RULES["user-id-low"]]
_OF_CONTAINERS = st.dictionaries(st.sampled_from(_FIELDS), _ANYTHING, max_size=5)
_SPECS = st.dictionaries(st.sampled_from(_FIELDS), _ANYTHING, max_size=6) | st.fixed_dictionaries(
    {"containers": st.lists(_OF_CONTAINERS, max_size=2)},
    optional={"securityContext": _ANYTHING, "volumes": st.lists(_OF_CONTAINERS, max_size=2)},
)


@settings(max_examples=300, deadline=None)
@given(spec=_SPECS, metadata=_ANYTHING)
def test_no_shape_of_a_pod_makes_a_rule_raise(spec: Any, metadata: Any) -> None:
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata if isinstance(metadata, dict) else {}, "spec": spec}
    for minor in (0, 18, 24, 36):
        Engine(_MINE, version=(1, minor), strict=True).run([item])


@settings(max_examples=200, deadline=None)
@given(spec=_SPECS)
def test_restricted_refuses_what_baseline_refuses_and_tells_where(spec: Any) -> None:
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    baseline = verdict("baseline", NOW, item)
    assert baseline == verdict("restricted", NOW, item)[: len(baseline)]
    for finding in Engine(_MINE, strict=True).run([item]).findings:
        place: Any = item
        # All but the last step is there: the last may be what is missing.
        for step in finding.path[:-1]:
            place = place[step]
        assert isinstance(place, dict | list)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        known = ("privileged", "procMount", "seccompProfile", "runAsUser", "capabilities", "hostPath", "hostPort")
        return dict.fromkeys(known) | {key: _with_nulls(item) for key, item in value.items()}
    return [_with_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("pod", [a_pod(), UNCONFINED, UNMASKED_IN_ITS_OWN_USERS], ids=["good", "bad", "unmasked"])
def test_null_is_absent(pod: dict[str, Any]) -> None:
    padded = {**pod, "spec": _with_nulls(pod["spec"])}
    assert verdict("restricted", NOW, padded) == verdict("restricted", NOW, pod)
