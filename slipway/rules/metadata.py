"""Labels, names and namespaces."""

from __future__ import annotations

__all__: list[str] = []
