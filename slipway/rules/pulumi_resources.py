"""Resources of a Pulumi program."""

from __future__ import annotations

__all__: list[str] = []
