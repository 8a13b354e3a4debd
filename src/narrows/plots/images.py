"""Images in rows: originals and what became of them, one column for each sample."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure, FigureBase

from narrows.plots.style import INK, TEXT, new_figure

Array = np.ndarray[Any, np.dtype[Any]]


def reconstructions(originals: Array, rebuilt: Array) -> Figure:
    """Originals above their reconstructions.

    Args:
        originals: Images, (n, height, width[, channels]).
        rebuilt: Images of the same shape.

    >>> import numpy as np
    >>> len(reconstructions(np.zeros((3, 8, 8)), np.ones((3, 8, 8))).axes)
    6
    """
    return image_rows({"original": originals, "rebuilt": rebuilt})


def before_after(noisy: Array, cleaned: Array, clean: Array) -> Figure:
    """Noisy images, what a model made of them, and the truth.

    Args:
        noisy: Images, (n, height, width[, channels]).
        cleaned: What came out.
        clean: What the noise was put on.

    >>> import numpy as np
    >>> [axes.get_ylabel() for axes in before_after(*np.zeros((3, 1, 8, 8))).axes]
    ['noisy', 'cleaned', 'clean']
    """
    return image_rows({"noisy": noisy, "cleaned": cleaned, "clean": clean})


def image_rows(rows: Mapping[str, Array]) -> Figure:
    """One row of images for each name, all on one scale from dark to light.

    Args:
        rows: Images by name, each (n, height, width[, channels]); as many in each row.

    >>> import numpy as np
    >>> figure = image_rows({"input": np.zeros((4, 8, 8)), "output": np.zeros((4, 8, 8, 3))})
    """
    names = max(map(len, rows))
    columns, tall = max(map(len, rows.values())), len(rows)
    cell = (6.4 - 0.1 * names) / columns
    figure = new_figure(6.4, tall * (cell + 0.04) + 0.06)
    draw_image_rows(figure, rows)
    return figure


def draw_image_rows(figure: FigureBase, rows: Mapping[str, Array]) -> None:
    """Draw rows of images on a figure or a part of one."""
    first = next(iter(rows.values()))
    low, high = float(first.min()), max(float(first.max()), float(first.min()) + 1e-12)
    grid = figure.subplots(len(rows), len(first), squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(line, images, strict=True):
            shown = np.clip((np.asarray(image, dtype=np.float64) - low) / (high - low), 0, 1)
            axes.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=TEXT, color=INK)
