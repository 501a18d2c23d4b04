"""Slipway: the daily work on a GitOps delivery platform declared in Python."""
