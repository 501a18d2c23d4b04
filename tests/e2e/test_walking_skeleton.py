"""From nothing to an application that answers: what a user would look at after `make up`."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import tools
from slipway.gitops import GitOpsRepository
from slipway.platform.argocd import application, initial_password, server_address
from slipway.platform.kube import Cluster
from tests.e2e.support import Platform, eventually, stack_files

HOST = "app1.dev.localhost:30080"


def curl(url: str) -> str:
    return subprocess.run(["curl", "-sSf", url], capture_output=True, text=True, check=True).stdout


def cluster(platform: Platform) -> Cluster:
    return Cluster(tools.locate("kubectl"), platform.state / "kubeconfig")


def repository(platform: Platform) -> GitOpsRepository:
    git = platform.connection["git"]
    return GitOpsRepository(git["url"], git["username"], git["password"])


def working_copy(platform: Platform, folder: Path) -> None:
    done = platform.slipway("gitops", "clone", str(folder))
    assert done.returncode == 0, done.stderr
    for key, value in (("user.name", "A developer"), ("user.email", "developer@example.test")):
        subprocess.run(["git", "-C", str(folder), "config", key, value], check=True)


def test_curl_gets_all_three_endpoints_through_the_ingress(platform: Platform) -> None:
    assert json.loads(curl(f"http://{HOST}/health")) == {"status": "ok"}
    assert json.loads(curl(f"http://{HOST}/")) == {"app": "app1", "environment": "dev", "version": "1.0.0"}
    assert "python_gc_objects_collected_total{generation=" in curl(f"http://{HOST}/metrics")


def test_smoke_agrees_with_curl(platform: Platform) -> None:
    smoke = platform.slipway("smoke", "app1", "dev", "--json")

    assert smoke.returncode == 0
    assert json.loads(smoke.stdout)["passed"] == 3


def test_every_pod_is_ready_on_upstreams_image_names_and_none_restarted(platform: Platform) -> None:
    pods = {pod["metadata"]["name"]: pod for pod in platform.kubectl("get", "pods", "-A")["items"]}
    statuses = {name: pod["status"]["containerStatuses"] for name, pod in pods.items()}
    images = {container["image"] for pod in pods.values() for container in pod["spec"]["containers"]}

    assert [name for name, states in statuses.items() if not all(state["ready"] for state in states)] == []
    assert {
        name: state["restartCount"] for name, states in statuses.items() for state in states if state["restartCount"]
    } == {}
    assert {image.partition("/")[0] for image in images} <= {"quay.io", "ghcr.io", "docker.io", "public.ecr.aws"}
    assert any(image.startswith("quay.io/argoproj/argocd:v3.5.3") for image in images)


def test_sandbox_status_agrees_and_names_what_runs_at_another_version(platform: Platform) -> None:
    done = platform.slipway("sandbox", "status", "--json")
    status = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert any(row["component"] == "redis" and "7.0.15" in row["runs"] for row in status["versions"])


def test_argo_cd_is_synced_and_healthy_at_the_pushed_commit(platform: Platform) -> None:
    status = platform.kubectl("-n", "argocd", "get", "application", "app1-dev")["status"]

    assert (status["sync"]["status"], status["health"]["status"]) == ("Synced", "Healthy")
    assert status["sync"]["revision"] == repository(platform).head()


def test_the_printed_login_works(platform: Platform, tmp_path: Path) -> None:
    argocd = str(tools.locate("argocd"))
    config = ["--config", str(tmp_path / "argocd.yaml")]
    password = platform.slipway("argocd", "password").stdout.strip()
    login = [argocd, "login", server_address(cluster(platform)), "--plaintext", "--username", "admin", *config]
    subprocess.run([*login, "--password", password], check=True, capture_output=True)
    seen = subprocess.run([argocd, "app", "get", "app1-dev", *config], check=True, capture_output=True, text=True)

    assert password == initial_password(cluster(platform))
    assert re.search(r"Sync Status:\s+Synced", seen.stdout)


def test_a_second_up_changes_nothing(platform: Platform) -> None:
    again = platform.slipway("up", "dev", "--json")

    assert again.returncode == 0, again.stderr
    results = {step["step"]: step["result"] for step in json.loads(again.stdout)["steps"]}
    assert results["pulumi up -s dev"] == "0 changes"
    assert "in the registry already, deployed already" in results["image of app1"]


def test_a_refresh_finds_no_drift(platform: Platform) -> None:
    done = platform.pulumi("refresh", "--preview-only", "--expect-no-changes", "--run-program")

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_checkout_stays_as_it_was(platform: Platform) -> None:
    assert stack_files() == platform.stack_files


def test_no_secret_is_in_the_pulumi_state_in_plain_text(platform: Platform) -> None:
    backend = Path(platform.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    text = "".join(file.read_text(errors="replace") for file in backend.rglob("*.json*"))
    connection = platform.connection
    secrets = [connection["git"]["reader_password"], connection["git"]["password"], connection["webhook_secret"]]

    assert "slipway:argocd:ArgoCD" in text
    for secret in secrets:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text


def test_a_pushed_change_is_running_within_seconds_by_webhook(platform: Platform, tmp_path: Path) -> None:
    working_copy(platform, tmp_path / "gitops")
    overlay = tmp_path / "gitops" / "apps" / "app1" / "k8s" / "overlays" / "dev" / "kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("ENVIRONMENT=dev", "ENVIRONMENT=dev-pushed"))
    git = ["git", "-C", str(tmp_path / "gitops")]
    subprocess.run([*git, "commit", "-qam", "Say that this was pushed"], check=True)
    started = time.monotonic()
    subprocess.run([*git, "push", "-q"], check=True)
    eventually(lambda: json.loads(curl(f"http://{HOST}/"))["environment"] == "dev-pushed", 60, "the push runs")
    took = time.monotonic() - started
    print(f"push to running: {took:.1f} s")
    # Polling looks once a minute: only the webhook is faster.
    assert took < 30

    subprocess.run([*git, "revert", "--no-edit", "HEAD"], check=True, capture_output=True)
    subprocess.run([*git, "push", "-q"], check=True)
    eventually(lambda: json.loads(curl(f"http://{HOST}/"))["environment"] == "dev", 60, "the revert runs")


def test_a_new_folder_in_git_is_a_new_application_with_no_edit_elsewhere(platform: Platform, tmp_path: Path) -> None:
    working_copy(platform, tmp_path / "gitops")
    overlay = tmp_path / "gitops" / "apps" / "wanderlust" / "k8s" / "overlays" / "dev"
    overlay.mkdir(parents=True)
    settings = "configMapGenerator:\n  - name: settings\n    literals: [PORT=8080]\n"
    (overlay / "kustomization.yaml").write_text(f"kind: Kustomization\n{settings}")
    git = ["git", "-C", str(tmp_path / "gitops")]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "-qm", "Add wanderlust"], check=True)
    subprocess.run([*git, "push", "-q"], check=True)

    def synced() -> bool:
        found = application(cluster(platform), "wanderlust-dev")
        return bool(found and found.sync == "Synced")

    eventually(synced, 90, "Argo CD has found and synced the folder")
    spec = platform.kubectl("-n", "argocd", "get", "application", "wanderlust-dev")["spec"]
    assert spec["source"]["targetRevision"] == "main"
    assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]
    labels = platform.kubectl("get", "namespace", "wanderlust-dev")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"

    subprocess.run([*git, "revert", "--no-edit", "HEAD"], check=True, capture_output=True)
    subprocess.run([*git, "push", "-q"], check=True)
    eventually(lambda: application(cluster(platform), "wanderlust-dev") is None, 90, "the Application is gone again")


def test_the_deployed_image_is_the_one_that_git_and_the_registry_name(platform: Platform) -> None:
    inspected = platform.slipway("image", "inspect", "app1", "dev", "--json")
    pods = platform.kubectl("-n", "app1-dev", "get", "pods", "-l", "app.kubernetes.io/name=app1")["items"]

    assert inspected.returncode == 0, inspected.stdout + inspected.stderr
    digest = json.loads(inspected.stdout)["digest"]
    assert digest.startswith("sha256:")
    assert {status["imageID"].partition("@")[2] for pod in pods for status in pod["status"]["containerStatuses"]} == {
        digest
    }


def test_a_deleted_deployment_comes_back(platform: Platform) -> None:
    before = platform.kubectl("-n", "app1-dev", "get", "deployment", "app1")["metadata"]["uid"]
    kubectl = [str(tools.locate("kubectl")), "--kubeconfig", str(platform.state / "kubeconfig"), "-n", "app1-dev"]
    subprocess.run([*kubectl, "delete", "deployment", "app1", "--wait=false"], check=True, capture_output=True)

    def healed() -> bool:
        found = cluster(platform).get("deployment", "app1", namespace="app1-dev")
        return bool(found and found["metadata"]["uid"] != before and found.get("status", {}).get("readyReplicas"))

    eventually(healed, 60, "the Deployment is back and Ready")
    eventually(lambda: httpx.get("http://127.0.0.1:30080/health", headers={"Host": HOST}).status_code == 200, 30, "200")


# Git asks it for an account when the server answers 401, as it would ask a person.
HELPER = '!answer() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$NAME" "$PASSWORD"; }; answer'


def git_as(
    platform: Platform, account: tuple[str, str] | None, folder: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Run git as this account alone: no terminal, no other helper, no proxy to answer instead of the server."""
    options = ["-c", "credential.helper=", "-c", "http.proxy="]
    environment = platform.environment | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}
    if account:
        options += ["-c", f"credential.helper={HELPER}"]
        environment |= {"NAME": account[0], "PASSWORD": account[1]}
    argv = ["git", "-C", str(folder), *options, *words]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def repository_with_a_commit(folder: Path) -> Path:
    identity = ["-c", "user.name=A stranger", "-c", "user.email=stranger@example.test"]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run(
        ["git", "-C", str(folder), *identity, "commit", "-q", "--allow-empty", "-m", "Take over"], check=True
    )
    return folder


