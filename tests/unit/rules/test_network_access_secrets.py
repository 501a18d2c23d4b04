"""The rules about network, access, secrets and metadata, where their fixtures do not reach."""

from __future__ import annotations

import copy
import os
import subprocess
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from slipway.rules import RULES, Engine, Report
from slipway.rules import selectors as selectors_module
from slipway.rules.api_versions import LIFECYCLES
from slipway.rules.cases import cases, good_application
from slipway.rules.library import MODULES
from slipway.rules.plaintext import MARKER, credentials, is_harmless, is_sensitive, scan, scan_history

ROOT = Path(__file__).parents[3]
MINE = {
    *("access", "api_versions", "metadata", "monitors", "namespaces", "network_policies", "network_policy_rules"),
    *("role_bindings", "route_hosts", "routes", "secrets", "selector_rules", "service_accounts", "services"),
    "variables",
}
OWN_RULES = [rule for rule in RULES.values() if rule.check.__module__.rpartition(".")[2] in MINE]


def report(objects: list[dict[str, Any]], **target: Any) -> Report:
    return Engine(OWN_RULES, strict=True, **target).run(objects)


def rules_of(found: Report) -> set[str]:
    return {finding.rule for finding in found.standing}


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name))


def without(kind: str, name: str) -> list[dict[str, Any]]:
    return [item for item in good_application() if (item["kind"], item["metadata"]["name"]) != (kind, name)]


def test_the_modules_named_here_are_in_the_library() -> None:
    assert {module.__name__.rpartition(".")[2] for module in MODULES} >= MINE
    assert len(OWN_RULES) > 50


# What was not read


@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [
        ("Deployment", "web", "service-selects-no-pod"),
        ("Service", "web", "route-backend-does-not-exist"),
        ("Service", "db", "statefulset-service-missing"),
        ("Service", "api", "monitor-selects-nothing"),
        ("NetworkPolicy", "default-deny", "network-policy-missing"),
        ("NetworkPolicy", "default-deny", "network-policy-default-deny-missing"),
        ("StatefulSet", "db", "network-policy-peer-selects-no-pod"),
        ("Deployment", "web", "network-policy-selects-no-pod"),
        ("Role", "web", "role-does-not-exist"),
        ("ServiceAccount", "web", "binding-subject-does-not-exist"),
        ("ServiceAccount", "web", "service-account-does-not-exist"),
    ],
)
def test_what_may_not_have_been_read_is_not_assessed(kind: str, name: str, rule: str) -> None:
    whole, part = report(without(kind, name)), report(without(kind, name), complete=False)
    assert rule in rules_of(whole)
    assert rule not in rules_of(part)
    assert rule in {skipped.rule for skipped in part.not_assessed}


def test_policies_of_another_kind_leave_a_pods_cover_open() -> None:
    cilium = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "all", "namespace": "shop"},
    }
    found = report([*without("NetworkPolicy", "default-deny"), cilium])
    assert "network-policy-missing" not in rules_of(found)
    assert "network-policy-missing" in {skipped.rule for skipped in found.not_assessed}


def test_moving_a_pod_to_the_nodes_network_is_no_way_out_of_having_a_policy() -> None:
    objects = without("NetworkPolicy", "default-deny")
    named(objects, "Deployment", "api")["spec"]["template"]["spec"]["hostNetwork"] = True
    found = {finding.object.name for finding in report(objects).standing if finding.rule == "network-policy-missing"}
    assert found == {"api", "db", "report", "migrate"}


def test_a_fault_of_a_policy_that_many_pods_share_is_found_once() -> None:
    objects = good_application()
    policy = named(objects, "NetworkPolicy", "default-deny")
    policy["spec"]["egress"] = [{"ports": [{"port": 443}]}]
    found = [finding for finding in report(objects).standing if finding.rule == "network-policy-dns-blocked"]
    assert [(finding.object.name, finding.path) for finding in found] == [("default-deny", ("spec", "egress"))]


# Size


def shops(count: int) -> list[dict[str, Any]]:
    """So many applications in one namespace, with labels, policies, routes and Services of their own."""
    objects = []
    for number in range(count):
        for item in good_application():
            if item["kind"] in ("Deployment", "Service", "NetworkPolicy", "Ingress", "ServiceMonitor"):
                objects.append(_renamed(item, number))
    return objects


def _renamed(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, number) for inner in value]
    return f"{value}{number}" if value in ("web", "api", "db", "default-deny", "shop.example.com") else value


def test_twice_the_objects_of_a_namespace_are_twice_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    matches = selectors_module.Selector.matches

    def counted(self: selectors_module.Selector, labels: Any) -> bool:
        nonlocal compared
        compared += 1
        return matches(self, labels)

    monkeypatch.setattr(selectors_module.Selector, "matches", counted)
    work = []
    for count in (40, 80):
        compared = 0
        report(shops(count))
        work.append(compared)
    assert 0 < work[0] < work[1] < 2.2 * work[0]


