"""Images: tags, digests, pull policies."""

from __future__ import annotations

__all__: list[str] = []
