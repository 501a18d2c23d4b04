"""The whole way, once for all tests here: `slipway up dev` into a sandbox and a Pulumi backend of their own.

Nothing is faked: the engine, the cluster, Argo CD, Git, the registry and app1 are the real ones. The machine can hold
one sandbox, so one that is already up (yours) makes these tests fail at once with its folder's name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.e2e.support import Platform, machine, slipway, stack_files


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`slipway up dev` on an empty sandbox; afterwards the sandbox is gone, whatever happened."""
    root = tmp_path_factory.mktemp("platform")
    (root / "backend").mkdir()
    (root / "passphrase").write_text("for this run only\n")
    environment = os.environ | {
        "SLIPWAY_SANDBOX_DIR": str(root / "sandbox"),
        "PULUMI_BACKEND_URL": f"file://{root / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(root / "passphrase"),
    }
    before = (stack_files(), machine())
    try:
        up = slipway(environment, "up", "dev", "--json")
        assert up.returncode == 0, up.stderr + up.stdout
        yield Platform(json.loads(up.stdout), environment, root / "sandbox", *before)
    finally:
        gone = slipway(environment, "sandbox", "reset", "--yes")
        assert gone.returncode == 0, gone.stderr
