"""Services, routes, selectors and network policies."""

from __future__ import annotations

__all__: list[str] = []