# Shapes

ODD: Iterator[Any] = cycle([None, "text", 7, True, [], {}, ["text", None], {"a": None}, {"name": []}, [{}], [[{}]]])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def with_value(item: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    edited = copy.deepcopy(item)
    target = edited
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return edited


KINDS = ("Ingress", "HTTPRoute", "NetworkPolicy", "Role", "RoleBinding", "Service", "ServiceMonitor", "StatefulSet")


@pytest.mark.parametrize("kind", KINDS)
def test_no_rule_falls_over_an_odd_shape(kind: str) -> None:
    objects = good_application()
    item = next(item for item in objects if item["kind"] == kind)
    others = [other for other in objects if other is not item]
    asked = 0
    for path in places(item):
        if path and path[0] not in ("apiVersion", "kind"):
            asked += sum(report([with_value(item, path, next(ODD)), *others]).applied.values())
    assert asked > 0


# Secrets

FORMS = {
    "AWS access key": "AKIA" + "QYLPMN5HHHFPZAM2",
    "GitHub token": "ghp" + "_0123456789abcdefghijABCDEFGHIJ012345",
    "GitLab token": "glpat" + "-0123456789abcdefghij",
    "Slack token": "xoxb" + "-123456789012-abcdefABCDEF",
    "Slack webhook": "https://hooks.slack" + ".com/services/T0123/B0123/abcdefABCDEF01234567",
    "Google API key": "AIza" + "SyA1234567890abcdefghijABCDEFGHIJ12",
    "Stripe key": "sk_live" + "_0123456789abcdefghijABCD",
    "npm token": "npm" + "_0123456789abcdefghijABCDEFGHIJ012345",
    "PyPI token": "pypi-AgEI" + "cHlwaS5vcmc" * 5,
    "Docker Hub token": "dckr_pat" + "_0123456789abcdefghij",
    "SendGrid key": "SG" + ".0123456789abcdefghij.0123456789abcdefghij",
    "DigitalOcean token": "dop_v1" + "_" + "0123456789abcdef" * 4,
    "Pulumi token": "pul" + "-" + "0123456789" * 4,
    "Vault token": "hvs" + ".0123456789abcdefghijABCDEFG",
    "age key": "AGE-SECRET" + "-KEY-1" + "Q" * 58,
    "JWT": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJzaG9wIn0" + ".dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW",
    "private key": "-----BEGIN RSA" + " PRIVATE KEY-----\nMIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW8",
    "password in a URL": "postgres://shop" + ":hunter2@db:5432/shop",
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_credential_is_known_by_its_form(kind: str) -> None:
    text = f"first line\nsecond: {FORMS[kind]}\n"
    assert kind in {found for _, found in credentials(text)}
    assert (2, kind) in scan(text, "notes.txt")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", "API_TOKEN=" + "kJ8fh3Kd9Lm2Qp5Rt7Vx"),
        ("values.yaml", "  password: " + "'kJ8fh3Kd9Lm2Qp5Rt7Vx'"),
        ("settings.py", "SECRET_KEY = " + '"kJ8fh3Kd9Lm2Qp5Rt7Vx"'),
        ("config.json", '"client_secret": ' + '"0f1e2d3c4b5a69788796a5b4c3d2e1f0"'),
        ("jdbc.conf", "jdbc:postgresql://db/shop?user=shop" + "&password=hunter22"),
    ],
)
def test_a_random_value_of_a_secrets_name_is_found(file: str, text: str) -> None:
    assert [line for line, _ in scan(f"\n{text}\n", file)] == [2]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("app.py", "token = OAuth2PasswordBearer"),
        ("app.py", 'password = os.environ["DB_PASSWORD"]'),
        ("app.py", 'secret = "${SECRET_FROM_ENVIRONMENT_1}"'),
        ("deployment.yaml", "        secretName: web-credentials-2024-A7"),
        ("deployment.yaml", f"checksum/secret: {'0f1e2d3c4b5a6978' * 4}"),
        ("deployment.yaml", "image: registry.example.com/token-server@sha256:" + "0f1e2d3c4b5a6978" * 4),
        ("config.yaml", "token: ENC[AES256_GCM,data:k1ZxQ9,iv:a,tag:b,type:str]"),
        ("config.yaml", "password: ${DB_PASSWORD}"),
        ("readme.md", "git clone https://user:password@example.com/repository.git"),
        ("readme.md", "`postgres://shop:$(DB_PASSWORD)@db/shop`, `https://{user}:{token}@host/`"),
        ("readme.md", "AWS writes AKIA" + "IOSFODNN7EXAMPLE in its documentation"),
        ("readme.md", "-----BEGIN RSA PRIVATE KEY----- starts a key"),
        ("go.sum", "github.com/example/secret v1.0.0/go.mod h1:kJ8fh3Kd9Lm2Qp5Rt7VxkJ8fh3Kd9Lm2Qp5Rt7Vx="),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa"),
    ],
)
def test_what_only_looks_like_a_credential_is_left_alone(file: str, text: str) -> None:
    assert scan(text, file) == []


