"""From `pulumi preview --json` to one comment on a pull request.

Pure, but for `post`, which talks to GitHub: text and objects in, records and Markdown out.
"""

from slipway.preview.comment import MARKER, comment
from slipway.preview.digest import read_digest, stack_of
from slipway.preview.events import read_policies
from slipway.preview.github import ACTIONS, PullRequest, post
from slipway.preview.model import Action, Change, PathChange, Policies, PolicyFinding, Size, StackPreview, State
from slipway.preview.overlays import lost
from slipway.preview.prune import Environment, Pruned, compare, pruned

__all__ = [
    "ACTIONS",
    "MARKER",
    "Action",
    "Change",
    "Environment",
    "PathChange",
    "Policies",
    "PolicyFinding",
    "Pruned",
    "PullRequest",
    "Size",
    "StackPreview",
    "State",
    "comment",
    "compare",
    "lost",
    "post",
    "pruned",
    "read_digest",
    "read_policies",
    "stack_of",
]