def branches(platform: Platform, folder: Path) -> str:
    git = platform.connection["git"]
    seen = git_as(platform, (git["username"], git["password"]), folder, "ls-remote", "--heads", git["url"])
    assert seen.returncode == 0, seen.stderr
    return seen.stdout


def test_a_push_without_credentials_is_refused(platform: Platform, tmp_path: Path) -> None:
    own = repository_with_a_commit(tmp_path / "own")
    # A branch of its own: nothing but the account can be the reason for a refusal.
    done = git_as(platform, None, own, "push", platform.connection["git"]["url"], "HEAD:refs/heads/stranger")

    assert done.returncode != 0
    assert "could not read Username" in done.stderr
    assert "refs/heads/stranger" not in branches(platform, own)


def test_argo_cds_account_reads_and_cannot_push(platform: Platform, tmp_path: Path) -> None:
    git = platform.connection["git"]
    reader = (git["reader_username"], git["reader_password"])
    own = repository_with_a_commit(tmp_path / "own")
    read = git_as(platform, reader, own, "ls-remote", "--heads", git["url"])
    pushed = git_as(platform, reader, own, "push", git["url"], "HEAD:refs/heads/stranger")

    assert read.returncode == 0, read.stderr
    assert "refs/heads/main" in read.stdout
    assert pushed.returncode != 0
    assert "Authentication failed" in pushed.stderr
    assert "refs/heads/stranger" not in branches(platform, own)


@pytest.mark.parametrize("path", ["/api", "/version", "/metrics"])
def test_the_api_server_answers_nothing_to_strangers(platform: Platform, path: str) -> None:
    assert httpx.get(f"https://10.244.0.1:6443{path}", verify=False).status_code == 401  # noqa: S501
