"""Makes the images into the user's cache, once for each recipe and the versions that go into it.

Each image is an OCI layout of its own (`<cache>/images/<name>-<key>/`), which any OCI tool can read. The key covers the
recipe, the built tools and files that go in, and the exact Debian packages: the same key is the same image.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import py_compile
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.images import debian
from sandbox.images.layer import Layer, LayerFile
from sandbox.images.recipes import Folder, Link, Recipe, Text
from slipway import paths
from slipway.errors import SlipwayError
from slipway.run import run
from tools import locate

__all__ = ["Image", "Say", "images"]

Say = Callable[[str], None]

# Part of every key: raise it when the way images are made changes.
_FORMAT = 1
_PAUSE_SOURCE = Path(__file__).parent / "pause"


@dataclass(frozen=True)
class Image:
    """An image in the cache."""

    recipe: Recipe
    layout: Path
    digest: str
    packages: dict[str, str]


def images(recipes: tuple[Recipe, ...], say: Say) -> list[Image]:
    """The images of these recipes, from the cache or newly made."""
    cache = paths.cache_dir() / "images"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".lock"):
        closures = _closures(cache, recipes, say)
        return [_image(cache, recipe, closures[recipe.name], say) for recipe in recipes]


def _image(cache: Path, recipe: Recipe, packages: list[debian.Package], say: Say) -> Image:
    layout = cache / f"{recipe.name}-{_key(recipe, packages)}"
    if not (layout / "index.json").exists():
        say(f"making {recipe.reference}")
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{recipe.name}-") as scratch:
            _make(cache, recipe, packages, Path(scratch) / "layout")
            (Path(scratch) / "layout").rename(layout)
        _forget_older(cache, recipe, layout)
    index = json.loads((layout / "index.json").read_text("utf-8"))
    return Image(recipe, layout, index["manifests"][0]["digest"], {name: version for name, version, _ in packages})


def _key(recipe: Recipe, packages: list[debian.Package]) -> str:
    inputs = [_PAUSE_SOURCE / "main.go"] if recipe.name == "pause" else []
    inputs += [locate(tool) for tool in recipe.tools.values() if tool != "pause"]
    # asdict alone would not tell an empty folder from an empty file.
    entries = {path: [type(entry).__name__, asdict(entry)] for path, entry in recipe.entries.items()}
    content: dict[str, Any] = {
        "format": _FORMAT,
        # What is said about an image does not change it.
        "recipe": asdict(recipe) | {"entries": entries, "difference": None},
        "packages": packages,
        "inputs": [_identity(path) for path in (*inputs, *recipe.files.values())],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _identity(path: Path) -> list[Any]:
    # Hashing half a gigabyte of tools at every start would cost more than the rest of it.
    if not path.exists():
        raise SlipwayError(
            "a file that an image needs is missing",
            code="IMAGE_INPUT",
            where=str(path),
            remedy="slipway tools build",
        )
    real = path.resolve()
    return [path.name, real.stat().st_size, real.stat().st_mtime_ns]


def _closures(cache: Path, recipes: tuple[Recipe, ...], say: Say) -> dict[str, list[debian.Package]]:
    """What apt would install for each recipe; asked anew only when apt's lists or the recipes changed."""
    asked = [(recipe.name, recipe.packages, recipe.without) for recipe in recipes]
    question = hashlib.sha256(json.dumps([debian.lists_signature(), asked]).encode()).hexdigest()
    remembered = cache / "packages.json"
    known = json.loads(remembered.read_text("utf-8")) if remembered.exists() else {}
    if known.get("question") != question:
        say("resolving Debian packages")
        answer = {
            recipe.name: debian.closure(cache / "apt", recipe.packages, recipe.without) if recipe.packages else []
            for recipe in recipes
        }
        known = {"question": question, "packages": answer}
        part = remembered.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1), encoding="utf-8")
        part.replace(remembered)
    return {name: [(p[0], p[1], p[2]) for p in found] for name, found in known["packages"].items()}