def test_an_example_is_marked_on_its_line() -> None:
    token = FORMS["GitHub token"]
    assert scan(f"{token}  # {MARKER}\n{token}\n") == [(2, "GitHub token")]


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiToken", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY", "x-api-key",
                                  "GOOGLE_APPLICATION_CREDENTIALS", "OCI_CLI_KEY_CONTENT", "Bearer"])  # fmt: skip
def test_a_name_tells_a_secret(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["MAX_TOKENS", "TOKENIZERS_PARALLELISM", "DB_PASSWORD_FILE", "secretName", "KEYBOARD",
                                  "TOKEN_TTL", "secrets.yaml", "AWS_ACCESS_KEY_ID", "checksum/secret"])  # fmt: skip
def test_a_name_only_speaks_of_a_secret(name: str) -> None:
    assert not is_sensitive(name)


@pytest.mark.parametrize("value", ["hunter2", "changeme", "true\n", "a b", "x/y"])
def test_a_value_that_gives_something_away(value: str) -> None:
    assert not is_harmless(value)


def test_no_message_shows_a_secret() -> None:
    shown = []
    for rule in OWN_RULES:
        for case in cases(rule.id):
            messages = [finding.message for finding in report(case.objects()).findings]
            shown += [
                m for m in messages if "hunter2" in m or "0123456789" in m or any(form in m for form in FORMS.values())
            ]
    assert shown == []


def git(folder: Path, *arguments: str) -> str:
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    nobody |= {f"GIT_{who}_{what}": "shop@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", *arguments], cwd=folder, env=nobody, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def test_no_tracked_file_of_this_repository_holds_a_secret() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    found, read = [], 0
    for name in git(ROOT, "ls-files", "-z").split("\0"):
        if (file := ROOT / name).is_file() and not file.is_symlink():
            read += 1
            found += [(name, *leak) for leak in scan(file.read_bytes().decode("utf-8", "replace"), name)]
    assert found == []
    assert read > 100


def test_a_secret_that_was_committed_and_removed_is_in_the_history(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    file = tmp_path / "settings.env"
    file.write_text(f"LEVEL=info\nTOKEN={FORMS['GitHub token']}\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Add settings")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    file.write_text("LEVEL=info\n++ b/other\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "Remove the token")
    key = FORMS["private key"].replace("\n", "\n  ")
    (tmp_path / "key.yaml").write_text(f"a: 1\nb: 2\nkey: |\n  {key}\n")
    git(tmp_path, "checkout", "--quiet", "-b", "side")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Add a key on a branch")
    side = git(tmp_path, "rev-parse", "HEAD").strip()
    assert all(scan(text) == [] for text in [file.read_text()])
    leaks = list(scan_history(git(tmp_path, "log", "-p", "--all").splitlines(keepends=True)))
    assert sorted(leaks) == sorted([(commit, "settings.env", 2, "GitHub token"), (side, "key.yaml", 4, "private key")])


def test_the_line_in_the_history_is_the_line_in_the_file(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    file = tmp_path / "notes.txt"
    lines = [f"line {number}" for number in range(40)]
    file.write_text("\n".join(lines))
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Add notes")
    lines[3:3] = ["new"]
    lines[30:32] = ["new", FORMS["Vault token"], "line 30"]
    file.write_text("\n".join(lines))
    git(tmp_path, "commit", "--quiet", "--all", "--message", "Add more")
    assert [leak.line for leak in scan_history(git(tmp_path, "log", "-p", "--all").split("\n"))] == [32]


# Versions of the API


@pytest.mark.parametrize(
    ("version", "rule"), [((1, 20), "api-unstable"), ((1, 21), "api-deprecated"), ((1, 24), "api-deprecated"),
                          ((1, 25), "api-removed"), ((1, 36), "api-removed")],
)  # fmt: skip
def test_an_api_ages_with_kubernetes(version: tuple[int, int], rule: str) -> None:
    item = {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "old", "namespace": "shop"}}
    found = {name for name in rules_of(report([item], version=version)) if name.startswith("api-")}
    assert found == {rule}


def test_the_table_of_apis_is_consistent() -> None:
    for (version, kind), end in LIFECYCLES.items():
        assert end.deprecated < end.removed, (version, kind)
        successor = LIFECYCLES.get((end.replacement, kind))
        assert end.replacement != version
        assert successor is None or successor.removed > end.removed, (version, kind)
