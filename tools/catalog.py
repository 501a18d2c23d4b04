"""What is built, from which Go module, at which version: the one place to read or change a tool.

A group is a folder beside this file with its own go.mod, because the groups' dependency versions must not mix. The
version of a tool is the one in its group's go.mod; nothing here repeats it except where upstream stamps it into the
binary. `cost` is the wall time in seconds of a cold build on two cores, in catalog order; it only feeds the
estimate of the time left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["CORE", "GROUPS", "Binary", "Group", "MirrorFile", "PathRule", "group_of", "module_version"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class PathRule:
    """When a tool that the user already has on PATH is good enough."""

    command: tuple[str, ...]
    """Arguments that make it print its version."""
    at_least: tuple[int, int]
    """The lowest (major, minor) that fits."""
    below: tuple[int, int]
    """The first (major, minor) that does not."""


@dataclass(frozen=True)
class Binary:
    """One command of a group."""

    name: str
    package: str
    cost: int
    stamps: tuple[str, ...] = ()
    """`-X` linker settings; `{version}` is the module's version with its v, `{number}` without."""
    tags: str = ""
    on_path: PathRule | None = None


@dataclass(frozen=True)
class MirrorFile:
    """Upstream files to keep for the mirror: `glob` inside `module`, joined into `target` or copied into `target/`."""

    module: str
    glob: str
    target: str
    joined: bool = False


@dataclass(frozen=True)
class Group:
    """Tools that share one go.mod. `module` is the one whose version counts as the tools' version."""

    name: str
    module: str
    binaries: tuple[Binary, ...]
    core: bool = True
    version: str = ""
    """Only where the module's version is a commit and the release has a name of its own."""
    mirror: tuple[MirrorFile, ...] = field(default=())

    @property
    def folder(self) -> Path:
        return HERE / self.name


_KUBERNETES_STAMPS = tuple(
    f"{package}.{setting}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for setting in ("gitVersion={version}", "gitMajor={major}", "gitMinor={minor}", "gitTreeState=clean")
)


def _kubernetes(name: str, cost: int, on_path: PathRule | None = None) -> Binary:
    return Binary(name, f"k8s.io/kubernetes/cmd/{name}", cost, _KUBERNETES_STAMPS, on_path=on_path)


def _pod_security_examples() -> tuple[MirrorFile, ...]:
    """Upstream's examples of what each level lets in and refuses: one file per version and verdict, not 4,241."""
    return tuple(
        MirrorFile(
            "k8s.io/pod-security-admission",
            f"test/testdata/{level}/v1.{minor}/{verdict}/*.yaml",
            f"pod-security-admission/{{version}}/{level}/v1.{minor}/{verdict}.yaml",
            joined=True,
        )
        for level in ("baseline", "restricted")
        for minor in range(36)
        for verdict in ("pass", "fail")
    )


