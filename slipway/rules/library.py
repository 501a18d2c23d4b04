"""Every rule of the library, by id. A module of rules is added here and nowhere else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from slipway.rules import (
    access,
    availability,
    end_of_life,
    exemptions,
    gitops,
    images,
    jobs,
    metadata,
    network,
    pod_security_baseline,
    pod_security_restricted,
    probes,
    pulumi_resources,
    references,
    resources,
    schema,
    secrets,
)
from slipway.rules.model import Rule
from slipway.rules.registry import REGISTERED

__all__ = ["MODULES", "RULES", "find"]

MODULES = (
    access,
    availability,
    end_of_life,
    exemptions,
    gitops,
    images,
    jobs,
    metadata,
    network,
    pod_security_baseline,
    pod_security_restricted,
    probes,
    pulumi_resources,
    references,
    resources,
    schema,
    secrets,
)
RULES: Mapping[str, Rule] = MappingProxyType(REGISTERED)


def find(rule_id: str) -> Rule:
    """The rule called `rule_id`. Raises `LookupError`, whose text names what may have been meant."""
    if rule_id in RULES:
        return RULES[rule_id]
    near = difflib.get_close_matches(rule_id, RULES, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise LookupError(f"no rule is called '{rule_id}'{hint}")
