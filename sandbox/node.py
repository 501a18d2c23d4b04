"""The node's life: `up`, `down`, `reset`. Each may run at any time and again; one lock keeps them apart.

`up` finds out where it stands and does what is missing:

    the supervisor answers           take over changed configuration, start what does not run
    it died, processes live          stop the orphans but not the pods, start a supervisor, adopt the pods
    no process, but traces           a machine stopped: remove mounts, links and rules, then start
    nothing                          start

State is checked before anything changes, so a corrupt file stops `up` with the machine as it was.
"""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox import (
    api,
    certificates,
    cgroups,
    cleanup,
    configs,
    firewall,
    gitserver,
    images,
    mounts,
    network,
    preflight,
    registry,
    state,
    supervisor,
)
from sandbox.files import StateCorrupt, write_json
from sandbox.manifests import bootstrap_manifests
from sandbox.programs import Program
from sandbox.settings import CGROUP, NOT_HERE, PAUSE_IMAGE, REGISTRY, Layout, layout
from sandbox.supervisor import Supervisor
from sandbox.wait import wait_for
from slipway.errors import SlipwayError
from slipway.run import run

__all__ = ["down", "reset", "up"]

Say = Callable[[str], None]


def up(say: Say) -> dict[str, Any]:
    """Bring the node up, or repair it; returns the connection that `connection.json` holds."""
    preflight.require_root()
    files = layout()
    with state.lock(say):
        programs = preflight.software(files)
        record = state.load(files)
        _check_state(files)
        own = Supervisor(files)
        fresh = not own.pid()
        if fresh:
            _refuse_other_sandbox(files)
            record = _repair(files, record, say)
            preflight.machine(files)
        # Without a record of a node that runs, nobody knows what was before: better to give back nothing.
        record = record or (_remember(files) if fresh else state.Record(created=time.time()))
        try:
            return _bring_up(files, record, programs, own, say)
        except SlipwayError:
            if fresh:
                # Half a node helps nobody, and an error must leave the machine as it was; the logs stay.
                _take_down(files, record, say)
            raise


def down(say: Say) -> bool:
    """Stop the node and leave nothing of it on the machine but its state; false when there was nothing to stop."""
    preflight.require_root()
    files = layout()
    with state.lock(say):
        record = state.load(files)
        if record is None and not _traces(files):
            return False
        _refuse_other_sandbox(files)
        _take_down(files, record, say)
        return True


def reset(say: Say) -> None:
    """`down`, whatever state the state is in, and then delete it."""
    preflight.require_root()
    files = layout()
    with state.lock(say):
        _require_own(files)
        _refuse_other_sandbox(files)
        try:
            record = state.load(files)
        except StateCorrupt:
            # What was before the first `up` is lost: rules of ours go by their names, kernel settings stay.
            record = None
        if record is not None or _traces(files):
            _take_down(files, record, say)
        say(f"deleting {files.root}")
        if files.root.exists():
            shutil.rmtree(files.root)


def _check_state(files: Layout) -> None:
    """Every file that cannot be made again is what the sandbox wrote."""
    _require_own(files)
    if files.pki.exists():
        certificates.verify(files.pki)
    elif (files.etcd / "member").exists():
        raise StateCorrupt("missing, while the cluster that trusts these certificates is there", files.pki)
    if files.secrets.exists():
        state.secrets_of(files)
    preflight.check_databases(files)


def _require_own(files: Layout) -> None:
    # Somebody may have deleted the state under a running node; what could not be deleted is still ours.
    if network.bridge_owner() != str(files.root):
        state.require_own(files)


def _refuse_other_sandbox(files: Layout) -> None:
    owner = network.bridge_owner() if network.bridge_exists() else ""
    if owner and Path(owner) != files.root and cgroups.pids():
        raise SlipwayError(
            "another checkout's sandbox is running on this machine",
            code="OTHER_SANDBOX",
            where=owner,
            remedy="stop it from its checkout: `slipway sandbox down`",
        )


def _traces(files: Layout) -> bool:
    """Whether something of a sandbox is on the machine."""
    groups = any((root / CGROUP).exists() for root in cgroups.roots())
    return groups or network.bridge_exists() or bool(mounts.below(files.root))


