"""The real docker-registry: filled once, repaired after a power cut, and silent on other addresses."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import registry
from sandbox.images import build, debian
from sandbox.images.push import push, repository_and_tag
from sandbox.images.recipes import Recipe, Text
from slipway.errors import SlipwayError
from slipway.images import digest_of

REFERENCE = "quay.io/some/image:v1"


class Registry:
    """A registry that can be stopped and started."""

    def __init__(self, state: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.state = state
        self.storage = state / "registry"
        registry.write_config(state, self.address)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(registry.program(self.state), stderr=subprocess.DEVNULL)
        host, _, port = self.address.rpartition(":")
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(tmp_path / "a state")
    yield made
    made.stop()


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> build.Image:
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(debian, "lists_signature", lambda: "lists")
    recipe = Recipe(name="small", reference=REFERENCE, entries={"hello": Text("hello\n" * 1000)})
    return build.images((recipe,), lambda _: None)[0]


def fill(running: Registry, image: build.Image) -> bool:
    return push(image.layout, image.digest, REFERENCE, running.address, running.storage)


def test_an_image_is_sent_once_and_found_under_its_name_without_the_host(running: Registry, image: build.Image) -> None:
    assert fill(running, image) is True
    assert fill(running, image) is False
    assert repository_and_tag(REFERENCE) == ("some/image", "v1")
    assert digest_of(running.address, "some/image", "v1") == image.digest
    assert digest_of(running.address, "some/image", "v2") is None


def test_a_blob_that_a_power_cut_left_short_is_repaired(running: Registry, image: build.Image) -> None:
    fill(running, image)
    running.stop()
    layer = max(running.storage.rglob("blobs/sha256/*/*/data"), key=lambda path: path.stat().st_size)
    whole = layer.read_bytes()
    layer.write_bytes(whole[:100])
    running.start()

    assert fill(running, image) is True
    assert layer.read_bytes() == whole
    assert fill(running, image) is False


def test_a_registry_that_is_down_is_an_error_with_its_address(running: Registry, image: build.Image) -> None:
    running.stop()

    with pytest.raises(SlipwayError) as raised:
        fill(running, image)
    assert raised.value.code == "REGISTRY_DOWN"
    assert running.address in raised.value.where
