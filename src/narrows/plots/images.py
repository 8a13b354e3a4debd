"""Images in rows: originals and what became of them, one column for each sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure, FigureBase

from narrows.plots.style import INK, TEXT, new_figure

Array = np.ndarray[Any, np.dtype[Any]]
PIXELS = 160
"""How many pixels of a picture a contact sheet shows along each side, so that each is seen."""


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


def contact_sheet(before: Sequence[Array], after: Sequence[Array]) -> Figure:
    """Pictures of any sizes above what became of them: of each the middle, pixel by pixel, from black to white.

    Args:
        before: Pictures, (height, width[, channels]); alpha is not shown.
        after: The restored ones, of the same size or larger.

    >>> import numpy as np
    >>> sheet = contact_sheet([np.zeros((8, 9), np.uint8)], [np.zeros((16, 18), np.uint8)])
    >>> [axes.get_images()[0].get_array().shape for axes in sheet.axes]
    [(8, 9), (16, 18)]
    """
    figure = new_figure(2.6 * len(before) + 0.8, 5.4)
    grid = figure.subplots(2, len(before), squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for column, (spoilt, restored) in enumerate(zip(before, after, strict=True)):
        ratio = restored.shape[0] / spoilt.shape[0]
        low, high = _span(spoilt)
        for axes, picture, side in ((grid[0, column], spoilt, PIXELS / ratio), (grid[1, column], restored, PIXELS)):
            shown = (_middle(picture, round(side)).astype(np.float64) - low) / (high - low)
            axes.imshow(shown.clip(0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for axes, name in zip(grid[:, 0], ("before", "after"), strict=True):
        axes.set_ylabel(name, fontsize=TEXT, color=INK)
    return figure


def _span(picture: Array) -> tuple[float, float]:
    """What is black and what is white: the limits of whole numbers, the extremes of others."""
    if picture.dtype.kind == "u":
        return 0.0, float(np.iinfo(picture.dtype).max)
    low = float(np.nanmin(picture))
    return low, max(float(np.nanmax(picture)), low + 1e-12)


def _middle(picture: Array, side: int) -> Array:
    """The middle of a picture without its alpha."""
    top, left = (max(0, (size - side) // 2) for size in picture.shape[:2])
    seen = picture[top : top + side, left : left + side]
    channels = np.atleast_3d(seen).shape[2]
    return seen[..., :-1] if channels == 4 else seen[..., 0] if seen.ndim == 3 and channels < 3 else seen
