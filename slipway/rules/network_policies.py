"""NetworkPolicies as a whole: whom they cover, and what they leave open or cut off."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.rules.context import Context
from slipway.rules.isolation import DNS_PORT, NETWORK_POLICY, isolation
from slipway.rules.model import Category, NotAssessed, Object, Severity, Violation
from slipway.rules.pods import PodView
from slipway.rules.registry import pod_rule, rule
from slipway.rules.shape import dig, name_of, namespace_of

__all__: list[str] = []

# Policies that these rules cannot read, and that may cover a Pod as well.
_FOREIGN = (
    "CiliumClusterwideNetworkPolicy.cilium.io",
    "CiliumNetworkPolicy.cilium.io",
    "GlobalNetworkPolicy.crd.projectcalico.org",
    "GlobalNetworkPolicy.projectcalico.org",
    "NetworkPolicy.crd.projectcalico.org",
    "NetworkPolicy.projectcalico.org",
)


def _uncertain(context: Context) -> None:
    if not context.complete:
        raise NotAssessed("not all NetworkPolicies of the namespace were read")
    for kind in _FOREIGN:
        if next(context.objects.of(kind), None) is not None:
            raise NotAssessed(f"a {kind} may cover the Pods, and is not read here")


def _covered(pod: PodView, context: Context) -> tuple[bool, bool]:
    """Whether policies isolate the Pods inwards and outwards.

    Those on the node's network are out of every policy's reach, which `host-namespaces` says. They are asked for a
    policy all the same: otherwise moving a Pod there would raise the score.
    """
    policies = isolation(context, namespace_of(pod.object))
    return policies.ingress(pod.object), policies.egress(pod.object)


@pod_rule(
    id="network-policy-missing",
    title="A NetworkPolicy decides who may reach a Pod",
    severity=Severity.HIGH,
    category=Category.SECURITY,
    reason="Without one, every Pod of the cluster may connect to every port of this Pod.",
    remedy="Deny by default in the namespace, and allow what the Pod needs in a NetworkPolicy of its own.",
    sources=(
        "kube-score:pod-networkpolicy",
        "polaris:missingNetworkPolicy",
        "kube-linter:non-isolated-pod",
        "kyverno:add-network-policy",
        "kubescape:C-0030",
    ),
    whole_set=True,
)
def network_policy_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """No policy isolates the Pod from what comes in."""
    inwards, outwards = _covered(pod, context)
    if inwards:
        return ()
    _uncertain(context)
    what = "what reaches the Pod" if outwards else "what reaches the Pod or what it reaches"
    return [Violation(pod.template_path, f"no NetworkPolicy restricts {what}")]


@pod_rule(
    id="network-policy-egress-missing",
    title="A NetworkPolicy decides whom a Pod may reach",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="Who takes over the Pod may otherwise reach the whole cluster, the cloud's metadata and the Internet.",
    remedy="Add `Egress` to `policyTypes`, with rules for DNS and for what the Pod calls.",
    sources=("kube-score:pod-networkpolicy", "polaris:missingNetworkPolicy", "kubescape:C-0030"),
    whole_set=True,
)
def network_policy_egress_missing(pod: PodView, context: Context) -> Iterable[Violation]:
    """Isolated inwards only. A Pod without any policy is `network-policy-missing`."""
    inwards, outwards = _covered(pod, context)
    if outwards or not inwards:
        return ()
    _uncertain(context)
    return [Violation(pod.template_path, "no NetworkPolicy restricts what the Pod reaches")]


@rule(
    id="network-policy-default-deny-missing",
    title="Namespaces deny traffic by default",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A Pod that comes later, under labels that no policy knows, is open to everybody.",
    remedy="Add a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress, Egress]`.",
    sources=("kubernetes:default-deny-all", "NSA:network-separation", "kyverno:add-network-policy"),
    kinds=("Namespace",),
    whole_set=True,
)
def network_policy_default_deny_missing(item: Object, context: Context) -> Iterable[Violation]:
    """A namespace with Pods, in which no policy isolates all Pods both ways."""
    namespace = name_of(item)
    if not context.objects.pods(namespace) or isolation(context, namespace).denies_by_default:
        return ()
    _uncertain(context)
    return [Violation(("metadata", "name"), f"no NetworkPolicy in '{namespace}' denies by default both ways")]


@rule(
    id="network-policy-selects-no-pod",
    title="NetworkPolicies select a Pod",
    severity=Severity.MEDIUM,
    category=Category.SECURITY,
    reason="A policy that selects nothing protects nothing; the Pods that it was meant for are as they were.",
    remedy="Write the labels of the Pod template into `spec.podSelector`.",
    sources=("kube-score:networkpolicy-targets-pod", "kube-linter:dangling-networkpolicy"),
    kinds=(NETWORK_POLICY,),
    whole_set=True,
)
def network_policy_selects_no_pod(item: Object, context: Context) -> Iterable[Violation]:
    """A selector that no Pod of the namespace satisfies. One that selects all Pods may wait for the first."""
    if id(item) not in isolation(context, namespace_of(item)).idle:
        return ()
    if not context.complete:
        raise NotAssessed("not all Pods of the namespace were read")
    return [Violation(("spec", "podSelector"), "no Pod of the namespace has these labels")]


@rule(
    id="network-policy-dns-blocked",
    title="Pods that may reach anything may ask for names",
    severity=Severity.HIGH,
    category=Category.PRODUCTION,
    reason="Without DNS a Pod finds none of the services that its policy allows; long answers need TCP.",
    remedy="Allow port 53 over UDP and TCP in `egress`.",
    sources=("kyverno:add-networkpolicy-dns", "kubernetes:network-policies"),
    kinds=(NETWORK_POLICY,),
    whole_set=True,
)
def network_policy_dns_blocked(item: Object, context: Context) -> Iterable[Violation]:
    """Egress that is allowed in part, without DNS. Pods that may reach nothing at all are meant so."""
    found = isolation(context, namespace_of(item)).without_dns.get(id(item))
    if found is None:
        return ()
    if not context.complete:
        raise NotAssessed("another NetworkPolicy may allow DNS")
    pod, missing = found
    message = f"no policy lets the Pods of '{pod}' reach port {DNS_PORT} over {' or '.join(missing)}"
    return [Violation(("spec", "egress"), message)] if dig(item, "spec", "egress") else ()
