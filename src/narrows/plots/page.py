"""Pages: titled sections of text, tables and figures as one HTML file that needs nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from matplotlib.figure import Figure

from narrows.plots.style import png

LONG = 20
"""A cell of more characters wraps, so that it can be read on a telephone."""


class Block(Protocol):
    """A piece of a section."""

    def html(self) -> str:
        """Itself as HTML."""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str

    def html(self) -> str:
        """The paragraph, escaped."""
        return f"<p>{escape(self.text)}</p>"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the first column names the row, and cells of more than a few words wrap."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def html(self) -> str:
        """The table, in a box that scrolls where the page is narrow."""
        head = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in self.header)
        body = "".join(
            f"<tr><th scope=row>{escape(first)}</th>{''.join(map(_cell, rest))}</tr>" for first, *rest in self.rows
        )
        return f"<div class=scroll><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _cell(text: str) -> str:
    return f"<td{' class=long' if len(text) > LONG else ''}>{escape(text)}</td>"


@dataclass(frozen=True)
class Picture:
    """A figure with a caption, which is also what a screen reader says."""

    figure: Figure
    caption: str

    def html(self) -> str:
        """The figure as PNG inside the page."""
        data, words = b64encode(png(self.figure)).decode("ascii"), escape(self.caption)
        return (
            f'<figure><img src="data:image/png;base64,{data}" alt="{words}"><figcaption>{words}</figcaption></figure>'
        )


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]

    def html(self) -> str:
        """The heading and its blocks."""
        return f"<section><h2>{escape(self.title)}</h2>{''.join(block.html() for block in self.blocks)}</section>"


def page(title: str, lead: str, sections: Iterable[Section]) -> str:
    """A whole page as HTML, for light and dark screens, from telephones to wide ones.

    Args:
        title: Of the page.
        lead: A sentence or two below the title.
        sections: In order.

    >>> "&lt;b&gt;" in page("<b>", "", [Section("one", [Text("two")])])
    True
    """
    body = "\n".join(section.html() for section in sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{CSS}</style></head>\n<body><main><h1>{escape(title)}</h1><p class=lead>{escape(lead)}</p>\n"
        f"{body}</main></body></html>\n"
    )


CSS = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5b6168; --paper: #fbfbfa; --card: #fff; --line: #dfe1e4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --soft: #a3a9b0; --paper: #16181b; --card: #1e2125; --line: #33373d }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem }
p { margin: .4rem 0 1rem }
.lead, figcaption { color: var(--soft) }
figure { margin: 1rem 0 }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--line);
  border-radius: 8px; padding: .5rem }
figcaption { font-size: .88rem; margin-top: .5rem }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .42rem .8rem; text-align: right; white-space: nowrap }
thead th { white-space: normal }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 11rem }
th:first-child { text-align: left }
thead th { color: var(--soft); font-weight: 600; font-size: .88rem }
tbody tr { border-top: 1px solid var(--line) }
tbody th { font-weight: 600 }
@media (max-width: 30rem) { th, td { padding: .4rem .35rem; font-size: .88rem } }
"""
