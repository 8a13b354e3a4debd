"""Pages: one file that needs nothing else, whatever the text in it."""

import re
from html.parser import HTMLParser

from narrows.plots.page import Picture, Section, Table, Text, page
from narrows.plots.style import new_figure

SECTIONS = [
    Section("one <script>", [Text("a & b"), Table(("model", "error"), [("<deep>", "0.1"), ("PCA", "0.2")])]),
    Section("two", [Picture(new_figure(1, 1), 'a "caption"')]),
]
PAGE = page("title", "lead", SECTIONS)


class Tags(HTMLParser):
    """Checks that every tag is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_whole():
    tags = Tags()
    tags.feed(PAGE)
    assert not tags.open
    assert tags.seen.count("h2") == 2
    assert tags.seen.count("tr") == 3


def test_long_cells_wrap_and_numbers_do_not():
    row = Table(("", "value"), [("hash", "0123456789abcdef" * 4), ("error", "0.1234")]).html()
    assert row.count("<td class=long>") == 1
    assert "<td>0.1234</td>" in row


def test_text_is_escaped():
    assert "<script" not in PAGE
    assert "&lt;deep&gt;" in PAGE
    assert 'alt="a &quot;caption&quot;"' in PAGE


def test_it_needs_nothing_else():
    assert not re.search(r'(src|href)="(?!data:)', PAGE)
    assert "url(" not in PAGE
    assert PAGE.count("data:image/png;base64,") == 1


def test_it_suits_dark_and_narrow_screens():
    assert "prefers-color-scheme: dark" in PAGE
    assert "width=device-width" in PAGE
