"""A batch as plain data, for the way from one process to another."""

from __future__ import annotations

from slipway.manifests.lines import Source
from slipway.manifests.model import Batch, Document, Object, Path, Problem

__all__ = ["packed", "unpacked"]

_Parts = tuple[bytes, int, int, int]
_Packed = tuple[
    list[tuple[Object, str, int, _Parts | None, Path]], list[tuple[str, int | None, str, str, str]], list[str]
]
"""Documents, problems and skipped files. What several share (a file's bytes) `marshal` writes once."""


def packed(batch: Batch) -> _Packed:
    """The batch without its classes."""
    return (
        [(d.object, d.file, d.index, d.source.parts if d.source else None, d.prefix) for d in batch.documents],
        [(p.file, p.line, p.code, p.message, p.remedy) for p in batch.problems],
        batch.skipped,
    )


def unpacked(data: _Packed) -> Batch:
    """The batch again."""
    documents, problems, skipped = data
    return Batch(
        [
            Document(item, file, index, Source(*parts) if parts else None, prefix)
            for item, file, index, parts, prefix in documents
        ],
        [Problem(*problem) for problem in problems],
        skipped,
    )