def _make(cache: Path, recipe: Recipe, packages: list[debian.Package], layout: Path) -> None:
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layer = Layer()
    if recipe.packages:
        archives = debian.download(cache / "apt", recipe.packages)
        for package in packages:
            for info, content in debian.members(archives / debian.file_name(package)):
                layer.add_package(info, content)
        shutil.rmtree(archives)
        _finish_debian(layer)
    for path, entry in recipe.entries.items():
        _add(layer, path, entry)
    for path, source in recipe.files.items():
        layer.add_file(path, source)
    for path, tool in recipe.tools.items():
        layer.add_file(path, _pause(layout.parent) if tool == "pause" else locate(tool).resolve())
    written = layer.write(layout / "layer")
    written.path.rename(blobs / written.digest.removeprefix("sha256:"))
    _write_layout(layout, recipe, written)


def _add(layer: Layer, path: str, entry: Text | Folder | Link) -> None:
    match entry:
        case Text():
            layer.add_bytes(path, entry.content.encode(), entry.mode, entry.uid, entry.gid)
        case Folder():
            layer.add_folder(path, entry.mode, entry.uid, entry.gid)
        case Link():
            layer.add_link(path, entry.target)


def _finish_debian(layer: Layer) -> None:
    """What the packages' maintainer scripts would have done, as far as a container needs it."""
    layer.merge_usr()
    for folder in ("tmp", "var/tmp", "run/lock"):
        layer.add_folder(folder, 0o1777)
    layer.add_bytes("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    authorities = [path for path in sorted(layer.entries) if path.startswith("usr/share/ca-certificates/")]
    certificates = [layer.content(path) for path in authorities if path.endswith(".crt")]
    layer.add_bytes("etc/ssl/certs/ca-certificates.crt", b"".join(certificates))
    _compile_python(layer)


def _compile_python(layer: Layer) -> None:
    """Byte code beside Python's library: a container with a read-only file system would compile it at every start."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # Byte code fits one minor version only; with another one, containers start a little slower, and that is all.
    sources = [path for path in layer.entries if path.startswith(f"usr/lib/{version}/") and path.endswith(".py")]
    with tempfile.TemporaryDirectory() as scratch:
        plain, compiled = Path(scratch) / "source.py", Path(scratch) / "compiled.pyc"
        for path in sources:
            plain.write_bytes(layer.content(path))
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            if py_compile.compile(str(plain), str(compiled), f"/{path}", False, 0, mode, quiet=2):
                folder, name = path.rsplit("/", 1)
                cached = f"{folder}/__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
                layer.add_bytes(cached, compiled.read_bytes())


def _pause(scratch: Path) -> Path:
    """The pause program: our own few lines, compiled without the C library."""
    target = scratch / "pause"
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false", "GOTOOLCHAIN": "local"}
    run(["go", "build", "-ldflags", "-s -w -buildid=", "-o", target, "."], cwd=_PAUSE_SOURCE, env=environment)
    return target


def _write_layout(layout: Path, recipe: Recipe, layer: LayerFile) -> None:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": recipe.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{"created_by": "slipway sandbox images", "comment": recipe.name}],
    }
    config_digest, config_size = _write_blob(layout, config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config_digest,
            "size": config_size,
        },
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": layer.digest,
                "size": layer.size,
            }
        ],
    }
    digest, size = _write_blob(layout, manifest)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}\n', encoding="utf-8")
    entry = {
        "mediaType": manifest["mediaType"],
        "digest": digest,
        "size": size,
        "annotations": {"org.opencontainers.image.ref.name": recipe.reference},
    }
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), encoding="utf-8")


def _write_blob(layout: Path, document: dict[str, Any]) -> tuple[str, int]:
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(content)
    return f"sha256:{digest}", len(content)


def _forget_older(cache: Path, recipe: Recipe, keep: Path) -> None:
    # One image is up to 150 MB; what an older checkout needs again is made again in seconds.
    for other in cache.glob(f"{recipe.name}-*"):
        if other != keep:
            shutil.rmtree(other)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One maker at a time: a second one waits and finds the images made."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
