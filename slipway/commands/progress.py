"""Progress of what is usually too quick to be worth a line."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.status import Status

from slipway.console import err, seconds

__all__ = ["Late", "late_step"]

PATIENCE = 2.0
"""Seconds of silence before progress is shown."""


class Late:
    """A step that shows itself only when it takes long. `say` is what it does now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.elapsed = 0.0
        self._started = time.monotonic()
        self._said = ""
        self._shown_at: float | None = None
        self._status: Status | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._show)
        self._timer.daemon = True

    def start(self) -> None:
        """Begin to wait."""
        self._timer.start()

    def say(self, text: str) -> None:
        """What the step does now."""
        with self._lock:
            self._said = text
            if self._status is not None:
                self._status.update(self._line())
            elif self._shown_at is not None and time.monotonic() - self._shown_at >= PATIENCE:
                self._print()

    def stop(self, *, failed: bool = False) -> None:
        """End it: a line with its time where anything was shown."""
        self._timer.cancel()
        with self._lock:
            self.elapsed = time.monotonic() - self._started
            if self._status is not None:
                self._status.stop()
            if self._shown_at is not None:
                mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
                err.print(f"{mark} {escape(self.title)} [dim]({seconds(self.elapsed)})[/dim]")

    def _show(self) -> None:
        with self._lock:
            if err.is_terminal:
                self._shown_at = time.monotonic()
                self._status = err.status(self._line())
                self._status.start()
            else:
                self._print()

    def _print(self) -> None:
        self._shown_at = time.monotonic()
        err.print(f"· {self.title}: {self._said}" if self._said else f"· {self.title}", markup=False)

    def _line(self) -> str:
        return f"{escape(self.title)} [dim]{escape(self._said)}[/dim]"


@contextmanager
def late_step(title: str) -> Iterator[Late]:
    """Show `title` and its progress on standard error, once it has taken two seconds."""
    current = Late(title)
    current.start()
    try:
        yield current
    except BaseException:
        current.stop(failed=True)
        raise
    current.stop()
