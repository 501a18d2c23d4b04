"""GitHub's limit: whole entries go, the least important first, and the rest is counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import SlipwayError
from slipway.preview import comment, read_digest
from slipway.preview.budget import LIMIT, Listing, fit
from tests.unit.preview.cases import digest, step

ENTRIES = tuple(f"- entry {number}\n" for number in range(100))


def test_what_fits_is_whole() -> None:
    text, left = fit(["head\n", Listing(0, ENTRIES[:3], head="list\n", tail="end\n")])

    assert text == "head\nlist\n- entry 0\n- entry 1\n- entry 2\nend\n"
    assert left == 0


def test_the_least_important_is_cut_first() -> None:
    text, left = fit([Listing(5, ENTRIES, head="minor\n"), Listing(1, ENTRIES[:20], head="major\n")], limit=600)

    assert "- entry 19\n" in text.partition("major")[2]
    assert f"… and {left} more" in text.partition("major")[0]
    assert left > 70


def test_headings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SlipwayError) as refused:
        fit(["x" * 101], limit=100)
    assert refused.value.code == "COMMENT_TOO_LONG"


entries = st.lists(st.sampled_from(["- a\n", "- ää\n", "- 😀 b\n"]), max_size=200).map(tuple)


@given(st.lists(st.builds(Listing, st.integers(0, 3), entries), max_size=8), st.integers(1000, 2000))
def test_nothing_is_lost_uncounted_and_the_limit_holds(listings: list[Listing], limit: int) -> None:
    text, left = fit(listings, limit)

    assert len(text.encode()) <= limit
    assert text.count("\n- ") + text.startswith("- ") - text.count("- …") + left == sum(
        len(listing.entries) for listing in listings
    )
    assert sum(map(int, re.findall(r"- … and (\d+) more", text))) == left


def test_ten_thousand_changes_make_a_comment_that_github_takes() -> None:
    steps = [step("create", "kubernetes:core/v1:ConfigMap", f"größe-{number}") for number in range(10_000)]
    steps.append(step("delete", "kubernetes:core/v1:Secret", "the-one-that-matters"))
    body, left = comment([read_digest(digest(steps), stack="dev")])

    assert LIMIT - 200 < len(body.encode()) <= LIMIT
    assert "`the-one-that-matters`" in body
    assert "| 10000 | 0 | 0 | 1 |" in body
    assert body.count("größe-") + left == 10_000
    assert f"… and {left} more" in body
    assert body.count("<details>") == body.count("</details>") == 2
