"""Images are made once, and made again exactly when something that goes into them changed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from sandbox.images import build, debian
from sandbox.images.recipes import Difference, Folder, Link, Recipe, Text
from slipway.errors import SlipwayError

RECIPE = Recipe(
    name="small",
    reference="docker.io/library/small:1",
    entries={"etc/motd": Text("hello\n"), "data": Folder(0o700, 999), "usr/bin/tool-link": Link("/usr/bin/tool")},
    tools={"usr/bin/tool": "tool"},
    config={"Entrypoint": ["/usr/bin/tool"]},
)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "lists_signature", lambda: "lists")
    file = tmp_path / "tool"
    file.write_bytes(b"binary")
    monkeypatch.setattr(build, "locate", lambda _: file)
    return file


def make(recipe: Recipe = RECIPE) -> tuple[build.Image, list[str]]:
    said: list[str] = []
    (image,) = build.images((recipe,), said.append)
    return image, [line for line in said if line.startswith("making")]


@pytest.mark.usefixtures("tool")
def test_the_second_time_the_image_is_there() -> None:
    first, made = make()
    second, made_again = make()

    assert len(made) == 1
    assert made_again == []
    assert first.layout == second.layout


@pytest.mark.usefixtures("tool")
def test_the_layout_is_an_oci_image_of_this_configuration() -> None:
    image, _ = make()
    blobs = image.layout / "blobs" / "sha256"
    manifest = json.loads((blobs / image.digest.removeprefix("sha256:")).read_text("utf-8"))
    config = json.loads((blobs / manifest["config"]["digest"].removeprefix("sha256:")).read_text("utf-8"))

    assert json.loads((image.layout / "oci-layout").read_text("utf-8"))["imageLayoutVersion"] == "1.0.0"
    assert config["config"] == {"Entrypoint": ["/usr/bin/tool"]}
    assert (blobs / manifest["layers"][0]["digest"].removeprefix("sha256:")).stat().st_size


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(RECIPE, entries={**RECIPE.entries, "etc/motd": Text("bye\n")}),
        dataclasses.replace(RECIPE, entries={**RECIPE.entries, "data": Text("", 0o700, 999)}),
        dataclasses.replace(RECIPE, config={"Entrypoint": ["/usr/bin/other"]}),
        dataclasses.replace(RECIPE, reference="docker.io/library/small:2"),
    ],
)
@pytest.mark.usefixtures("tool")
def test_a_changed_recipe_is_another_image_and_the_old_one_is_forgotten(changed: Recipe) -> None:
    first, _ = make()
    second, made = make(changed)

    assert made
    assert second.layout != first.layout
    assert not first.layout.exists()


def test_a_changed_tool_is_another_image(tool: Path) -> None:
    make()
    tool.write_bytes(b"another binary")

    assert make()[1]


@pytest.mark.usefixtures("tool")
def test_what_is_said_about_an_image_does_not_make_it_anew() -> None:
    make()

    assert make(dataclasses.replace(RECIPE, difference=Difference("small", "other", "because")))[1] == []


@pytest.mark.usefixtures("tool")
def test_new_package_lists_with_the_same_versions_keep_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    make()
    monkeypatch.setattr(debian, "lists_signature", lambda: "newer lists")

    assert make()[1] == []


@pytest.mark.usefixtures("tool")
def test_an_interrupted_making_leaves_no_half_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "_write_layout", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make()
    assert [path.name for path in (tmp_path / "cache" / "images").glob("*small*")] == []


@pytest.mark.usefixtures("tool")
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SlipwayError) as raised:
        make(dataclasses.replace(RECIPE, files={"entrypoint.sh": tmp_path / "nowhere.sh"}))
    assert raised.value.code == "IMAGE_INPUT"
    assert "nowhere.sh" in raised.value.where


def test_without_apts_lists_the_error_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SlipwayError) as raised:
        debian.lists_signature(tmp_path)
    assert raised.value.remedy == "apt-get update"


def test_apts_answer_is_read_as_names_versions_and_architectures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = (
        "Inst gcc-12-base (12.2.0-14+deb12u1 Debian:12.11/stable [amd64])\n"
        "Inst libc6 (2.36-9+deb12u10 Debian:12.11/stable [amd64]) []\n"
        "Inst ca-certificates (20230311 Debian:12.11/stable [all])\n"
        "Conf libc6 (2.36-9+deb12u10 Debian:12.11/stable [amd64])\n"
    )
    monkeypatch.setattr(debian, "_apt", lambda *_: answer)

    assert debian.closure(tmp_path, ["ca-certificates"], ["gcc-12-base"]) == [
        ("ca-certificates", "20230311", "all"),
        ("libc6", "2.36-9+deb12u10", "amd64"),
    ]
    assert debian.file_name(("git", "1:2.39.5-0+deb12u2", "amd64")) == "git_1%3a2.39.5-0+deb12u2_amd64.deb"
