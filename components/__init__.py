"""The platform's components: one module for each, and `config` and `sources` beside them.

Components are given typed values and never read configuration; they import each other and the rule library.
"""

from components.admission import Admission, AdmissionArgs
from components.applications import Applications, ApplicationsArgs
from components.argocd import ArgoCD, ArgoCDArgs
from components.cluster import Cluster, ClusterArgs
from components.errors import ConfigError, ProgramError
from components.github_provider import GitHub, GitHubArgs
from components.ingress import Ingress, IngressArgs
from components.manifests import Manifest, ManifestArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.registry import Registry, RegistryArgs
from components.repository import Repository, RepositoryArgs

__all__ = [
    "Admission",
    "AdmissionArgs",
    "Applications",
    "ApplicationsArgs",
    "ArgoCD",
    "ArgoCDArgs",
    "Cluster",
    "ClusterArgs",
    "ConfigError",
    "GitHub",
    "GitHubArgs",
    "Ingress",
    "IngressArgs",
    "Manifest",
    "ManifestArgs",
    "Namespaces",
    "NamespacesArgs",
    "ProgramError",
    "Registry",
    "RegistryArgs",
    "Repository",
    "RepositoryArgs",
]
