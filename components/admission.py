"""Owns what the API server refuses: the rule library as ValidatingAdmissionPolicies, and boundaries of its own.

The policies are for the whole cluster and come with the platform; each environment binds them to the namespaces of its
applications, by their label. They touch no namespace of the platform and nothing that is cluster-scoped but Namespaces.
It deliberately owns no webhook: the API server evaluates these policies itself, so nothing of ours has to be up.

The boundaries hold in every environment, dev included. An application's namespace keeps its environment and the
strictest Pod Security level, although the application's repository may declare that Namespace; Argo CD writes an
application's objects into the application's own namespace only, since one project serves all of an environment and
lets a manifest name any namespace of it; and an application is reached under its own host name only, since the gateway
takes routes from every namespace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.applications import ALLOWED_KINDS
from components.namespaces import ARGOCD
from slipway.rules import RULES
from slipway.rules.cel import ENVIRONMENT_LABEL, STAYING, about, bindings, matching, policies

__all__ = ["Admission", "AdmissionArgs", "boundaries"]

Object = dict[str, Any]

_API = "admissionregistration.k8s.io/v1"
_LABELS = {"app.kubernetes.io/part-of": "slipway"}
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DELIVERY = f"system:serviceaccount:{ARGOCD}:argocd-application-controller"
_TRACKING = "argocd.argoproj.io/tracking-id"


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
    selector = matching([], {"matchLabels": {ENVIRONMENT_LABEL: args.environment}})
    found += _bound(f"slipway-owners-{args.environment}", _owners(), selector)
    if args.domain is not None:
        found += _bound(f"slipway-hosts-{args.environment}", _routes(args, args.domain), selector)
    return found


def _namespaces(environment: str) -> Object:
    labels = "object.metadata.?labels"
    mine = f"[?'{ENVIRONMENT_LABEL}'].orValue('') == '{environment}'"
    return {
        "matchConstraints": about(["Namespace"]),
        "matchConditions": [
            dict(STAYING),
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


def _owners() -> Object:
    """Argo CD notes on each object, whatever its manifest says, which Application it belongs to.

    The note is `<application>:<group>/<kind>:<namespace>/<name>`, and an Application is called like its namespace.
    """
    tracking = f"object.metadata.?annotations[?'{_TRACKING}']"
    return {
        "matchConstraints": about(f"{kind}.{group}".rstrip(".") for group, kind in ALLOWED_KINDS),
        "matchConditions": [
            {"name": "delivered", "expression": f"request.userInfo.username == '{_DELIVERY}'"},
            dict(STAYING),
        ],
        "validations": [
            {
                # Before it takes over what somebody else made, Argo CD rewrites who owns which field of it: that
                # update has no note yet, and changes no content.
                "expression": f"{tracking}.orValue('').startsWith(request.namespace + ':') || "
                f"(oldObject != null && !{tracking}.hasValue() && "
                f"!oldObject.metadata.?annotations[?'{_TRACKING}'].hasValue())",
                "messageExpression": f"'[namespace-owner] Keep to the namespace of the application: ' + {tracking}"
                ".orValue('an unknown one').split(':')[0] + ' writes into ' + request.namespace + '.'",
                "message": "[namespace-owner] Keep to the namespace of the application.",
            }
        ],
    }


def _routes(args: AdmissionArgs, domain: str) -> Object:
    suffix = f".{args.environment}.{domain}"
    listed = ", ".join(f"'{app}': {list(hosts)}" for app, hosts in sorted(args.hosts.items()))
    return {
        "matchConstraints": about(["HTTPRoute.gateway.networking.k8s.io"]),
        "matchConditions": [dict(STAYING)],
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
