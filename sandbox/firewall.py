"""The packet filter: the guard that keeps the sandbox on this machine, and the removal of every rule that is ours.

kube-proxy, the kubelet and the guard leave a few hundred rules in chains whose names begin with `KUBE-`, `CNI-` or
`SLIPWAY-`. A chain of such a name that existed before the first `up` belongs to somebody else and stays.

The guard stands at the very first hook (raw/PREROUTING), before any address is rewritten, so one place decides: what
arrives on another interface never reaches a sandbox address, a service address, or the loopback range, which
`route_localnet` would otherwise open to the local network.
"""

from __future__ import annotations

import subprocess

from sandbox import settings
from slipway.errors import SlipwayError

__all__ = ["guard", "guarded", "ours", "parse", "removal", "remove", "rules"]

OWN_PREFIXES = ("KUBE-", "CNI-", "SLIPWAY-")
GUARD = "SLIPWAY-GUARD"
FORWARD = "SLIPWAY-FORWARD"
FAMILIES = {"ipv4": "iptables", "ipv6": "ip6tables"}

Rules = dict[str, list[str]]


def rules(family: str) -> Rules:
    """The rules of each table as `iptables-save` prints them, without counters; empty tables left out."""
    done = subprocess.run([f"{FAMILIES[family]}-save"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SlipwayError(
            f"{FAMILIES[family]}-save failed: {done.stderr.strip()}",
            code="FIREWALL",
            remedy="check that this kernel has netfilter and that `iptables -S` works as root",
        )
    return parse(done.stdout)


def parse(text: str) -> Rules:
    """`iptables-save` output as table -> lines, built-in chains with an accepting policy left out."""
    found: Rules = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy, *_ = line[1:].split()
            if policy != "ACCEPT":
                found.setdefault(table, []).append(f"-N {chain}" if policy == "-" else f"-P {chain} {policy}")
        elif line.startswith("-A"):
            found.setdefault(table, []).append(line)
    return found


def ours(before: Rules, now: Rules) -> Rules:
    """The lines of `now` that speak of a chain of ours and are not in `before`."""
    return {
        table: [line for line in lines if line not in before.get(table, []) and _is_ours(line)]
        for table, lines in now.items()
    }


def _is_ours(line: str) -> bool:
    words = line.split()
    chain = words[1]
    target = words[words.index("-j") + 1] if "-j" in words else ""
    return any(name.startswith(OWN_PREFIXES) for name in (chain, target))


def removal(before: Rules, now: Rules) -> str:
    """The input of `iptables-restore --noflush` that removes what is ours: jumps first, then chains."""
    parts = []
    for table, lines in ours(before, now).items():
        chains = [line.split()[1] for line in lines if line.startswith("-N")]
        # Built-in chains, and foreign ones that jump to one of ours: it could not be deleted otherwise.
        jumps = [
            line.replace("-A", "-D", 1) for line in lines if line.startswith("-A") and line.split()[1] not in chains
        ]
        if not chains and not jumps:
            continue
        flush = [f"-F {chain}" for chain in chains]
        delete = [f"-X {chain}" for chain in chains]
        parts.append("\n".join([f"*{table}", *jumps, *flush, *delete, "COMMIT"]))
    return "\n".join(parts) + "\n" if parts else ""


def remove(before: dict[str, Rules]) -> None:
    """Remove every rule and chain of ours, in both families; atomic per table."""
    for family, command in FAMILIES.items():
        script = removal(before.get(family, {}), rules(family))
        if script:
            _restore(command, script)


def guard(*, forwarding_before: bool) -> None:
    """Put up the guard, again from scratch: a guard that somebody flushed is repaired."""
    bridge, pods, services = settings.BRIDGE, settings.POD_CIDR, settings.SERVICE_CIDR
    forward = [
        f"-A {FORWARD} -i {bridge} -o {bridge} -j ACCEPT",
        # Pods and the host talk through the services' rewritten addresses; nobody else may pass through the bridge.
        f"-A {FORWARD} -o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-A {FORWARD} -o {bridge} -j DROP",
    ]
    if not forwarding_before:
        # Switching on ip_forward for pods must not turn this machine into a router between its other networks.
        forward.append(f"-A {FORWARD} ! -i {bridge} -j DROP")
    wanted = {
        "raw": (
            GUARD,
            "PREROUTING",
            [
                f"-A {GUARD} -i lo -j RETURN",
                f"-A {GUARD} -d 127.0.0.0/8 -j DROP",
                f"-A {GUARD} -i {bridge} -j RETURN",
                f"-A {GUARD} -d {pods} -j DROP",
                f"-A {GUARD} -d {services} -j DROP",
            ],
        ),
        "filter": (FORWARD, "FORWARD", forward),
    }
    present = rules("ipv4")
    for table, (chain, hook, lines) in wanted.items():
        jump = f"-A {hook} -j {chain}"
        script = [f"*{table}", f":{chain} - [0:0]", f"-F {chain}", *lines]
        if jump not in present.get(table, []):
            script.append(f"-I {hook} 1 -j {chain}")
        _restore("iptables", "\n".join([*script, "COMMIT", ""]))


def guarded() -> bool:
    """Whether the guard stands."""
    present = rules("ipv4")
    return f"-A PREROUTING -j {GUARD}" in present.get("raw", []) and f"-A FORWARD -j {FORWARD}" in present.get(
        "filter", []
    )


def _restore(command: str, script: str) -> None:
    done = subprocess.run(
        [f"{command}-restore", "--noflush", "--wait", "10"], input=script, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SlipwayError(
            f"{command}-restore failed: {done.stderr.strip()}",
            code="FIREWALL",
            remedy=f"look at `{command}-save`; chains beginning with {', '.join(OWN_PREFIXES)} belong to the sandbox",
        )
