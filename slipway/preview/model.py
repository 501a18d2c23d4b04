"""What one preview says, as plain records: the changes, the engine's errors and the policies' verdict. No values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["Action", "Change", "PathChange", "Policies", "PolicyFinding", "Size", "StackPreview", "State"]


class Action(StrEnum):
    """What happens to a resource, as the comment groups it."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    OTHER = "other"
    """Imported, read or refreshed, or only its protection changes; the change's `operation` says which."""


class State(StrEnum):
    """How far the preview got."""

    COMPLETE = "complete"
    FAILED = "failed"
    """The engine or the program reported an error; the changes are those seen before it."""
    NO_RESULT = "no result"
    """It was cut short: there is no result, or one without an end."""


@dataclass(frozen=True, order=True)
class PathChange:
    """One property that changes: `kind` is add, update or delete; never its value, which may be a secret."""

    path: str
    kind: str
    replaces: bool = False
    """This property cannot be changed in place."""


@dataclass(frozen=True, order=True)
class Change:
    """What happens to one resource."""

    type: str
    """The type token, e.g. `kubernetes:apps/v1:Deployment`."""
    name: str
    urn: str
    action: Action
    operation: str
    """The engine's own word: create, update, replace, delete, import, read, ..."""
    paths: tuple[PathChange, ...] = ()
    protected: bool = False
    """It is marked `protect` before the change."""
    unprotected: bool = False
    """The change takes the mark `protect` away."""


@dataclass(frozen=True)
class Size:
    """How many resources the stack has, as the engine counts them: components and providers too."""

    before: int
    after: int

    @property
    def cost(self) -> int:
        """The growth in resources; negative when the stack shrinks."""
        return self.after - self.before


@dataclass(frozen=True, order=True)
class PolicyFinding:
    """One policy that a resource violates or that could not decide."""

    level: str
    """mandatory or advisory, as the engine enforces it."""
    policy: str
    """The rule's id."""
    resource: str
    """The URN; empty for a policy on the whole stack."""
    message: str
    unknown: bool = False
    """Not decided: it needs a value that is known only after the update. This is never a pass."""


@dataclass(frozen=True)
class Policies:
    """The policy packs' verdict. `packs` is empty when none was loaded, and then nothing was judged."""

    packs: tuple[str, ...] = ()
    findings: tuple[PolicyFinding, ...] = ()
    judged: int = 0
    """How many policies looked at the stack."""
    silent: int = 0
    """How many of them found nothing on any resource."""

    def of(self, level: str) -> list[PolicyFinding]:
        """The violations of one enforcement level."""
        return [finding for finding in self.findings if finding.level == level and not finding.unknown]

    @property
    def unknown(self) -> list[PolicyFinding]:
        """What is not yet known."""
        return [finding for finding in self.findings if finding.unknown]


@dataclass(frozen=True)
class StackPreview:
    """The preview of one stack."""

    stack: str
    state: State
    environment: str = ""
    changes: tuple[Change, ...] = ()
    counts: dict[Action, int] = field(default_factory=dict)
    size: Size | None = None
    """None when the preview did not come to its end."""
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    policies: Policies | None = None
    """None when the preview ran without the policy pack."""
    stateless: bool = False
    """Compared with a preview of the commit before, not with what is deployed."""

    @property
    def ok(self) -> bool:
        """The preview is whole and no mandatory policy is violated."""
        return self.state is State.COMPLETE and not (self.policies and self.policies.of("mandatory"))

    def of(self, action: Action) -> list[Change]:
        """The changes of one kind, in the order of type and name."""
        return [change for change in self.changes if change.action is action]

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        size = None if self.size is None else {"before": self.size.before, "after": self.size.after}
        return asdict(self) | {"size": size, "cost": self.size.cost if self.size else None, "ok": self.ok}