def _repair(files: Layout, record: state.Record | None, say: Say) -> state.Record | None:
    """Deal with what an earlier sandbox left: orphans are stopped, dead remains are swept."""
    if not record and not _traces(files):
        return None
    owner = network.bridge_owner()
    if owner and Path(owner) != files.root:
        # A checkout that is dead, perhaps deleted: give back on its behalf, then start as if it had never been.
        other = layout(Path(owner))
        _take_down(other, state.load(other), say)
        return record
    cleanup.stop_system(say)
    if record and cgroups.pids(cgroups.PODS):
        say("pods are still running: they will be adopted")
        return record
    cgroups.stop(cgroups.pids(), 3)
    say("removing what an earlier run left behind")
    cleanup.sweep(files, record)
    if record is None:
        cleanup.give_back(files, None)
    return record


def _remember(files: Layout) -> state.Record:
    """Note the machine as it is, before the first change."""
    network.load_modules()
    record = state.Record(
        created=time.time(),
        sysctls=network.read_sysctls(),
        new_paths=[path for path in cleanup.STRAY if not Path(path).exists()],
        rules={family: firewall.rules(family) for family in firewall.FAMILIES},
    )
    state.prepare(files)
    record.save(files)
    return record


def _bring_up(
    files: Layout, record: state.Record, programs: list[Program], own: Supervisor, say: Say
) -> dict[str, Any]:
    state.prepare(files)
    certificates.ensure(files.pki)
    secrets = state.secrets_of(files)
    connection = configs.connection(files, secrets)
    configs.write_all(files, secrets)
    registry.write_config(files.root)
    gitserver.write_config(files.root, connection)
    changed = supervisor.write_config(files, programs)
    network.load_modules()
    network.make_bridge(files)
    firewall.guard(forwarding_before=record.sysctls.get("net/ipv4/ip_forward") == "1")
    if not own.pid():
        own.launch()
    elif changed:
        say("taking over changed configuration")
        own.reload()
    with ThreadPoolExecutor(max_workers=1) as pool:
        own.start(["etcd", "containerd", "registry", "git"])
        filling = pool.submit(_fill_registry, files, own, say)
        wait_for(lambda: api.etcd_healthy(files), own, ("etcd",), 60, lambda: say("starting etcd"))
        own.start(["kube-apiserver"])
        wait_for(lambda: api.ready(files), own, ("kube-apiserver", "etcd"), 120, lambda: say("starting the API server"))
        own.start(["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns"])
        for manifest in bootstrap_manifests():
            api.apply(files, manifest)
        wait_for(
            lambda: _node_ready(files, own),
            own,
            ("kubelet", "containerd"),
            120,
            lambda: say("waiting for the node to be Ready"),
        )
        differences = filling.result()
    _pin_pause_image(files)
    connection["images"] = {
        row["declared"]: {key: row[key] for key in ("declared", "runs", "reason")} for row in differences
    }
    connection["versions"] = [*differences, *NOT_HERE]
    write_json(files.connection, connection)
    return connection


def _node_ready(files: Layout, own: Supervisor) -> bool:
    kubelet = own.states().get("kubelet")
    return kubelet is not None and kubelet.state == "RUNNING" and api.node(files, since=kubelet.since)[0]


def _fill_registry(files: Layout, own: Supervisor, say: Say) -> list[dict[str, Any]]:
    wait_for(_registry_answers, own, ("registry",), 30)
    return images.ensure(files.root, say)


def _registry_answers() -> bool:
    host, port = REGISTRY.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _pin_pause_image(files: Layout) -> None:
    """Pull the image of which every pod has one and mark it, so that no clean-up of images takes it."""
    ctr = ["ctr", "--address", str(files.containerd_socket), "--namespace", "k8s.io", "images"]
    listed = run([*ctr, "list", f"name=={PAUSE_IMAGE}"]).stdout
    if PAUSE_IMAGE not in listed:
        run([*ctr, "pull", "--hosts-dir", str(files.certs_d), PAUSE_IMAGE], timeout=60)
        listed = ""
    if "io.cri-containerd.pinned=pinned" not in listed:
        run([*ctr, "label", PAUSE_IMAGE, "io.cri-containerd.pinned=pinned"])


def _take_down(files: Layout, record: state.Record | None, say: Say) -> None:
    cleanup.stop_everything(files, say)
    say("removing mounts, links and rules")
    left = cleanup.sweep(files, record)
    cleanup.give_back(files, record)
    if left:
        raise SlipwayError(
            f"something of the sandbox could not be removed: {'; '.join(left)}",
            code="NOT_CLEAN",
            remedy="end what uses it, then run `slipway sandbox down` again",
        )
    files.connection.unlink(missing_ok=True)
    # Last: while it exists, there may be something to undo.
    files.record.unlink(missing_ok=True)
