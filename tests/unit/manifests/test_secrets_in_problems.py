"""What is said of files that cannot be read holds nothing of what may be a Secret's value."""

from __future__ import annotations

from pathlib import Path

import pytest

import tools
from slipway.manifests import Batch, render
from slipway.manifests.files import read_bytes

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n"


@pytest.fixture(scope="session")
def kustomize() -> Path:
    """The real one: `slipway tools build --group kustomize`."""
    return tools.locate("kustomize")


@pytest.mark.parametrize(
    "values",
    [
        "stringData: {password: *hunter2}",
        "stringData: {password: &hunter2 {a: *hunter2}}",
        "stringData: {password: !!int hunter2}",
        "stringData: {password: !!bool hunter2}",
        "data: {password: !!binary hunter2-not-base64}",
        "stringData: {password: 'hunter2}",
        "stringData: {password: hunter2: hunter2}",
        "stringData: {password: @hunter2}",
        "stringData: {password: %hunter2}",
        "stringData: {password: !hunter2!x hunter2}",
        'stringData: {password: "hunter2\\q"}',
        "stringData:\n  password: hunter2\n hunter2",
        "stringData: {? [hunter2] : hunter2}",
        "stringData: {password: hunter2\x07}",
    ],
)
def test_a_file_that_is_no_yaml_keeps_its_values(values: str) -> None:
    batch = Batch()
    read_bytes(f"{SECRET}{values}\n".encode(), "login.yaml", batch)
    assert batch.problems
    assert "hunter2" not in repr(batch.problems)


@pytest.mark.parametrize(
    ("kustomization", "values"),
    [
        ("secretGenerator: [{name: login, literals: [hunter2]}]", ""),
        ("resources: [login.yaml]", "stringData: {password: *hunter2}"),
        ("resources: [login.yaml]\npatches: [{target: {kind: Secret}, patch: 'stringData: {a: hunter2'}]", "data: {}"),
        ("resources: [login.yaml]\npatches: [{patch: 'stringData: {a: hunter2}'}]", "data: {}"),
        ("resources: [login.yaml]\npatches: [{target: {kind: Secret}, patch: hunter2}]", "data: {}"),
    ],
)
def test_what_kustomize_repeats_of_a_file_is_not_shown(
    tmp_path: Path, kustomize: Path, kustomization: str, values: str
) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"{kustomization}\n")
    (tmp_path / "login.yaml").write_text(f"{SECRET}{values}\n")
    (problem,) = render(tmp_path, kustomize).problems
    assert problem.code == "RENDER_FAILED"
    assert "hunter2" not in repr(problem)
