"""What some groups need beside a plain `go build`, and the files that the mirror keeps from the modules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.paths import mirror_dir
from tools.catalog import Group, MirrorFile, group_of, module_version
from tools.installed import group_dir

__all__ = ["after_build", "before_build", "link_language_host", "publish_mirror"]

ModuleDir = Callable[[str], Path]

PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
PYTHON_HOST_SCRIPTS = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-analyzer-policy-python",
    "python/dist/pulumi-resource-pulumi-python",
)
"""The language host starts programs, policy packs and components through these; upstream ships them beside it."""


def before_build(group: Group, source: Path, module_dir: ModuleDir) -> None:
    """Lay generated files beside the group's code in `source`."""
    if group.name == "pulumi-kubernetes":
        command = module_dir(group.module) / "cmd" / "pulumi-resource-kubernetes"
        schema = json.loads((command / "schema.json").read_bytes())
        schema["version"] = module_version(group).removeprefix("v")
        (source / "schema.json").write_text(json.dumps(schema, separators=(",", ":")))
        shutil.copyfile(command / "terraform-mapping.json", source / "terraform-mapping.json")


def after_build(group: Group, target: Path, module_dir: ModuleDir) -> None:
    """Copy out of the modules what stays useful when their cache is deleted: scripts, and the mirror's files."""
    if group.name == "pulumi-language-python":
        for script in PYTHON_HOST_SCRIPTS:
            copy = target / "bin" / Path(script).name
            shutil.copyfile(module_dir(PULUMI_SDK) / script, copy)
            copy.chmod(0o755)
    sources = {module: module_dir(module) for module in {wanted.module for wanted in group.mirror}}
    for wanted in group.mirror:
        _copy_out(group, wanted, sources[wanted.module], target / "mirror")


def _copy_out(group: Group, wanted: MirrorFile, source: Path, mirror: Path) -> None:
    files = sorted(source.glob(wanted.glob))
    if not files:
        raise SlipwayError(f"{wanted.module} has no file {wanted.glob}", code="MIRROR_EMPTY", where=str(source))
    target = mirror / wanted.target.format(version=module_version(group, wanted.module))
    if wanted.joined:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"\n---\n".join(file.read_bytes() for file in files))
        return
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, target / file.name)


def link_language_host() -> None:
    """Put the language host beside the engine that we built, where it looks first and without a warning."""
    engine, host = (group_dir(group_of(name)) / "bin" for name in ("pulumi", "pulumi-language-python"))
    if engine.is_dir():
        for program in sorted(host.glob("pulumi-*")):
            link = engine / program.name
            if not link.is_symlink() or link.readlink() != program:
                link.unlink(missing_ok=True)
                link.symlink_to(program)


def publish_mirror(groups: Sequence[Group]) -> None:
    """Join the groups' mirror files in one folder per source and version, where the program looks for them."""
    for group in groups:
        files = group_dir(group) / "mirror"
        for file in sorted(path for path in files.rglob("*") if path.is_file()):
            target = mirror_dir() / file.relative_to(files)
            if target.is_file() and target.stat().st_size == file.stat().st_size:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f".{target.name}.new")
            shutil.copyfile(file, unfinished)
            unfinished.replace(target)
