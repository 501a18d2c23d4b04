"""Replicas, rollouts, spread, disruption and autoscaling."""

from __future__ import annotations

__all__: list[str] = []
