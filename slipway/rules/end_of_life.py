"""Components past their end of life."""

from __future__ import annotations

__all__: list[str] = []
