"""Label selectors: well formed, and of workloads the selector of their own Pods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from slipway.rules.context import Context
from slipway.rules.model import Category, Object, Path, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.selectors import InvalidSelector, equality, parse
from slipway.rules.shape import dig, entries, mapping

__all__: list[str] = []

_WORKLOADS = (
    "DaemonSet.apps",
    "Deployment.apps",
    "Job.batch",
    "ReplicaSet.apps",
    "ReplicationController",
    "Rollout.argoproj.io",
    "StatefulSet.apps",
)
_SELECTING = (
    "PersistentVolumeClaim",
    "PodDisruptionBudget.policy",
    "PodMonitor.monitoring.coreos.com",
    "ServiceMonitor.monitoring.coreos.com",
)
_POLICY = "NetworkPolicy.networking.k8s.io"
_PEERS = (("ingress", "from"), ("egress", "to"))


@pod_rule(
    id="selector-template-mismatch",
    title="Workloads select the Pods that they make",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses a workload whose selector does not match its template.",
    remedy="Repeat the selector's labels in `spec.template.metadata.labels`.",
    sources=(
        "kube-score:deployment-pod-selector-labels-match-template-metadata-labels",
        "kube-score:statefulset-pod-selector-labels-match-template-metadata-labels",
        "kube-linter:mismatching-selector",
    ),
    kinds=_WORKLOADS,
)
def selector_template_mismatch(pod: PodView, context: Context) -> Iterable[Violation]:
    """A selector that is malformed, or that the template's labels do not satisfy."""
    written = dig(pod.object, "spec", "selector")
    # A Rollout may take another object's template; the API server gives a Job its selector and the label to match.
    if not isinstance(written, dict) or not pod.spec:
        return ()
    if pod.kind == "Job" and dig(pod.object, "spec", "manualSelector") is not True:
        return ()
    labels = mapping(pod.template_metadata.get("labels"))
    if (pairs := mapping(written.get("matchLabels"))) and pairs.items() <= labels.items() and len(written) == 1:
        # Nearly all are so. What is wrong with such labels, `template-label-invalid` says.
        return ()
    try:
        selector = equality(written) if pod.kind == "ReplicationController" else parse(written)
    except InvalidSelector as wrong:
        return [Violation(("spec", "selector", *wrong.path), wrong.fault)]
    if selector.everything:
        return [Violation(("spec", "selector"), "the selector is empty")]
    if selector.matches(labels):
        return ()
    return [Violation(("spec", "selector"), f"the template's labels are not those selected: {selector}")]


@rule(
    id="selector-invalid",
    title="Label selectors are well formed",
    severity=Severity.CRITICAL,
    category=Category.SCHEMA,
    reason="The API server refuses the object.",
    remedy="Use In and NotIn with values, Exists and DoesNotExist without, and well-formed labels.",
    sources=("kubernetes:ValidateLabelSelector",),
    kinds=(*_SELECTING, _POLICY),
)
def selector_invalid(item: Object, context: Context) -> Iterable[Violation]:
    """An operator, a key or a value that selectors do not have. Workloads: see `selector-template-mismatch`."""
    spec = mapping(item.get("spec"))
    for path, written in _policy_selectors(spec) if item.get("kind") == "NetworkPolicy" else _own_selector(spec):
        try:
            parse(written)
        except InvalidSelector as wrong:
            yield Violation((*path, *wrong.path), wrong.fault)


def _own_selector(spec: dict[str, Any]) -> Iterable[tuple[Path, Any]]:
    yield ("spec", "selector"), spec.get("selector")


def _policy_selectors(spec: dict[str, Any]) -> Iterable[tuple[Path, Any]]:
    yield ("spec", "podSelector"), spec.get("podSelector")
    for direction, peers in _PEERS:
        for index, allowed in entries(spec.get(direction)):
            for at, peer in entries(allowed.get(peers)):
                for key in ("podSelector", "namespaceSelector"):
                    yield ("spec", direction, index, peers, at, key), peer.get(key)
