"""Every rule of the library, by id. A module of rules is added here and nowhere else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from slipway.rules import (
    access,
    api_versions,
    app_folder,
    argocd,
    argocd_paths,
    argocd_permissions,
    argocd_projects,
    availability,
    container_security,
    disruption,
    end_of_life,
    exemptions,
    gitops,
    images,
    jobs,
    kustomization,
    metadata,
    monitors,
    namespaces,
    network_policies,
    network_policy_rules,
    object_references,
    pod_security_baseline,
    pod_security_host,
    pod_security_restricted,
    ports,
    probe_ports,
    probes,
    pulumi_github,
    pulumi_resources,
    pulumi_secrets,
    references,
    resource_values,
    resources,
    role_bindings,
    rollout,
    route_hosts,
    routes,
    schema,
    secrets,
    selector_rules,
    service_accounts,
    services,
    spread,
    termination,
    variables,
)
from slipway.rules.model import Rule
from slipway.rules.registry import REGISTERED

__all__ = ["MODULES", "RULES", "find"]

MODULES = (
    access,
    api_versions,
    app_folder,
    argocd,
    argocd_paths,
    argocd_permissions,
    argocd_projects,
    availability,
    container_security,
    disruption,
    end_of_life,
    exemptions,
    gitops,
    images,
    jobs,
    kustomization,
    metadata,
    monitors,
    namespaces,
    network_policies,
    network_policy_rules,
    object_references,
    pod_security_baseline,
    pod_security_host,
    pod_security_restricted,
    ports,
    probe_ports,
    probes,
    pulumi_github,
    pulumi_resources,
    pulumi_secrets,
    references,
    resource_values,
    resources,
    role_bindings,
    rollout,
    route_hosts,
    routes,
    schema,
    secrets,
    selector_rules,
    service_accounts,
    services,
    spread,
    termination,
    variables,
)
RULES: Mapping[str, Rule] = MappingProxyType(REGISTERED)


def find(rule_id: str) -> Rule:
    """The rule called `rule_id`. Raises `LookupError`, whose text names what may have been meant."""
    if rule_id in RULES:
        return RULES[rule_id]
    near = difflib.get_close_matches(rule_id, RULES, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise LookupError(f"no rule is called '{rule_id}'{hint}")
