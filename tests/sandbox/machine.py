"""A machine of its own for the sandbox: fresh network, process, mount and cgroup namespaces on this kernel.

The node's processes are the real ones; only what they see of the machine is new. So these tests can kill everything,
fill ports and leave rubbish behind, beside a sandbox that somebody uses. Ending process 1 takes all of it away.

Process 1 here does not reap orphans, like that of a small virtual machine. A second network namespace plays the local
network: `Machine.outside` runs a command there, with a route to the machine.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from difflib import ndiff
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[2]
MACHINE_IP = "192.0.2.2"
NEIGHBOUR_IP = "192.0.2.1"

_NEVER_REAPS = "import signal\nwhile True: signal.pause()"

# $1: Python. Runs as process 1 of the new namespaces, whose cgroup root is the folder that we were put into.
_INIT = f"""
set -e
mount --make-rprivate /
# A sandbox that somebody runs has mounts, which these namespaces were born with: they must not come and go here.
awk '{{print $2}}' /proc/mounts | grep -E '/(kubelet|run/containerd|run/netns)(/|$)' | tac | xargs -r umount --lazy
hierarchies=$(awk '$3 ~ /^cgroup/ {{print $3, $2, $4}}' /proc/mounts)
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo "$hierarchies" | grep -q ' /sys/fs/cgroup ' || mount -t tmpfs cgroup /sys/fs/cgroup
echo "$hierarchies" | while read -r kind point options; do
  mkdir -p "$point"
  if [ "$kind" = cgroup2 ]; then
    mount -t cgroup2 cgroup2 "$point"
    mkdir "$point/init"
    echo $$ > "$point/init/cgroup.procs"
  else
    flags='^(rw|ro|relatime|nosuid|nodev|noexec|xattr|release_agent=.*)$'
    controller=$(echo "$options" | tr , '\\n' | grep -vE "$flags" | paste -sd,)
    case "$controller" in name=*) controller="none,$controller";; esac
    mount -t cgroup -o "$controller" cgroup "$point"
  fi
