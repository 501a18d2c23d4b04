"""The Pod Security Standard 'baseline'."""

from __future__ import annotations

__all__: list[str] = []