GROUPS: tuple[Group, ...] = (
    Group("etcd", "go.etcd.io/etcd/server/v3", (Binary("etcd", "go.etcd.io/etcd/server/v3", 61),)),
    Group(
        "kubernetes",
        "k8s.io/kubernetes",
        (
            _kubernetes("kube-apiserver", 193),
            _kubernetes("kube-controller-manager", 36),
            _kubernetes("kube-scheduler", 3),
            # kubectl promises to work one minor version either side of the API server.
            _kubernetes("kubectl", 14, PathRule(("version", "--client"), (1, 35), (1, 38))),
            _kubernetes("kubelet", 11),
            _kubernetes("kube-proxy", 5),
        ),
    ),
    Group(
        "argocd",
        "github.com/argoproj/argo-cd/v3",
        (
            # Without the leading v: with it the command line sends "vv3.5.3" and the server refuses it.
            Binary(
                "argocd",
                "github.com/argoproj/argo-cd/v3/cmd",
                147,
                ("github.com/argoproj/argo-cd/v3/common.version={number}",),
            ),
        ),
        mirror=(
            MirrorFile("github.com/argoproj/argo-cd/v3", "manifests/install.yaml", "argo-cd/{version}"),
            MirrorFile("github.com/argoproj/argo-cd/v3", "entrypoint.sh", "argo-cd/{version}/image"),
            MirrorFile("github.com/argoproj/argo-cd/v3", "hack/gpg-wrapper.sh", "argo-cd/{version}/image"),
            MirrorFile("github.com/argoproj/argo-cd/v3", "hack/git-verify-wrapper.sh", "argo-cd/{version}/image"),
        ),
    ),
    Group(
        "traefik",
        "github.com/traefik/traefik/v3",
        (
            Binary(
                "traefik",
                "github.com/traefik/traefik/v3/cmd/traefik",
                203,
                ("github.com/traefik/traefik/v3/pkg/version.Version={number}",),
            ),
        ),
        mirror=(
            MirrorFile(
                "sigs.k8s.io/gateway-api",
                "config/crd/standard/gateway.networking.k8s.io_*.yaml",
                "gateway-api/{version}/standard-install.yaml",
                joined=True,
            ),
        ),
    ),
    Group(
        "helm",
        "helm.sh/helm/v4",
        (Binary("helm", "helm.sh/helm/v4/cmd/helm", 47, on_path=PathRule(("version", "--short"), (4, 0), (5, 0))),),
    ),
    Group("coredns", "github.com/coredns/coredns", (Binary("coredns", "github.com/coredns/coredns", 73),)),
    Group(
        "kustomize",
        "sigs.k8s.io/kustomize/kustomize/v5",
        (
            Binary(
                "kustomize",
                "sigs.k8s.io/kustomize/kustomize/v5",
                10,
                ("sigs.k8s.io/kustomize/api/provenance.version={version}",),
                on_path=PathRule(("version",), (5, 8), (6, 0)),
            ),
        ),
    ),
    Group(
        "pulumi",
        "github.com/pulumi/pulumi/pkg/v3",
        (
            Binary(
                "pulumi",
                "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
                64,
                ("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={version}",),
                tags="osusergo,grpcnotrace",
                on_path=PathRule(("version",), (3, 232), (4, 0)),
            ),
        ),
    ),
    Group(
        "pulumi-language-python",
        "github.com/pulumi/pulumi/sdk/v3",
        (Binary("pulumi-language-python", "github.com/pulumi/pulumi/sdk/python/cmd/pulumi-language-python/v3", 18),),
    ),
    Group(
        "pulumi-kubernetes",
        "github.com/pulumi/pulumi-kubernetes/provider/v4",
        (
            Binary(
                "pulumi-resource-kubernetes",
                ".",
                262,
                ("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version={number}",),
            ),
        ),
        version="v4.25.0",
    ),
    # Only for stacks that declare GitHub repositories. The version is the Python package's, which wraps this module.
    Group(
        "pulumi-github",
        "github.com/integrations/terraform-provider-github/v6",
        (Binary("pulumi-resource-github", ".", 120, ("main.version={number}",)),),
        core=False,
        version="v6.15.0",
    ),
    # What checks the workflows.
    Group(
        "actionlint",
        "github.com/rhysd/actionlint",
        (
            Binary(
                "actionlint",
                "github.com/rhysd/actionlint/cmd/actionlint",
                20,
                ("github.com/rhysd/actionlint.version={number}",),
            ),
        ),
        core=False,
    ),
    # No tool: the tests compare the rules with upstream's examples.
    Group(
        "pod-security-admission",
        "k8s.io/pod-security-admission",
        binaries=(),
        core=False,
        mirror=_pod_security_examples(),
    ),
    # What benchmarks compare with.
    Group(
        "kube-score",
        "github.com/zegl/kube-score",
        (Binary("kube-score", "github.com/zegl/kube-score/cmd/kube-score", 30),),
        core=False,
    ),
    Group(
        "kubeconform",
        "github.com/yannh/kubeconform",
        (Binary("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", 15),),
        core=False,
    ),
)

CORE: tuple[Group, ...] = tuple(group for group in GROUPS if group.core)
"""What `make up` builds; other groups are built when something first needs them."""


@cache
def module_version(group: Group, module: str = "") -> str:
    """The version of `module` (default: the group's own) that the group's go.mod asks for, with its leading v."""
    wanted = module or group.module
    if group.version and wanted == group.module:
        return group.version
    text = (group.folder / "go.mod").read_text()
    found = re.search(rf"^(?:require)?\s*{re.escape(wanted)} (v\S+)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"{group.folder.name}/go.mod does not require {wanted}")
    return found.group(1)


def group_of(name: str) -> Group:
    """The group that builds the command `name`. Raises `KeyError`."""
    for group in GROUPS:
        if any(binary.name == name for binary in group.binaries):
            return group
    raise KeyError(name)
