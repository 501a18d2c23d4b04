"""RBAC and service accounts."""

from __future__ import annotations

__all__: list[str] = []
