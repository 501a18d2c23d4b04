"""The bridge, the route to services, and the kernel settings that the node needs and gives back."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path
from typing import Any

from sandbox import settings
from sandbox.settings import Layout
from slipway.errors import SlipwayError
from slipway.run import run

__all__ = ["bridge_exists", "bridge_owner", "make_bridge", "read_sysctls", "remove_links", "restore_sysctls"]

_SYSCTL = Path("/proc/sys")
# What the node's components change; the kubelet sets the last five by itself.
CHANGED = (
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv4/conf/all/route_localnet",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
NEEDED = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
}


def read_sysctls() -> dict[str, str]:
    """The present value of every kernel setting that the node changes."""
    found = {}
    for name in CHANGED:
        path = _SYSCTL / name
        if path.exists():
            found[name] = path.read_text().strip()
    return found


def restore_sysctls(before: dict[str, str]) -> None:
    """Put the kernel settings back to what they were."""
    for name, value in before.items():
        path = _SYSCTL / name
        if name in CHANGED and path.exists() and path.read_text().strip() != value:
            path.write_text(value)


def load_modules() -> None:
    """Make sure that the kernel filters bridged packets: services would not work from pod to pod without."""
    if not (_SYSCTL / "net/bridge/bridge-nf-call-iptables").exists():
        try:
            run(["modprobe", "br_netfilter"])
        except SlipwayError as error:
            raise SlipwayError(
                "this kernel cannot filter bridged packets (br_netfilter)",
                code="KERNEL_MODULE",
                remedy="load it (modprobe br_netfilter) or use a kernel that has it",
            ) from error


def _show(kind: str) -> list[dict[str, Any]]:
    done = run(["ip", "-json", "-details", *kind.split()])
    return list(json.loads(done.stdout or "[]"))


def bridge_exists() -> bool:
    """Whether a link of the bridge's name is there, ours or not."""
    return Path("/sys/class/net", settings.BRIDGE).exists()


def bridge_owner() -> str:
    """The state directory of the sandbox that made the bridge, written on the bridge itself."""
    try:
        return Path("/sys/class/net", settings.BRIDGE, "ifalias").read_text().strip()
    except OSError:
        return ""


def make_bridge(files: Layout) -> None:
    """Make the bridge with the node's address, up before there is any pod: servers bind to that address."""
    for name, value in NEEDED.items():
        path = _SYSCTL / name
        if path.read_text().strip() != value:
            path.write_text(value)
    bridge, address = settings.BRIDGE, f"{settings.NODE_IP}/{settings.POD_CIDR.partition('/')[2]}"
    if not bridge_exists():
        run(["ip", "link", "add", bridge, "address", settings.BRIDGE_MAC, "type", "bridge"])
    run(["ip", "link", "set", bridge, "alias", str(files.root), "up"])
    run(["ip", "address", "replace", address, "dev", bridge])
    # A machine without a default route could not reach a service address before it is rewritten.
    run(["ip", "route", "replace", settings.SERVICE_CIDR, "dev", bridge, "src", settings.NODE_IP])


def remove_links() -> None:
    """Remove the bridge and every pair of links plugged into it."""
    if not bridge_exists():
        return
    for link in _show(f"link show master {settings.BRIDGE}"):
        # A pod's network namespace may be deleting its end at this moment; then the pair is gone already.
        subprocess.run(["ip", "link", "delete", link["ifname"]], capture_output=True, check=False)
    run(["ip", "link", "delete", settings.BRIDGE])


def routed_elsewhere() -> list[str]:
    """Routes of this machine that overlap the sandbox's ranges and are not the sandbox's."""
    own = [ipaddress.ip_network(settings.POD_CIDR), ipaddress.ip_network(settings.SERVICE_CIDR)]
    clashes = []
    for route in _show("-4 route show table all"):
        if route.get("dev") == settings.BRIDGE or route["dst"] == "default":
            continue
        network = ipaddress.ip_network(route["dst"], strict=False)
        if any(network.overlaps(mine) for mine in own):
            clashes.append(f"{route['dst']} through {route.get('dev', route.get('gateway', '?'))}")
    return clashes
