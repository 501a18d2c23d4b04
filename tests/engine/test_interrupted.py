"""An engine that is killed half way: the next update goes on, though no checkpoint was written."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

import tools
from slipway.errors import SlipwayError
from slipway.platform import Stack
from tests.engine.conftest import Api, make_engine
from tests.engine.test_lifecycle import describe
from tools.catalog import group_of, module_version

ENOUGH_CREATED = 20


@pytest.fixture
def stack(api: Api, tmp_path: Path, pulumi_home: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack dev of a copy of the project, run as `slipway up` runs it."""
    for name in [name for name in os.environ if name.startswith(("PULUMI_", "SLIPWAY_SANDBOX"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_HOME", str(pulumi_home))
    engine = make_engine(tmp_path, pulumi_home)
    describe(engine, api, webhook_secret="signs")
    paths = {name: tools.locate(name) for name in ("pulumi", "pulumi-resource-kubernetes")}
    version = module_version(group_of("pulumi-resource-kubernetes")).removeprefix("v")
    return Stack(engine.project, "dev", paths, tools.bin_dirs(), version)


def test_an_update_that_was_killed_goes_on(stack: Stack, api: Api) -> None:
    created = 0

    def kill_half_way(line: str) -> None:
        nonlocal created
        created += " created (" in line
        if created >= ENOUGH_CREATED:
            for child in psutil.Process().children():
                if child.name() == "pulumi":
                    # Its plugins and the program as well: without it they would wait for ever.
                    for process in [child, *child.children(recursive=True)]:
                        process.kill()

    stack.prepare()
    with pytest.raises(SlipwayError):
        stack.up(kill_half_way)
    assert created >= ENOUGH_CREATED
    assert "serviceaccount/argocd-server" in api.kubectl("-n", "argocd", "get", "serviceaccounts", "-o", "name")

    stack.prepare()
    assert stack.up(lambda _: None).operations["create"] > ENOUGH_CREATED
    assert stack.up(lambda _: None).operations == {}
    assert "encryptionsalt" not in (stack.project / "Pulumi.dev.yaml").read_text()
    stack.destroy(lambda _: None)
