"""Up, down, and everything that can come between."""

from __future__ import annotations

import sys
import time

import pytest

from tests.sandbox.conftest import Sandbox, eventually, state_folder


def test_down_leaves_nothing_and_up_brings_the_app_back(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    sandbox.deploy_web()
    started = time.monotonic()
    sandbox.slipway("down")
    assert time.monotonic() - started < 30
    assert sandbox.machine.changes(before) == {}
    assert sandbox.refusal("status")["problems"]
    sandbox.up()
    eventually(sandbox.answers, 40, "the web does not come back")
    sandbox.slipway("reset", "--yes")
    assert sandbox.machine.changes(before) == {}
    assert not sandbox.state.exists()


def test_down_without_a_supervisor_leaves_nothing_either(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    sandbox.deploy_web()
    sandbox.machine.run("kill", "-9", (sandbox.state / "run" / "supervisord.pid").read_text().strip())
    sandbox.slipway("down")
    assert sandbox.machine.changes(before) == {}


def test_a_machine_that_stopped_is_repaired_by_up_and_cleaned_by_down(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    sandbox.deploy_web()
    sandbox.machine.stop_at_once()
    assert sandbox.machine.changes(before).keys() >= {"mounts", "links", "rules"}
    sandbox.up()
    eventually(sandbox.answers, 60, "the web does not come back")
    assert sandbox.status()["ok"]
    sandbox.machine.stop_at_once()
    sandbox.slipway("down")
    assert sandbox.machine.changes(before) == {}


# Spread over what `up` does: state, certificates, bridge, supervisor, etcd, API server, node.
@pytest.mark.parametrize("instant", [1.2, 1.8, 3.0, 5.0])
def test_a_power_cut_during_up_is_repaired(sandbox: Sandbox, instant: float) -> None:
    before = sandbox.machine.snapshot()
    starting = sandbox.start("up")
    time.sleep(instant)
    sandbox.machine.run("bash", "-c", "kill -9 -1", check=False)
    starting.wait(timeout=10)
    sandbox.machine.stop_at_once()
    sandbox.up()
    assert sandbox.status()["ok"]
    sandbox.slipway("down")
    assert sandbox.machine.changes(before) == {}


def test_two_at_once_both_end_well(sandbox: Sandbox) -> None:
    first, second = sandbox.start("up"), sandbox.start("up")
    assert first.wait(timeout=120) == 0
    assert second.wait(timeout=120) == 0
    assert sandbox.status()["ok"]


def test_a_second_checkout_is_refused_while_the_first_runs_and_takes_over_its_remains(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    with state_folder() as folder:
        other = Sandbox(sandbox.machine, folder)
        for command in ("up", "down"):
            error = other.refusal(command)
            assert (error["code"], error["where"]) == ("OTHER_SANDBOX", str(sandbox.state))
        assert sandbox.status()["ok"]
        sandbox.machine.stop_at_once()
        other.up()
        assert other.status()["ok"]
        other.slipway("reset", "--yes")
    assert sandbox.machine.changes(before) == {}


def test_state_that_was_deleted_under_a_running_node_is_no_dead_end(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    sandbox.up()
    sandbox.machine.run("rm", "-rf", sandbox.state, check=False)
    sandbox.up()
    assert sandbox.status()["ok"]
    sandbox.slipway("down")
    # The kernel settings of before went with the state: `up` cannot know them.
    assert sandbox.machine.changes(before).keys() <= {"settings"}


def test_down_and_reset_on_a_clean_machine_do_nothing(sandbox: Sandbox) -> None:
    before = sandbox.machine.snapshot()
    assert '"stopped": false' in sandbox.slipway("down", "--json").stdout
    sandbox.slipway("reset", "--yes")
    assert sandbox.machine.changes(before) == {}


def test_reset_asks_first(sandbox: Sandbox) -> None:
    done = sandbox.machine.run(
        sys.executable, "-m", "slipway", "sandbox", "reset", env=sandbox.environment, check=False
    )
    assert done.returncode == 2
    assert "--yes" in done.stderr
