"""Checking: what to read, which rules to ask, what is exempted, and what came out."""

from slipway.checks.exemption_file import read_exemptions
from slipway.checks.model import DUPLICATE, READING, Checked, Counts, Outcome, Place, Target

__all__ = ["DUPLICATE", "READING", "Checked", "Counts", "Outcome", "Place", "Target", "read_exemptions"]
