"""Slipway: `pulumi up -s <environment>` gives one environment a GitOps delivery platform.

Typed configuration -> cluster -> platform services -> delivery -> outputs. `components/` says what each part owns.
"""

import pulumi

from components import (
    Admission,
    Applications,
    ArgoCD,
    Cluster,
    Ingress,
    Namespaces,
    NamespacesArgs,
    ProgramError,
    Registry,
    wiring,
)
from components import config as configuration
from components.cluster import ClusterArgs, require


def main() -> None:
    """Declare the stack."""
    config = configuration.read()
    online = require(config.access, preview=pulumi.runtime.is_dry_run())

    cluster = Cluster("cluster", ClusterArgs(access=config.access, online=online))
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])

    services: list[pulumi.Resource] = []
    if config.install:
        namespaces = Namespaces("namespaces", NamespacesArgs(), on_cluster)
        after = pulumi.ResourceOptions(providers=[cluster.provider], depends_on=[namespaces])
        ingress = Ingress("ingress", wiring.ingress_args(config), after)
        argocd = ArgoCD("argocd", wiring.argocd_args(config, ingress.ready), after)
        services = [ingress, argocd]
    if config.admission.enabled:
        services.append(Admission("admission", wiring.admission_args(config), on_cluster))

    delivery = pulumi.ResourceOptions(providers=[cluster.provider], depends_on=services)
    registry = Registry("registry", wiring.registry_args(config), delivery)
    applications = Applications("applications", wiring.applications_args(config), delivery)

    if config.github:
        pulumi.export("github", wiring.github(config.github))
    for name, value in wiring.outputs(config, cluster, registry, applications).items():
        pulumi.export(name, value)


try:
    main()
except ProgramError as error:
    raise pulumi.RunError(str(error)) from None
