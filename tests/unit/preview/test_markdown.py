"""Untrusted text in Markdown: it shows as it is and does nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from slipway.preview.markdown import clip, code, fence, plain
from tests.unit.preview.cases import GOLDEN, HOSTILE

INERT = {
    *("h2", "h3", "p", "strong", "ul", "li", "code", "pre", "blockquote", "details", "summary", "sub"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Rendered(HTMLParser):
    """The tags of a rendered comment, and its text inside and outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self.text = ""
        self._depth = 0
        html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "code":
            self._depth += 1
            self.codes.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.codes[-1] += data
        else:
            self.text += data


@given(st.text(max_size=60) | st.text(alphabet="`|\\<>&@#*_[]()!~\n -:", max_size=30))
def test_a_code_span_shows_exactly_the_text_and_nothing_else(text: str) -> None:
    shown = Rendered(f"- {code(text)} after\n")

    assert shown.tags == ["ul", "li", "code"]
    assert shown.text.strip() == "after"
    assert shown.codes == [plain(text) if plain(text).strip() else repr(plain(text))]


@given(st.text(max_size=200) | st.text(alphabet="`~\n <>", max_size=60))
def test_a_fenced_block_is_never_left(text: str) -> None:
    shown = Rendered(f"{fence(text)}\n\nafter\n")

    assert shown.tags == ["pre", "code", "p"]
    assert shown.text.strip() == "after"


@pytest.mark.parametrize("text", ["\u202e", "\u200b", "\x00", "\n", "\r", "\u2028", "\x1b[31m", "\ufeff"])
def test_what_cannot_be_seen_is_shown_as_an_escape(text: str) -> None:
    assert plain(f"a{text}b").isprintable()
    assert plain(f"a{text}b") != "ab"


def test_long_text_is_cut_with_a_sign_that_it_was() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert len(code("x" * 1000)) == 202
    assert "… 70 more lines" in fence("\n".join(map(str, range(100))))


def test_the_comment_with_hostile_names_holds_no_live_element() -> None:
    shown = Rendered((GOLDEN / "hostile-names.md").read_text(encoding="utf-8"))

    assert set(shown.tags) <= INERT
    for name in HOSTILE:
        assert plain(name) in shown.codes
        # Outside of code GitHub would link it, notify somebody or fetch a picture.
        assert plain(name).strip() not in shown.text
    assert "@" not in shown.text
    assert "://" not in shown.text


def test_hostile_names_do_not_close_what_the_comment_opened() -> None:
    tags = Rendered((GOLDEN / "hostile-names.md").read_text(encoding="utf-8")).tags
    plainer = Rendered((GOLDEN / "updates.md").read_text(encoding="utf-8")).tags

    assert tags.count("details") == tags.count("summary") == 2
    assert plainer.count("details") == plainer.count("summary") == 1
