"""What the sandbox says of itself: the one reader of its `connection.json` on this side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError

__all__ = ["not_what_the_sandbox_wrote", "read_sandbox"]


def read_sandbox(file: Path, *, nor: str = "") -> dict[str, Any]:
    """The file's content. Raises `SlipwayError`: NO_SANDBOX, NOT_READABLE, STATE_CORRUPT.

    `nor` names what could have stood in for the sandbox, for the error when there is neither.
    """
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except FileNotFoundError as missing:
        raise SlipwayError(
            f"the sandbox is not up, and {nor} is not set" if nor else "the sandbox is not up",
            code="NO_SANDBOX",
            where=str(file),
            remedy="slipway sandbox up",
        ) from missing
    except OSError as refused:
        # The sandbox is started by root, and only its user may read the accounts in this file.
        raise SlipwayError(
            f"the sandbox's connection cannot be read: {refused.strerror}",
            code="NOT_READABLE",
            where=str(file),
            remedy="run it with sudo, or as the user who started the sandbox",
        ) from refused
    except (ValueError, TypeError) as broken:
        raise not_what_the_sandbox_wrote(file, broken) from broken


def not_what_the_sandbox_wrote(file: Path, broken: Exception) -> SlipwayError:
    """The error for a file that is JSON of another form, or none."""
    return SlipwayError(
        f"not what the sandbox wrote: {broken!r}",
        code="STATE_CORRUPT",
        where=str(file),
        remedy="slipway sandbox up writes it anew",
    )