done
for folder in /run /var/log; do mount -t tmpfs private "$folder"; done
for folder in /var/lib/kubelet /var/lib/cni; do [ ! -d "$folder" ] || mount -t tmpfs private "$folder"; done
mkdir -p /run/lock /run/netns
ip link set lo up
ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip address add {MACHINE_IP}/24 dev eth0
ip link set eth0 up
ip route add default via {NEIGHBOUR_IP}
ip -n outside address add {NEIGHBOUR_IP}/24 dev eth0
ip -n outside link set lo up
ip -n outside link set eth0 up
for range in 10.244.0.0/24 10.96.0.0/16; do ip -n outside route add $range via {MACHINE_IP}; done
echo ready
exec "$1" -c "$2"
"""


class Machine:
    """Fresh namespaces that live until `stop`."""

    def __init__(self) -> None:
        self._groups = [Path(folder, f"slipway-test-{os.getpid()}-{time.monotonic_ns()}") for folder in _hierarchies()]
        for group in self._groups:
            group.mkdir()
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (group.parent / setting).exists():
                    (group / setting).write_text((group.parent / setting).read_text())
        # The join happens in a shell of its own: this process must stay where it is.
        join = "".join(f"echo $$ > {group}/cgroup.procs\n" for group in self._groups)
        arguments = " ".join(shlex.quote(word) for word in (_INIT, "init", sys.executable, _NEVER_REAPS))
        script = f"{join}exec unshare --net --pid --mount --cgroup --ipc --uts --fork bash -c {arguments}"
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the machine
        self._unshare = subprocess.Popen(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._output, text=True
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "ready\n":
            self._output.seek(0)
            raise RuntimeError(f"no machine: {self._output.read()}")
        (child,) = psutil.Process(self._unshare.pid).children()
        self.init = child.pid

    def argv(self, *words: str | Path) -> list[str]:
        """The command line that runs `words` in the machine."""
        enter = ["nsenter", f"--target={self.init}", "--net", "--pid", "--mount", "--cgroup", "--ipc", "--uts"]
        return [*enter, f"--wd={PROJECT}", *(str(word) for word in words)]

    def run(
        self, *words: str | Path, env: dict[str, str] | None = None, check: bool = True, timeout: float = 180
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine and return what it said."""
        environment = os.environ | (env or {})
        done = subprocess.run(
            self.argv(*words), env=environment, capture_output=True, text=True, check=False, timeout=timeout
        )
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr}{done.stdout}"
        return done

    def outside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the neighbour, another host of the machine's network."""
        return self.run("ip", "netns", "exec", "outside", *words, check=False)

    def snapshot(self) -> dict[str, list[str]]:
        """Everything that a sandbox could leave behind: a difference between two of these is something left."""
        looks = {
            "mounts": "cut -d' ' -f5 /proc/self/mountinfo",
            "links": "ip -o link show | cut -d: -f2",
            "addresses": "ip -o -4 address show | tr -s ' ' | cut -d' ' -f2-4; ip -4 route show table all",
            "namespaces": "ls /run/netns",
            "rules": "(iptables-save; ip6tables-save) | grep -vE '^(#|COMMIT|[*]|:[A-Z]+ ACCEPT)'",
            "cgroups": "find /sys/fs/cgroup -type d | grep -v '/init$' | sort",
            "settings": "cd /proc/sys; cat net/ipv4/ip_forward net/ipv4/conf/all/route_localnet vm/overcommit_memory"
            " kernel/panic kernel/panic_on_oops vm/panic_on_oom net/bridge/bridge-nf-call-iptables",
            "files": "ls -d /run/* /var/lib/kubelet /var/lib/cni/* /var/log/* /opt/* /usr/libexec/* /etc/cni 2>&1",
            "listeners": "ss -Hlntup | tr -s ' ' | cut -d' ' -f1,5",
        }
        found = {
            name: self.run("bash", "-c", f"{command} || exit 0").stdout.splitlines() for name, command in looks.items()
        }
        rows = [line.split(maxsplit=1) for line in self.run("ps", "-eo", "stat=,args=").stdout.splitlines()]
        # A zombie is no process: process 1 here never reaps, as on a small virtual machine.
        found["processes"] = sorted(words for state, words in rows if state[0] != "Z" and not words.startswith("ps "))
        return found

    def changes(self, before: dict[str, list[str]]) -> dict[str, list[str]]:
        """What differs from an earlier snapshot: nothing, when the machine is as it was."""
        now = self.snapshot()
        found = {name: [*ndiff(before[name], now[name])] for name in before if before[name] != now[name]}
        # Mounts that these namespaces were born with go away when somebody else deletes their folder.
        signs = {"mounts": "+"}
        changed = {name: [line for line in lines if line[0] in signs.get(name, "+-")] for name, lines in found.items()}
        return {name: lines for name, lines in changed.items() if lines}

    def cgroup_pids(self) -> list[int]:
        """Every process of the sandbox, as the machine numbers them; zombies left out."""
        found = self.run("bash", "-c", "cat $(find /sys/fs/cgroup -path '*/slipway/*' -name cgroup.procs) </dev/null")
        return sorted({int(pid) for pid in found.stdout.split()})

    def stop_at_once(self) -> None:
        """All of the sandbox's processes die; mounts, links and rules stay: a machine that stopped."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            pids = self.cgroup_pids()
            if not pids:
                return
            self.run("bash", "-c", f"kill -9 {' '.join(map(str, pids))}; sleep 0.1", check=False)
        raise AssertionError("the sandbox's processes do not die")

    def stop(self) -> None:
        """End the machine and everything in it."""
        os.kill(self.init, signal.SIGKILL)
        self._unshare.wait(timeout=30)
        assert self._unshare.stdout is not None
        self._unshare.stdout.close()
        self._output.close()
        for group in self._groups:
            for folder, _, _ in os.walk(group, topdown=False):
                for _ in range(50):
                    try:
                        Path(folder).rmdir()
                        break
                    except OSError:
                        time.sleep(0.05)


def _hierarchies() -> list[str]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line.split()[1] for line in lines if line.split()[2] in {"cgroup", "cgroup2"}]
