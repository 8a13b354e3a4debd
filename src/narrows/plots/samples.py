"""Samples that models have made, and ways between samples."""

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from narrows.data.sheets import contact_sheet
from narrows.plots.style import INK, TEXT, new_figure

Array = np.ndarray[Any, np.dtype[Any]]


def sample_sheets(made: Mapping[str, Array], columns: int = 3) -> Figure:
    """A contact sheet for each model, its name above, from the least value in black to the greatest in white.

    Args:
        made: Images by name, each (n, height, width[, channels]).
        columns: How many sheets stand beside one another.

    >>> import numpy as np
    >>> [axes.get_title() for axes in sample_sheets({"one": np.zeros((4, 8, 8)), "two": np.ones((4, 8, 8))}).axes]
    ['one', 'two']
    """
    columns = min(columns, len(made))
    rows = ceil(len(made) / columns)
    figure = new_figure(3.2 * columns, 3.5 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, (name, images) in zip(grid.flat, made.items(), strict=False):
        axes.imshow(contact_sheet(images.astype(np.float64)), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(name, fontsize=TEXT, color=INK)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes in grid.flat[len(made) :]:
        axes.remove()
    return figure


def ways(images: Array, steps: int) -> Figure:
    """Ways from sample to sample, or traversals of a code, one in each row.

    Args:
        images: One row after another, (n * steps, height, width[, channels]).
        steps: How many images make a row.

    >>> import numpy as np
    >>> len(ways(np.zeros((12, 8, 8)), steps=6).axes)
    1
    """
    sheet = contact_sheet(images.astype(np.float64), columns=steps)
    figure = new_figure(6.4, 6.4 * sheet.shape[0] / sheet.shape[1])
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return figure
