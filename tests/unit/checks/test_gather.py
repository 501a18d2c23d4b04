"""Which objects belong together, where they were written, and what of the repository the rules may see."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.checks.folder import Folder, repository_of
from slipway.checks.gather import Gatherer, environment_of
from slipway.checks.kustomizations import Origins, chain, roots
from slipway.errors import UsageError
from slipway.manifests import Batch, Document, Problem

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"


def write(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, "utf-8")
    return file


def nothing(folder: Path) -> Batch:
    """A kustomize that makes nothing."""
    return Batch()


@pytest.mark.parametrize(
    ("folder", "environment"),
    [
        ("apps/web/k8s/overlays/prod", "prod"),
        ("overlays/staging/eu", "staging"),
        ("dev", "dev"),
        ("home/dev/apps/web", ""),
        ("apps/web/k8s/overlays/canary", ""),
        ("apps/web/k8s/base", ""),
    ],
)
def test_a_folder_tells_its_environment(folder: str, environment: str) -> None:
    assert environment_of(Path(folder)) == environment


def test_a_base_is_no_root_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "base" / "kustomization.yaml", "resources: [a.yaml]\n")
    write(tmp_path / "parts" / "tls" / "kustomization.yaml", "kind: Component\n")
    for name in ("dev", "prod"):
        overlay = "resources: [../../base]\ncomponents: [../../parts/tls]\n"
        write(tmp_path / "overlays" / name / "kustomization.yaml", overlay)
    write(tmp_path / ".hidden" / "kustomization.yaml", "resources: []\n")

    assert roots(tmp_path) == [tmp_path / "overlays" / "dev", tmp_path / "overlays" / "prod"]


def test_kustomizations_that_build_on_each_other_end(tmp_path: Path) -> None:
    write(tmp_path / "a" / "kustomization.yaml", "resources: [../b]\n")
    write(tmp_path / "b" / "kustomization.yaml", "resources: [../a]\n")

    assert [own.folder.name for own in chain(tmp_path / "a")] == ["a", "b"]


@pytest.mark.parametrize("content", ["", "[]", "a: [", "\x00", "resources: text", "resources: [1, {a: b}, null]"])
def test_a_kustomization_of_any_shape_is_survived(tmp_path: Path, content: str) -> None:
    write(tmp_path / "kustomization.yaml", content)

    assert Origins(chain(tmp_path)).duplicates == []


def test_a_prefixed_object_is_found_where_it_was_written(tmp_path: Path) -> None:
    written = write(tmp_path / "a.yaml", CONFIG)
    write(tmp_path / "kustomization.yaml", "namePrefix: shop-\nresources: [a.yaml]\n")
    made = Document({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-settings"}}, "rendered", 0)
    found = Origins(chain(tmp_path)).of(made)

    assert (found.file, found.line(("metadata", "name"))) == (str(written), 4)


def test_a_generated_object_is_found_at_its_generator(tmp_path: Path) -> None:
    generator = "resources: []\nconfigMapGenerator:\n  - name: other\n  - name: settings\n"
    file = write(tmp_path / "kustomization.yaml", generator)
    made = Document({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings-abc12"}}, "rendered", 0)
    found = Origins(chain(tmp_path)).of(made)

    assert (found.file, found.line(("data", "A"))) == (str(file), 4)


def test_an_object_of_unknown_origin_stays_where_it_is(tmp_path: Path) -> None:
    made = Document({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}, "rendered", 0)

    assert Origins(chain(tmp_path)).of(made) is made


def test_what_cannot_be_rendered_has_its_problem_and_no_kustomization(tmp_path: Path) -> None:
    write(tmp_path / "kustomization.yaml", "resources: [gone.yaml]\n")
    broken = Batch(problems=[Problem(str(tmp_path), None, "RENDER_FAILED", "no gone.yaml")])
    (group,) = Gatherer(lambda folder: broken).gather([str(tmp_path)])

    assert group.documents == []
    assert [problem.code for problem in group.problems] == ["RENDER_FAILED"]


def test_each_folder_is_rendered_once(tmp_path: Path) -> None:
    write(tmp_path / ".git" / "HEAD", "")
    write(tmp_path / "base" / "kustomization.yaml", "resources: [a.yaml]\n")
    for name in ("dev", "prod"):
        write(tmp_path / "overlays" / name / "kustomization.yaml", "resources: [../../base]\n")
    rendered: list[str] = []

    def render(folder: Path) -> Batch:
        rendered.append(folder.name)
        return Batch()

    list(Gatherer(render).gather([str(tmp_path)]))
    assert sorted(rendered) == ["base", "dev", "prod"]


def test_files_of_two_environments_are_two_sets(tmp_path: Path) -> None:
    files = [write(tmp_path / "overlays" / name / "a.yaml", CONFIG) for name in ("dev", "prod")]
    groups = list(Gatherer(nothing).gather([str(file) for file in files]))

    assert [group.environment for group in groups] == ["dev", "prod"]


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        list(Gatherer(nothing, here=tmp_path).gather(["nowhere"]))
    assert caught.value.where == "nowhere"


def test_a_repository_shows_its_files_and_nothing_outside_of_it(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    write(root / "apps" / "a.yaml", "inside")
    write(tmp_path / "secret.txt", "outside")
    (root / "link").symlink_to(tmp_path / "secret.txt")
    (root / "broken").write_bytes(b"\xff\xfe")
    folder = Folder(root)

    assert folder.is_dir("apps")
    assert folder.is_dir("apps/")
    assert folder.is_dir("./apps")
    assert folder.list("apps") == ["a.yaml"]
    assert folder.text("apps/a.yaml") == "inside"
    for path in ("../secret.txt", "link", "/../secret.txt", "apps/../../secret.txt", "\x00", "x" * 5000):
        assert not folder.is_file(path)
        assert folder.text(path) == ""
        assert folder.list(path) == []
    assert folder.text("broken") == ""
    assert folder.text("apps") == ""


def test_the_repository_of_a_file_is_the_checkout_around_it(tmp_path: Path) -> None:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "checkout" / "apps").mkdir()

    assert repository_of(tmp_path / "checkout" / "apps") == tmp_path / "checkout"
