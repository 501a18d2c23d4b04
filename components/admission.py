"""Owns what the API server refuses: the rule library as ValidatingAdmissionPolicies, and two boundaries of its own.

The policies are for the whole cluster and come with the platform; each environment binds them to the namespaces of its
applications, by their label. They touch no namespace of the platform and nothing that is cluster-scoped but Namespaces.
It deliberately owns no webhook: the API server evaluates these policies itself, so nothing of ours has to be up.

The boundaries hold in every environment, dev included. An application's namespace keeps its environment and the
strictest Pod Security level, although the application's repository may declare that Namespace; and an application is
reached under its own host name only, since the gateway takes routes from every namespace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.namespaces import ARGOCD
from slipway.rules import RULES
from slipway.rules.cel import ENVIRONMENT_LABEL, bindings, matching, policies

__all__ = ["Admission", "AdmissionArgs", "boundaries"]

Object = dict[str, Any]

_API = "admissionregistration.k8s.io/v1"
_LABELS = {"app.kubernetes.io/part-of": "slipway"}
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DELIVERY = f"system:serviceaccount:{ARGOCD}:argocd-application-controller"
_STAYING = {"name": "not-being-deleted", "expression": "!has(object.metadata.deletionTimestamp)"}


@dataclass(frozen=True)
class AdmissionArgs:
    """One environment's share in what the API server refuses."""

    environment: str
    # Declare the policies; a stack that attaches finds them there and binds them only.
    install: bool
    # Applications are reached under `<app>.<environment>.<domain>`; none: host names are not checked.
    domain: str | None
    # Application -> the host names that it may have besides.
    hosts: Mapping[str, Sequence[str]]
    # The platform's own host names, which no application gets by its name.
    reserved: Sequence[str] = ()


class Admission(pulumi.ComponentResource):
    """The policies, their bindings to one environment, and its boundaries."""

    policies: pulumi.Output[list[str]]

    def __init__(self, name: str, args: AdmissionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:admission:Admission", name, None, opts)
        made = policies(RULES.values())
        installed = [self._declare(item) for item in made] if args.install else []
        own = boundaries(args)
        after = [*installed, *(self._declare(item) for item in own if item["kind"] == "ValidatingAdmissionPolicy")]
        for item in own:
            if item["kind"] != "ValidatingAdmissionPolicy":
                self._declare(item, after)
        for item in bindings(made, args.environment):
            self._declare(item, after)
        self.policies = pulumi.Output.from_input([item["metadata"]["name"] for item in made])
        self.register_outputs({"policies": self.policies})

    def _declare(self, item: Object, after: Sequence[pulumi.Resource] = ()) -> pulumi.Resource:
        return pulumi.CustomResource(
            f"kubernetes:{_API}:{item['kind']}",
            item["metadata"]["name"],
            dict(item),
            pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )


def boundaries(args: AdmissionArgs) -> list[Object]:
    """The policies that are no rules of the library, with their bindings: they know the environment's own names."""
    found = _bound(f"slipway-namespaces-{args.environment}", _namespaces(args.environment))
    if args.domain is not None:
        selector = matching([], {"matchLabels": {ENVIRONMENT_LABEL: args.environment}})
        found += _bound(f"slipway-hosts-{args.environment}", _routes(args, args.domain), selector)
    return found


def _namespaces(environment: str) -> Object:
    labels = "object.metadata.?labels"
    mine = f"[?'{ENVIRONMENT_LABEL}'].orValue('') == '{environment}'"
    return {
        "matchConstraints": _matching("", "v1", "namespaces"),
        "matchConditions": [
            _STAYING,
            {
                # By its label before or after, so that taking the label off is no way out; or by its name when it is
                # Argo CD that makes it. Namespaces of other people's that only end alike are theirs.
                "name": "of-this-environment",
                "expression": f"{labels}{mine} || (oldObject != null && oldObject.metadata.?labels{mine}) || "
                f"(object.metadata.name.endsWith('-{environment}') && request.userInfo.username == '{_DELIVERY}')",
            },
        ],
        "validations": [
            {
                "expression": f"{labels}{mine} && object.metadata.name.endsWith('-{environment}')",
                "message": f"[namespace-environment] Keep the label {ENVIRONMENT_LABEL}: {environment}, to which the "
                f"environment's rules are bound, and a name that ends in -{environment}.",
            },
            {
                "expression": f"{labels}[?'{_ENFORCE}'].orValue('') == 'restricted' && "
                f"{labels}[?'{_ENFORCE}-version'].orValue('latest') == 'latest'",
                "message": f"[namespace-pod-security] Keep the label {_ENFORCE}: restricted, at the latest version. "
                "Pods of an application need no more, and an application does not decide that.",
            },
        ],
    }


def _routes(args: AdmissionArgs, domain: str) -> Object:
    suffix = f".{args.environment}.{domain}"
    listed = ", ".join(f"'{app}': {list(hosts)}" for app, hosts in sorted(args.hosts.items()))
    return {
        "matchConstraints": _matching("gateway.networking.k8s.io", "v1", "httproutes"),
        "matchConditions": [_STAYING],
        "variables": [
            # The namespace is `<app>-<environment>`.
            {
                "name": "app",
                "expression": f"request.namespace.substring(0, size(request.namespace) - {len(args.environment) + 1})",
            },
            {"name": "own", "expression": f"variables.app + '{suffix}'"},
            {"name": "listed", "expression": f"{{{listed}}}[?variables.app].orValue([])" if listed else "['']"},
        ],
        "validations": [
            {
                # A route without host names takes those of every application.
                "expression": "object.spec.?hostnames.orValue([]).size() > 0 && object.spec.hostnames.all(host, "
                f"(host == variables.own && !(host in {list(args.reserved)})) || host in variables.listed)",
                "messageExpression": "'[route-host] Name ' + variables.own + ' only, or another host name that "
                f"`slipway:admission.hosts` lists for ' + variables.app + ' in the stack {args.environment}.'",
                "message": f"[route-host] Name <application>{suffix} only, or another host name that is listed.",
            }
        ],
    }


def _bound(name: str, spec: Object, where: Object | None = None) -> list[Object]:
    """The policy and what makes it act. It refuses in every environment."""
    metadata = {"name": name, "labels": _LABELS}
    binding: Object = {"policyName": name, "validationActions": ["Deny"]}
    if where is not None:
        binding["matchResources"] = where
    return [
        {
            "apiVersion": _API,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {"failurePolicy": "Fail", **spec},
        },
        {"apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding},
    ]


def _matching(group: str, version: str, plural: str) -> Object:
    rule = {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": [plural],
        "scope": "*",
    }
    return matching([rule])
