"""The report as one page: nothing is loaded from elsewhere, and nothing from a manifest can run in it.

The template escapes everything; the page's own policy admits only the style and the script that it was made with.
"""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from slipway.checks.model import Checked, Outcome
from slipway.reports.plain import visible
from slipway.reports.summary import excuse, many, place, sentence, verdict, version, where
from slipway.rules import Category, Severity
from slipway.score import CAP, SHARES, UNREAD, WEIGHTS

__all__ = ["as_html"]

_TEMPLATES = Path(__file__).parent / "templates"
_NAMES = {
    Category.SCHEMA: "Schema",
    Category.SECURITY: "Security",
    Category.PRODUCTION: "Production",
    Category.RESOURCES: "Resources",
}


@dataclass(frozen=True, slots=True)
class _Dial:
    """A ring that is filled as far as the score goes."""

    label: str
    value: float
    radius: int
    note: str = ""

    @property
    def circumference(self) -> str:
        return f"{2 * math.pi * self.radius:.2f}"

    @property
    def filled(self) -> str:
        """The length of the ring's coloured part."""
        return f"{2 * math.pi * self.radius * self.value / 100:.2f}"

    @property
    def grade(self) -> str:
        return "good" if self.value >= 90 else "fair" if self.value > CAP else "poor"


def as_html(outcome: Outcome) -> str:
    """One self-contained page."""
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            outcome=outcome,
            target=outcome.target,
            sets=[_set(outcome, checked) for checked in outcome.sets],
            rules=outcome.mentioned(),
            summary=sentence(outcome.counts()),
            counts=outcome.counts(),
            verdict=verdict(outcome),
            severities=list(Severity),
            categories=_NAMES,
            weights=WEIGHTS,
            shares=SHARES,
            cap=CAP,
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'",
            version=version(),
        )
    )


def _set(outcome: Outcome, checked: Checked) -> dict[str, Any]:
    score = checked.score
    shown = outcome.shown(checked)
    note = "a file is unreadable" if UNREAD in score.critical else f"at most {CAP}: critical" if score.capped else ""
    order = sorted(shown, key=lambda f: (f.exemption is not None, -f.severity.rank, f.file, str(f.object)))
    return {
        "checked": checked,
        "overall": _Dial("Overall", score.overall, 54, note),
        "parts": [
            _Dial(_NAMES[part.category], part.value, 30, "" if part.rules else "no rule applies")
            for part in score.parts.values()
        ],
        "losses": score.losses,
        "findings": order,
        "summary": sentence(outcome.counts([checked])),
    }


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"visible": visible, "where": where, "place": place, "excuse": excuse, "code": _code}
    environment.globals["many"] = many
    return environment


def _code(text: str) -> markupsafe.Markup:
    """Text whose words in backticks are code."""
    parts = [markupsafe.escape(part) for part in visible(text).split("`")]
    wrapped = (markupsafe.Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))
    return markupsafe.Markup("").join(wrapped)


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")


def _digest(text: str) -> str:
    """How a content security policy names an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
