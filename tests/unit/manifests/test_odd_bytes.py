"""What other programs print need not be text, and no error about it may fail to print."""

from __future__ import annotations

import sys

import pytest

from slipway.errors import SlipwayError
from slipway.run import CommandFailed, run

LATIN_1 = "import os, sys; os.write(int(sys.argv[1]), b'caf\\xe9'); sys.exit(int(sys.argv[2]))"


def test_output_that_is_no_utf8_keeps_its_bytes() -> None:
    said = run([sys.executable, "-c", LATIN_1, "1", "0"]).stdout
    assert said.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_failure_that_is_no_utf8_can_be_printed() -> None:
    with pytest.raises(CommandFailed) as failure:
        run([sys.executable, "-c", LATIN_1, "2", "3"])
    assert str(failure.value).encode("utf-8").endswith(b"status 3:\ncaf?")


def test_every_part_of_an_error_can_be_printed() -> None:
    error = SlipwayError("a\udce9", where="b\udce9", remedy="c\udce9")
    assert str(error) == "b?: a?\n  → c?"
    assert error.as_dict() | {"code": ""} == {"error": "a?", "code": "", "where": "b?", "remedy": "c?"}
