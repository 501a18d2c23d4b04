"""Starts the supervisor as the sandbox's own process 1: in its cgroup, and adopting every orphan below it.

Run as a file, by the interpreter of the project: `python launch.py SUPERVISORD_CONF CGROUP_PROCS_FILE...`. It takes no
other module of ours, because the process it becomes must not depend on the checkout's import path.

Being a subreaper is what keeps a killed container from staying a zombie for ever on machines whose process 1 does
not reap; the flag survives `exec`, and supervisord reaps every child it gets, its own or not.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Join the cgroup, become the subreaper, become supervisord."""
    configuration, *groups = sys.argv[1:]
    for group in groups:
        Path(group).write_text(str(os.getpid()), encoding="ascii")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", configuration])  # noqa: S606


if __name__ == "__main__":
    main()
