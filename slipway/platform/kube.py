"""Read the cluster with kubectl, as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from slipway.run import CommandFailed, run

__all__ = ["Cluster"]


@dataclass(frozen=True)
class Cluster:
    """A cluster by its kubeconfig, and the kubectl that fits it."""

    kubectl: Path
    kubeconfig: Path

    def get(self, kind: str, name: str = "", *, namespace: str = "") -> dict[str, Any] | None:
        """The object, or the list of all of the kind; none when there is no such object or kind yet."""
        words: list[str | Path] = [self.kubectl, "--kubeconfig", self.kubeconfig, "--request-timeout=10s"]
        words += ["get", kind, *([name] if name else []), "-o", "json"]
        if namespace:
            words += ["--namespace", namespace]
        try:
            return cast(dict[str, Any], json.loads(run(words, timeout=20).stdout))
        except CommandFailed as error:
            if "NotFound" in error.output or "the server doesn't have a resource type" in error.output:
                return None
            raise
