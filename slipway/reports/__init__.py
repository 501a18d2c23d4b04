"""What a check found, as text, JSON, JUnit XML, SARIF or HTML. All formats show the same numbers."""

from slipway.reports.render import FORMATS, render, write
from slipway.reports.text import print_explanation, print_findings, print_scores

__all__ = ["FORMATS", "print_explanation", "print_findings", "print_scores", "render", "write"]
