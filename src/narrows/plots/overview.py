"""One picture that says what an autoencoder does: samples and their reconstructions beside the map of their codes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from narrows.plots.codes import draw_code_map
from narrows.plots.images import draw_image_rows
from narrows.plots.style import INK, TEXT, new_figure

Array = np.ndarray[Any, np.dtype[Any]]


def overview(rows: Mapping[str, Array], codes: Array, labels: Array, title: str = "") -> Figure:
    """Rows of images on the left, the map of codes on the right.

    Args:
        rows: Images by name, as in `image_rows`.
        codes: (n, 2).
        labels: (n,).
        title: What stands above the images.

    >>> import numpy as np
    >>> figure = overview({"original": np.zeros((4, 8, 8))}, np.eye(4)[:, :2], np.arange(4))
    """
    figure = new_figure(11.4, 3.8)
    grid = figure.add_gridspec(1, 2, width_ratios=(1.6, 1))
    left, right = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    left.suptitle(title, fontsize=TEXT, color=INK)
    draw_image_rows(left, rows)
    draw_code_map(right.subplots(), codes, labels)
    return figure
