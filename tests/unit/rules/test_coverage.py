"""The library covers what kube-score, Polaris and kube-linter check, by the names that those tools use."""

from __future__ import annotations

import pytest

from slipway.rules import RULES

CHECKS = {
    "kube-score": """
    container-cpu-requests-equal-limits container-ephemeral-storage-request-and-limit
    container-ephemeral-storage-request-equals-limit container-image-pull-policy container-image-tag
    container-memory-requests-equal-limits container-ports-check container-resource-requests-equal-limits
    container-resources container-seccomp-profile container-security-context-privileged
    container-security-context-readonlyrootfilesystem container-security-context-user-group-id
    cronjob-has-deadline cronjob-restartpolicy deployment-has-host-podantiaffinity
    deployment-has-poddisruptionbudget deployment-pod-selector-labels-match-template-metadata-labels
    deployment-replicas deployment-strategy deployment-targeted-by-hpa-does-not-have-replicas-configured
    environment-variable-key-duplication horizontalpodautoscaler-has-target horizontalpodautoscaler-replicas
    ingress-targets-service label-values networkpolicy-targets-pod pod-networkpolicy pod-probes
    pod-probes-identical pod-topology-spread-constraints poddisruptionbudget-has-policy service-targets-pod
    service-type stable-version statefulset-has-host-podantiaffinity statefulset-has-poddisruptionbudget
    statefulset-has-servicename statefulset-pod-selector-labels-match-template-metadata-labels
""",
    "polaris": """
    automountServiceAccountToken clusterrolePodExecAttach clusterrolebindingClusterAdmin
    clusterrolebindingPodExecAttach cpuLimitsMissing cpuRequestsMissing dangerousCapabilities
    deploymentMissingReplicas hostIPCSet hostNetworkSet hostPIDSet hostPathSet hostPortSet hostProcess
    hpaMaxAvailability hpaMinAvailability insecureCapabilities linuxHardening livenessProbeMissing
    memoryLimitsMissing memoryRequestsMissing metadataAndInstanceMismatched missingNetworkPolicy
    missingPodDisruptionBudget notReadOnlyRootFilesystem pdbDisruptionsIsZero
    pdbMinAvailableGreaterThanHPAMinReplicas priorityClassNotSet privilegeEscalationAllowed procMount
    pullPolicyNotAlways readinessProbeMissing rolePodExecAttach rolebindingClusterAdminClusterRole
    rolebindingClusterAdminRole rolebindingClusterRolePodExecAttach rolebindingRolePodExecAttach runAsPrivileged
    runAsRootAllowed sensitiveConfigmapContent sensitiveContainerEnvVar tagNotSpecified tlsSettingsMissing
    topologySpreadConstraint
""",
    "kube-linter": """
    access-to-create-pods access-to-secrets cluster-admin-role-binding dangling-horizontalpodautoscaler
    dangling-ingress dangling-networkpolicy dangling-networkpolicypeer-podselector dangling-service
    dangling-servicemonitor default-service-account deprecated-service-account-field dnsconfig-options
    docker-sock drop-net-raw-capability duplicate-env-var env-value-from env-var-secret exposed-services
    host-ipc host-network host-pid hpa-minimum-three-replicas invalid-target-ports
    job-ttl-seconds-after-finished latest-tag liveness-port minimum-three-replicas mismatching-selector
    no-anti-affinity no-extensions-v1beta no-liveness-probe no-node-affinity no-read-only-root-fs
    no-readiness-probe no-rolling-update-strategy non-existent-service-account non-isolated-pod
    pdb-max-unavailable pdb-min-available pdb-unhealthy-pod-eviction-policy priority-class-name
    privilege-escalation-container privileged-container privileged-ports read-secret-from-env-var readiness-port
    required-annotation-email required-label-owner restart-policy run-as-non-root scc-deny-privileged-container
    schema-validation sensitive-host-mounts sorted-keys ssh-port startup-port unsafe-proc-mount unsafe-sysctls
    unset-cpu-requirements unset-memory-requirements use-namespace wildcard-in-rules writable-host-mount
""",
}

EVERY_CHECK = [f"{tool}:{name}" for tool, names in CHECKS.items() for name in names.split()]

# Deliberately not adopted, and why.
LEFT_OUT = {
    "kube-linter:no-node-affinity": "most workloads must run on any node; `pod-tied-to-node` says the opposite",
    "kube-linter:sorted-keys": "Kubernetes' own order of keys (apiVersion, kind, metadata, spec) is not the alphabet's",
}


@pytest.mark.parametrize("check", [check for check in EVERY_CHECK if check not in LEFT_OUT])
def test_a_check_of_another_tool_has_a_rule_here(check: str) -> None:
    assert [rule.id for rule in RULES.values() if check in rule.sources]


def test_what_is_left_out_is_not_covered_after_all() -> None:
    covered = {source for rule in RULES.values() for source in rule.sources}
    assert covered.isdisjoint(LEFT_OUT)


def test_the_names_of_the_other_tools_are_all_known_ones() -> None:
    tools = tuple(f"{tool}:" for tool in CHECKS)
    named = {source for rule in RULES.values() for source in rule.sources if source.startswith(tools)}
    assert named <= set(EVERY_CHECK)
