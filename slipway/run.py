"""Run another program, and turn its failure into an error that says what ran and what it said."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.errors import SlipwayError

__all__ = ["CommandFailed", "run"]

TAIL_LINES = 15
"""How much of a failed command's last output its error carries."""


class CommandFailed(SlipwayError):
    """A program that we ran ended badly; `returncode` and `output` hold what it left."""

    def __init__(self, what: str, *, returncode: int, output: str) -> None:
        super().__init__(what, code="COMMAND_FAILED")
        self.returncode = returncode
        self.output = output


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run `argv` without a shell and return its output as text; bytes that are no UTF-8 are lone surrogates there.

    With `check`, a status other than 0, a missing program or `timeout` seconds without an end raise `CommandFailed`.
    Arguments are shown in errors, so secrets travel by `env` or `input`, never in `argv`.
    """
    words = [str(word) for word in argv]
    shown = " ".join(words[:6]) + (" …" if len(words) > 6 else "")
    try:
        done = subprocess.run(
            words, env=env, cwd=cwd, input=input, timeout=timeout, capture_output=True, check=False,
            encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CommandFailed(f"`{shown}`: {error.filename} was not found", returncode=127, output="") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"`{shown}` did not end within {timeout:.0f} s", returncode=124, output="") from error
    if check and done.returncode != 0:
        output = (done.stderr.strip() or done.stdout.strip()).splitlines()[-TAIL_LINES:]
        raise CommandFailed(
            f"`{shown}` ended with status {done.returncode}:\n" + "\n".join(output),
            returncode=done.returncode,
            output=done.stdout + done.stderr,
        )
    return done
