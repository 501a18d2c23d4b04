"""The Pod Security Standards as a table: which rule is which check of upstream, at which level, since which version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slipway.rules import pod_security_baseline, pod_security_host, pod_security_restricted
from slipway.rules.context import Context, group_kind
from slipway.rules.model import Object
from slipway.rules.pods import pod_of
from slipway.rules.registry import REGISTERED

__all__ = ["CHECKS", "MODULES", "Level", "StandardCheck", "verdict"]

MODULES = (pod_security_baseline, pod_security_host, pod_security_restricted)


class Level(StrEnum):
    """The levels of the label `pod-security.kubernetes.io/enforce`."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class StandardCheck:
    """One check of k8s.io/pod-security-admission and the rule that stands for it."""

    upstream: str
    """Its id there."""
    rule: str
    level: Level
    since: tuple[int, int] = (1, 0)


CHECKS: tuple[StandardCheck, ...] = (
    StandardCheck("appArmorProfile", "app-armor-profile", Level.BASELINE),
    StandardCheck("capabilities_baseline", "capability-added", Level.BASELINE),
    StandardCheck("hostNamespaces", "host-namespaces", Level.BASELINE),
    StandardCheck("hostPathVolumes", "host-path-volume", Level.BASELINE),
    StandardCheck("hostPorts", "host-port", Level.BASELINE),
    StandardCheck("hostProbesAndHostLifecycle", "host-probe", Level.BASELINE, (1, 34)),
    StandardCheck("privileged", "privileged-container", Level.BASELINE),
    StandardCheck("procMount", "proc-mount", Level.BASELINE),
    StandardCheck("seLinuxOptions", "selinux-options", Level.BASELINE),
    StandardCheck("seccompProfile_baseline", "seccomp-baseline", Level.BASELINE),
    StandardCheck("sysctls", "unsafe-sysctl", Level.BASELINE),
    StandardCheck("windowsHostProcess", "windows-host-process", Level.BASELINE),
    StandardCheck("allowPrivilegeEscalation", "privilege-escalation", Level.RESTRICTED, (1, 8)),
    StandardCheck("capabilities_restricted", "capability-not-dropped", Level.RESTRICTED, (1, 22)),
    StandardCheck("procMount_restricted", "proc-mount-restricted", Level.RESTRICTED, (1, 35)),
    StandardCheck("restrictedVolumes", "volume-type", Level.RESTRICTED),
    StandardCheck("runAsNonRoot", "run-as-non-root", Level.RESTRICTED),
    StandardCheck("runAsUser", "run-as-root-user", Level.RESTRICTED, (1, 23)),
    StandardCheck("seccompProfile_restricted", "seccomp-restricted", Level.RESTRICTED, (1, 19)),
)


def verdict(level: str, version: tuple[int, int], item: Object) -> tuple[str, ...]:
    """The rules that refuse the Pod of `item` at a level and version; empty when it is let in, or makes no Pod.

    It is upstream's verdict for each object that the API server lets through to admission. What its validation
    refuses and its defaults fill in is not imitated: capabilities or a seccomp profile on Windows, and a volume of two
    kinds at once (upstream: allowed at 'restricted', refused at 'baseline'); a volume of no kind (upstream: refused).
    """
    levels = {Level.PRIVILEGED: (), Level.BASELINE: (Level.BASELINE,)}.get(Level(level), tuple(Level))
    pod = pod_of(item, group_kind(item))
    if pod is None:
        return ()
    context = Context(version=version)
    asked = [check.rule for check in CHECKS if check.level in levels]
    return tuple(rule for rule in asked if any(True for _ in REGISTERED[rule].check(pod, context)))
