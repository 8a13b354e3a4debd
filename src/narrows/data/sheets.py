"""Contact sheets: many images in the rows and columns of one."""

from math import ceil, sqrt
from pathlib import Path

import numpy as np

from narrows.data.arrays import Array
from narrows.data.writing import PICTURES

GAP = 2
"""Pixels between two images."""
LEAST = 48
"""How long the shorter side of an image is, at least, in pixels; smaller ones are enlarged by whole numbers."""


def is_sheet(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether several images of this shape, (n, ...), are to go into the one picture at a path."""
    return path.suffix.lower() in PICTURES and len(shape) in (3, 4) and shape[0] > 1


def contact_sheet(images: Array, columns: int | None = None) -> Array:
    """Images as one, row by row, on white, in uint8.

    Numbers that are not uint8 are scaled so that the least of all images is black and the greatest white.

    Args:
        images: (n, height, width), (n, height, width, channels) or (n, channels, height, width).
        columns: How many stand beside one another; None for about as many as rows.

    Returns:
        (height, width) or (height, width, channels).

    >>> contact_sheet(np.zeros((5, 60, 50), np.uint8)).shape
    (122, 154)
    """
    if images.ndim == 4 and images.shape[-1] > 4 >= images.shape[1]:
        images = images.transpose(0, 2, 3, 1)
    if images.dtype != np.uint8:
        values = images.astype(np.float64)
        low, high = values.min(), values.max()
        images = np.rint((values - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    n, height, width = images.shape[:3]
    larger = max(1, ceil(LEAST / min(height, width)))
    images = images.repeat(larger, 1).repeat(larger, 2)
    height, width = height * larger + GAP, width * larger + GAP
    columns = columns or ceil(sqrt(n))
    rows = ceil(n / columns)
    sheet = np.full((rows * height - GAP, columns * width - GAP, *images.shape[3:]), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        sheet[top : top + height - GAP, left : left + width - GAP] = image
    return sheet
