"""Chooses the format, and writes a report to a file in one step."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path

from rich.console import Console

from slipway.checks.model import Outcome
from slipway.errors import UsageError

__all__ = ["FORMATS", "render", "write"]

FORMATS = ("text", "json", "junit", "sarif", "html")


def render(outcome: Outcome, format: str) -> str:
    """The whole report in one of `FORMATS`; text without colours."""
    # Imported when asked for: a check that prints text needs neither Jinja nor an XML writer.
    match format:
        case "json":
            from slipway.reports.json_report import as_json

            return as_json(outcome)
        case "junit":
            from slipway.reports.junit import as_junit

            return as_junit(outcome)
        case "sarif":
            from slipway.reports.sarif import as_sarif

            return as_sarif(outcome)
        case "html":
            from slipway.reports.html import as_html

            return as_html(outcome)
        case "text":
            from slipway.reports.text import print_findings

            paper = io.StringIO()
            print_findings(outcome, Console(file=paper, width=120, color_system=None, highlight=False))
            return paper.getvalue()
    raise ValueError(f"no format is called {format!r}")


def write(text: str, file: Path) -> None:
    """Write the file at once: whoever reads it sees the old content or all of the new. Raises `UsageError`."""
    if file.is_dir():
        raise UsageError("is a folder", code="OUTPUT", where=str(file), remedy="name a file")
    temporary = ""
    try:
        if file.exists() and not file.is_file():
            # A pipe or a device cannot be replaced.
            file.write_text(text, "utf-8")
            return
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        # mkstemp makes it the user's own; a report is for whoever may read the folder.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(file)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise UsageError(
            f"cannot be written: {error.strerror}",
            code="OUTPUT",
            where=str(file),
            remedy="name a file that you may write",
        ) from error
