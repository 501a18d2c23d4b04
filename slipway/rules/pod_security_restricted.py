"""The Pod Security Standard 'restricted'."""

from __future__ import annotations

__all__: list[str] = []
