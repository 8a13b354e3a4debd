"""Codes in two dimensions."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from narrows.plots.style import INK, TEXT, colours, new_figure, tidy

Array = np.ndarray[Any, np.dtype[Any]]


def code_map(codes: Array, labels: Array) -> Figure:
    """Codes as points, in a colour for each label, with the label written where its points are.

    Args:
        codes: (n, 2); of longer codes the first two dimensions are drawn.
        labels: (n,), few different ones.

    >>> import numpy as np
    >>> code_map(np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 3).axes[0].get_xlabel()
    'code, dimension 1'
    """
    figure = new_figure(6.4, 5.4)
    draw_code_map(figure.subplots(), codes, labels)
    return figure


def draw_code_map(axes: Axes, codes: Array, labels: Array) -> None:
    """Draw codes on axes."""
    known = np.unique(labels)
    for label, colour in zip(known, colours(len(known)), strict=True):
        mine = codes[labels == label]
        axes.scatter(mine[:, 0], mine[:, 1], s=16, color=colour, alpha=0.75, linewidths=0)
    for label, colour in zip(known, colours(len(known)), strict=True):
        x, y = np.median(codes[labels == label, :2], axis=0)
        edge = [withStroke(linewidth=3.5, foreground=colour), withStroke(linewidth=3, foreground="white")]
        axes.text(
            x, y, str(label), ha="center", va="center", size=TEXT + 4, weight="bold", color=INK, path_effects=edge
        )
    title = "codes" if len(known) == 1 else "codes, coloured by label"
    tidy(axes, title, "code, dimension 1", "code, dimension 2")
