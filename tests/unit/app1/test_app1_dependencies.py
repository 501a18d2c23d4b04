"""The dependencies that made the first app1 fail cannot come back: exact, hashed, and a compatible pair."""

from __future__ import annotations

import re

from slipway.paths import project_dir

SOURCE = project_dir() / "apps" / "app1" / "src"
REQUIREMENTS = (SOURCE / "requirements.txt").read_text("utf-8")
PINNED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", REQUIREMENTS, re.MULTILINE))


def test_flask_and_werkzeug_are_of_the_same_generation() -> None:
    # Flask 2.2 asked Werkzeug 3 for url_quote, which is gone (S0-20).
    assert PINNED["flask"].split(".")[0] == "3"
    assert PINNED["werkzeug"].split(".")[0] == "3"


def test_every_requirement_is_exact_and_hashed() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", REQUIREMENTS, flags=re.MULTILINE).strip())

    assert len(entries) == len(PINNED)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_what_is_asked_for_is_what_is_pinned() -> None:
    asked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (SOURCE / "requirements.in").read_text("utf-8"), re.MULTILINE))

    assert asked
    assert asked.items() <= PINNED.items()
