"""Argo CD and what lies in Git."""

from __future__ import annotations

__all__: list[str] = []
