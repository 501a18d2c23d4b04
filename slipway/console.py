"""What a person sees: progress, results and errors, on a terminal or in a log.

Progress goes to standard error, results to standard output, so that `--json | jq` always works. Colours follow
`NO_COLOR` and `TERM=dumb`; in a log (no terminal) every step is one plain line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

__all__ = ["Step", "err", "out", "print_json", "seconds", "step"]

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def seconds(value: float) -> str:
    """A duration as a person reads it: `0.4 s`, `12 s`, `3 min 05`."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 100:
        return f"{value:.0f} s"
    return f"{int(value // 60)} min {int(value % 60):02d}"


def print_json(value: Any) -> None:
    """One JSON document on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


class Step:
    """A running step: `say` shows what it is doing now; `result` is printed beside its time at the end."""

    def __init__(self, title: str, say: Any) -> None:
        self.title = title
        self.result = ""
        self.elapsed = 0.0
        self._say = say

    def say(self, text: str) -> None:
        self._say(text)


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show `title` while the block runs, then one line with its result and its wall time in seconds."""
    started = time.monotonic()
    live = err.is_terminal
    if live:
        # What other programs say may look like markup; it is shown as it is.
        with err.status(escape(title)) as status:
            current = Step(title, lambda text: status.update(f"{escape(title)} [dim]{escape(text)}[/dim]"))
            try:
                yield current
            except BaseException:
                err.print(f"[red]✗[/red] {escape(title)} [dim]{seconds(time.monotonic() - started)}[/dim]")
                raise
    else:
        err.print(f"· {title}", markup=False)
        current = Step(title, lambda text: err.print(f"    {text}", markup=False))
        try:
            yield current
        except BaseException:
            err.print(f"✗ {title} ({seconds(time.monotonic() - started)})", markup=False)
            raise
    current.elapsed = time.monotonic() - started
    result = f": {current.result}" if current.result else ""
    err.print(f"[green]✓[/green] {escape(title + result)} [dim]({seconds(current.elapsed)})[/dim]")
