"""Two processes read what one reads: the same documents at the same lines, the same problems, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.manifests import Batch, files, read

GOOD = "# A comment.\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: n{0}\ndata:\n  a: 'yes'\n---\n" + (
    "apiVersion: v1\nkind: List\nitems:\n  - {{apiVersion: v1, kind: Secret, metadata: {{name: s{0}}}}}\n"
)


def _shown(batch: Batch) -> list[object]:
    documents = [
        (d.object, d.file, d.index, d.prefix, d.line(("metadata", "name")), d.line(("data", "a")))
        for d in batch.documents
    ]
    return [documents, batch.problems, batch.skipped]


def test_shares_are_joined_to_what_one_process_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_WORTH_IT", 1)
    for number in range(9):
        (tmp_path / f"{number}.yaml").write_text(GOOD.format(number))
    (tmp_path / "2b.yaml").write_text("a: [")
    (tmp_path / "7b.yaml").write_text("apiVersion: v1\nkind: Pod\nkind: Pod\n")
    (tmp_path / "3b.yaml").write_text("values: 1\n")
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart" / "Chart.yaml").write_text("name: chart\n")

    alone = read([tmp_path])
    assert len(alone.documents) == 19
    assert len(alone.problems) == 2
    assert len(alone.skipped) == 3
    assert _shown(read([tmp_path], processes=3)) == _shown(alone)
    assert _shown(read([tmp_path, tmp_path / "1.yaml"], processes=2)) == _shown(read([tmp_path, tmp_path / "1.yaml"]))
