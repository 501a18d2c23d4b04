"""References to objects that do not exist."""

from __future__ import annotations

__all__: list[str] = []
