"""What all figures share: their colours, their type sizes, and how they become PNG."""

from collections.abc import Sequence
from io import BytesIO
from itertools import cycle, islice

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that stay apart for colour-blind eyes: Petroff (2021), https://arxiv.org/abs/2107.02270."""
INK, FAINT = "#222222", "#c8c8c8"
TEXT, SMALL = 13, 11
"""Type sizes in points, legible where a page shrinks a figure to the width of a telephone."""


def colours(n: int) -> Sequence[str]:
    """The first n colours; beyond ten they come round again."""
    return list(islice(cycle(COLOURS), n))


def new_figure(width: float, height: float) -> Figure:
    """An empty white figure, in inches, that lays itself out."""
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def tidy(axes: Axes, title: str, x: str, y: str) -> Axes:
    """Titles and labels in one manner, and two spines instead of four."""
    axes.set_title(title, fontsize=TEXT, color=INK, loc="left")
    axes.set_xlabel(x, fontsize=TEXT, color=INK)
    axes.set_ylabel(y, fontsize=TEXT, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    return axes


def png(figure: Figure, dpi: int = 150) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()
