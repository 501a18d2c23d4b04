"""What Argo CD may do for an environment, and how it finds that environment's applications."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from components.applications import ApplicationsArgs, project_spec, root_spec
from components.schema import SyncSection, SyncWindow

URL = "http://10.244.0.1:3080/gitops.git"
AUTOMATED = SyncSection.model_validate({"automated": True, "prune": True, "selfHeal": True})


def args(environment: str = "dev", sync: SyncSection | None = None) -> ApplicationsArgs:
    return ApplicationsArgs(
        environment=environment,
        repository=URL,
        revision="main",
        username="argocd",
        password=SecretStr("reads"),
        insecure=True,
        sync=sync or SyncSection(),
    )


def template(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = root_spec(args(**changes), "slipway-dev")["template"]
    return found


def test_the_project_takes_one_repository_and_the_environments_own_namespaces() -> None:
    spec = project_spec(args("prod"))
    assert spec["sourceRepos"] == [URL]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "*-prod"}]


def test_the_project_lets_applications_make_no_cluster_wide_object_but_their_namespace() -> None:
    assert project_spec(args())["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": "*-dev"}]


def test_the_project_names_every_kind_and_none_that_gives_rights() -> None:
    kinds = {item["kind"] for item in project_spec(args())["namespaceResourceWhitelist"]}
    assert {"Deployment", "Service", "HTTPRoute", "NetworkPolicy"} <= kinds
    assert not kinds & {"*", "Role", "RoleBinding", "ResourceQuota", "Application", "AppProject"}


def test_sync_windows_reach_the_project() -> None:
    window = SyncWindow.model_validate(
        {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "8h", "manualSync": True}
    )
    spec = project_spec(args(sync=SyncSection(windows=[window])))
    assert spec["syncWindows"] == [
        {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "8h", "manualSync": True, "applications": ["*"]}
    ]
    assert "syncWindows" not in project_spec(args())


def test_an_application_is_named_after_its_directory_and_environment() -> None:
    found = template()
    assert found["metadata"]["name"] == "{{ index .path.segments 1 }}-dev"
    assert found["spec"]["destination"]["namespace"] == found["metadata"]["name"]
    assert found["spec"]["source"] == {"repoURL": URL, "targetRevision": "main", "path": "{{ .path.path }}"}
    assert found["spec"]["project"] == "slipway-dev"


def test_a_failed_sync_is_tried_again_with_growing_pauses() -> None:
    retry = template()["spec"]["syncPolicy"]["retry"]
    assert retry["limit"] == 5
    assert retry["backoff"]["factor"] > 1


def test_an_applications_namespace_is_made_for_it_and_restricted() -> None:
    policy = template()["spec"]["syncPolicy"]
    assert "CreateNamespace=true" in policy["syncOptions"]
    labels = policy["managedNamespaceMetadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["slipway.dev/ingress"] == "true"
    assert labels["slipway.dev/environment"] == "dev"


@pytest.mark.parametrize(("sync", "kept"), [(AUTOMATED, False), (SyncSection(), True)])
def test_a_directory_that_vanishes_takes_the_application_along_only_where_pruning_is_on(
    sync: SyncSection, kept: bool
) -> None:
    spec = root_spec(args(sync=sync), "slipway-dev")
    assert spec["syncPolicy"] == {"preserveResourcesOnDeletion": kept}


def test_a_new_directory_is_seen_within_two_minutes_without_a_webhook() -> None:
    (generator,) = root_spec(args(), "slipway-dev")["generators"]
    assert generator["git"]["requeueAfterSeconds"] <= 120
