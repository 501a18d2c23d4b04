"""Two checkouts of the applications, compared environment by environment: what the later one no longer declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from slipway.preview.prune import Environment, compare

__all__ = ["Render", "lost"]

Render = Callable[[Path], tuple[list[dict[str, Any]], list[str]]]
"""Renders one overlay: its objects, and why it could not be rendered whole."""


def lost(before: Path, after: Path, environments: Mapping[str, bool], render: Render) -> list[Environment]:
    """What Argo CD would prune when Git goes from the checkout `before` to `after`.

    `environments` says of each whether Argo CD prunes there by itself. The overlays are those that the root
    ApplicationSet finds: `apps/<application>/k8s/overlays/<environment>`.
    """
    found = []
    for name, automatic in environments.items():
        old, unknown_before = _rendered(before, name, render)
        new, unknown_after = _rendered(after, name, render)
        # An overlay that cannot be rendered loses nothing that we know of.
        unknown = {**unknown_before, **unknown_after}
        for application in unknown:
            old.pop(application, None)
            new.pop(application, None)
        problems = [*_told("before", unknown_before), *_told("after", unknown_after)]
        found.append(compare(name, old, new, automatic=automatic, unknown=problems))
    return found


def _rendered(root: Path, environment: str, render: Render) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    objects: dict[str, list[dict[str, Any]]] = {}
    problems: dict[str, str] = {}
    for folder in sorted(root.glob(f"apps/*/k8s/overlays/{environment}/")):
        application = folder.relative_to(root).parts[1]
        objects[application], said = render(folder)
        if said:
            problems[application] = "; ".join(said)
    return objects, problems


def _told(when: str, problems: Mapping[str, str]) -> Iterator[str]:
    return (f"{application}, {when}: {text}" for application, text in sorted(problems.items()))
