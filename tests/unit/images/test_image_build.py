"""An application's image is built once for its sources, with the machine's settings mounted and never kept."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SlipwayError
from slipway.images import BuiltImage, build
from slipway.images.registry import is_local, path_in
from slipway.run import CommandFailed

DIGEST = "sha256:" + "cd" * 32


class Machine:
    """buildah and a registry that remember what they were asked."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.held: str | None = None
        self.fails = False

    def run(self, argv: list[str | Path], **_: Any) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in argv]
        self.commands.append(words)
        if self.fails:
            raise CommandFailed("`buildah` ended with status 1: no such step", returncode=1, output="")
        if "--digestfile" in words:
            Path(words[words.index("--digestfile") + 1]).write_text(DIGEST)
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    fake = Machine()
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("slipway.images.builder.run", fake.run)
    monkeypatch.setattr("slipway.images.builder.digest_of", lambda *_: fake.held)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    app = tmp_path / "apps" / "app1"
    (app / "src").mkdir(parents=True)
    (app / "Dockerfile").write_text("FROM scratch\n")
    return fake


def make(tmp_path: Path, **options: Any) -> BuiltImage:
    return build("app1", "127.0.0.1:5000", project=tmp_path, **options)


def test_an_image_is_built_on_the_given_base_and_pushed(machine: Machine, tmp_path: Path) -> None:
    image = make(tmp_path, base_image="127.0.0.1:5000/slipway/python:3")

    built, pushed = machine.commands
    assert "BASE_IMAGE=127.0.0.1:5000/slipway/python:3" in built
    assert "--tls-verify=false" in built
    assert pushed[-1] == f"docker://127.0.0.1:5000/slipway-gitops/app1:{image.tag}"
    assert (image.built, image.digest) == (True, DIGEST)
    assert image.reference == f"ghcr.io/slipway-gitops/app1:{image.tag}@{DIGEST}"


def test_a_base_image_elsewhere_is_fetched_with_tls(machine: Machine, tmp_path: Path) -> None:
    make(tmp_path)

    assert "--tls-verify=true" in machine.commands[0]
    assert not any("BASE_IMAGE" in word for word in machine.commands[0])


def test_what_the_registry_has_is_not_built_again(machine: Machine, tmp_path: Path) -> None:
    machine.held = DIGEST

    image = make(tmp_path)
    assert machine.commands == []
    assert (image.built, image.digest) == (False, DIGEST)


def test_pip_settings_are_mounted_and_no_environment_enters_the_image(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@packages.example/simple")
    make(tmp_path)

    words = machine.commands[0]
    assert any(word.endswith(":/etc/pip.conf:ro") for word in words)
    assert "--env" not in words
    assert not any("secret" in word for command in machine.commands for word in command)


def test_nothing_of_a_build_stays_behind(machine: Machine, tmp_path: Path) -> None:
    machine.fails = True

    with pytest.raises(SlipwayError) as raised:
        make(tmp_path)
    assert raised.value.code == "IMAGE_BUILD"
    assert "no such step" in raised.value.what
    assert list((tmp_path / "cache" / "builds").iterdir()) == []


@pytest.mark.usefixtures("machine")
def test_without_buildah_the_error_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    with pytest.raises(SlipwayError) as raised:
        make(tmp_path)
    assert raised.value.code == "PACKAGE_MISSING"


@pytest.mark.parametrize(
    ("registry", "local"),
    [("127.0.0.1:5000", True), ("localhost:5000", True), ("ghcr.io", False), ("10.0.0.1:5000", False)],
)
def test_plain_http_is_for_this_machine_only(registry: str, local: bool) -> None:
    assert is_local(registry) is local


def test_a_mirror_knows_images_without_their_host() -> None:
    assert path_in("ghcr.io/slipway-gitops/app1") == "slipway-gitops/app1"
