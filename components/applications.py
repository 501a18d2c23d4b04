"""Owns what lets Argo CD deliver one environment: its project, its access to Git, and its root ApplicationSet.

The root finds every `apps/<app>/k8s/overlays/<environment>` in Git and makes an Application for it, so that a new
application needs one commit and no change here. Everything below an Application is Argo CD's, never Pulumi's.

The names end in the environment because environments may share a cluster: each stack owns its own objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

from components.namespaces import ARGOCD, INGRESS_LABEL, pod_security
from components.schema import SyncSection
from slipway.rules.cel import ENVIRONMENT_LABEL

__all__ = ["Applications", "ApplicationsArgs", "project_spec", "root_spec"]

IN_CLUSTER = "https://kubernetes.default.svc"

# What an application may consist of. Anything else (roles, quotas, admission, nodes) is the platform's business.
ALLOWED_KINDS: tuple[tuple[str, str], ...] = (
    ("", "ConfigMap"),
    ("", "PersistentVolumeClaim"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("bitnami.com", "SealedSecret"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
)


@dataclass(frozen=True)
class ApplicationsArgs:
    """One environment's delivery."""

    environment: str
    # Exactly as Argo CD shall know it: webhooks are matched with it.
    repository: str
    revision: str
    # The account that reads the repository; none for a public one.
    username: str | None
    password: SecretStr | None
    # Plain HTTP is accepted: only for the sandbox's own Git server.
    insecure: bool
    sync: SyncSection


class Applications(pulumi.ComponentResource):
    """The project, the repository's credentials and the root ApplicationSet of one environment."""

    root: pulumi.Output[str]
    repository: pulumi.Output[str]

    def __init__(self, name: str, args: ApplicationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:applications:Applications", name, None, opts)
        project = f"slipway-{args.environment}"
        declared: list[pulumi.Resource] = [self._project(project, args)]
        if args.username is not None and args.password is not None:
            account = (args.username, args.password)
            declared.append(self._repository(f"gitops-{args.environment}", project, args, account))
        root = f"root-{args.environment}"
        self._root(root, project, args, declared)
        self.root = pulumi.Output.from_input(f"{ARGOCD}/{root}")
        self.repository = pulumi.Output.from_input(args.repository)
        self.register_outputs({"root": self.root, "repository": self.repository})

    def _project(self, project: str, args: ApplicationsArgs) -> pulumi.Resource:
        return kubernetes.apiextensions.CustomResource(
            project,
            api_version="argoproj.io/v1alpha1",
            kind="AppProject",
            metadata={"name": project, "namespace": ARGOCD},
            spec=project_spec(args),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _repository(
        self, secret: str, project: str, args: ApplicationsArgs, account: tuple[str, SecretStr]
    ) -> pulumi.Resource:
        username, password = account
        return kubernetes.core.v1.Secret(
            secret,
            metadata={
                "name": secret,
                "namespace": ARGOCD,
                "labels": {"argocd.argoproj.io/secret-type": "repository"},
            },
            # Bound to the project, so that environments which share Argo CD may use different accounts.
            string_data={
                "type": "git",
                "project": project,
                "url": args.repository,
                "username": username,
                "password": pulumi.Output.secret(password.get_secret_value()),
                **({"insecure": "true"} if args.insecure else {}),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _root(self, root: str, project: str, args: ApplicationsArgs, after: Sequence[pulumi.Resource]) -> None:
        kubernetes.apiextensions.CustomResource(
            root,
            api_version="argoproj.io/v1alpha1",
            kind="ApplicationSet",
            metadata={"name": root, "namespace": ARGOCD},
            spec=root_spec(args, project),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def project_spec(args: ApplicationsArgs) -> dict[str, Any]:
    """One repository, the environment's own namespaces, and the kinds that an application may consist of."""
    spec: dict[str, Any] = {
        "description": f"Applications of the environment {args.environment}",
        "sourceRepos": [args.repository],
        "destinations": [{"server": IN_CLUSTER, "namespace": f"*-{args.environment}"}],
        # The application's namespace is made by Argo CD's CreateNamespace, which asks the project first.
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace", "name": f"*-{args.environment}"}],
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in ALLOWED_KINDS],
    }
    if args.sync.windows:
        spec["syncWindows"] = [
            {**window.model_dump(by_alias=True), "applications": ["*"]} for window in args.sync.windows
        ]
    return spec


def root_spec(args: ApplicationsArgs, project: str) -> dict[str, Any]:
    """The ApplicationSet: one Application for each overlay of this environment in Git."""
    environment = args.environment
    name = f"{{{{ index .path.segments 1 }}}}-{environment}"
    return {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [
            {
                "git": {
                    "repoURL": args.repository,
                    "revision": args.revision,
                    "directories": [{"path": f"apps/*/k8s/overlays/{environment}"}],
                    # How long a new directory may stay unseen when no webhook arrives.
                    "requeueAfterSeconds": 60,
                }
            }
        ],
        # A directory that vanishes from Git takes its application along only where syncing is automatic with
        # pruning; elsewhere the running application stays until a person removes it.
        "syncPolicy": {"preserveResourcesOnDeletion": not args.sync.prune},
        "template": {
            "metadata": {
                "name": name,
                "labels": {"slipway.dev/app": "{{ index .path.segments 1 }}", "slipway.dev/environment": environment},
            },
            "spec": {
                "project": project,
                "source": {"repoURL": args.repository, "targetRevision": args.revision, "path": "{{ .path.path }}"},
                "destination": {"server": IN_CLUSTER, "namespace": name},
                "syncPolicy": _sync_policy(args.sync, environment),
            },
        },
    }


def _sync_policy(sync: SyncSection, environment: str) -> dict[str, Any]:
    # The environment's label binds the admission policies to the namespace (see `admission.py`).
    labels = {**pod_security("restricted"), **INGRESS_LABEL, ENVIRONMENT_LABEL: environment}
    policy: dict[str, Any] = {
        "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"],
        "managedNamespaceMetadata": {"labels": labels},
        "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
    }
    if sync.automated:
        policy["automated"] = {"prune": sync.prune, "selfHeal": sync.self_heal}
    return policy
