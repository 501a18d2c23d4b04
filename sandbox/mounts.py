"""Mounts below the state directory: the containers' root file systems, the pods' volumes, network namespaces."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["below", "unmount_below"]

_BATCH = 50


def below(folder: Path, table: str | None = None) -> list[str]:
    """Mount points below `folder`, newest first, which is also innermost first."""
    text = Path("/proc/self/mountinfo").read_text() if table is None else table
    found = []
    for line in text.splitlines():
        # The kernel writes blanks and the like as three octal digits.
        point = line.split()[4].encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
        if point.startswith(f"{folder}/"):
            found.append(point)
    return found[::-1]


def unmount_below(folder: Path) -> list[str]:
    """Unmount everything below `folder`; returns what is still mounted."""
    for options in ([], ["--lazy"]):
        points = below(folder)
        for start in range(0, len(points), _BATCH):
            # A busy one fails without harm to the others; the second round detaches it.
            batch = points[start : start + _BATCH]
            subprocess.run(["umount", "--no-mtab", *options, "--", *batch], capture_output=True, check=False)
    return below(folder)
