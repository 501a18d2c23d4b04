"""Describes where applications' images are, and owns the pull secret when the registry asks for an account.

It makes no registry: the sandbox has its own, a team brings one. The sandbox's needs no account.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

__all__ = ["PULL_NAME", "Registry", "RegistryArgs"]

PULL_NAME = "registry-pull"


@dataclass(frozen=True)
class RegistryArgs:
    """The registry, and who pulls from it."""

    host: str
    # The path below the host under which the applications' images lie.
    namespace: str
    # Both or neither.
    username: str | None
    password: SecretStr | None
    # The Kubernetes namespace that holds the pull secret.
    secret_namespace: str


class Registry(pulumi.ComponentResource):
    """The registry's address as outputs, and its pull secret."""

    prefix: pulumi.Output[str]
    pull_secret: pulumi.Output[str | None]

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:registry:Registry", name, None, opts)
        self.prefix = pulumi.Output.from_input(f"{args.host}/{args.namespace}")
        self.pull_secret = pulumi.Output.from_input(None)
        if args.username is not None and args.password is not None:
            account = {"username": args.username, "password": args.password.get_secret_value()}
            kubernetes.core.v1.Secret(
                PULL_NAME,
                metadata={"name": PULL_NAME, "namespace": args.secret_namespace},
                type="kubernetes.io/dockerconfigjson",
                string_data={
                    ".dockerconfigjson": pulumi.Output.secret(json.dumps({"auths": {args.host: account}})),
                },
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.pull_secret = pulumi.Output.from_input(f"{args.secret_namespace}/{PULL_NAME}")
        self.register_outputs({"prefix": self.prefix, "pull_secret": self.pull_secret})
