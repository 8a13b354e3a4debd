"""Pictures of any sizes: as a list of arrays, cut into patches to learn from, with their masks and their alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.arrays import MAX_CHANNELS, Array, as_array

PATCH = 64
"""How many pixels a patch to learn from is wide and high."""
LARGE = 96
"""From what size on pictures are cut into patches."""
LEAST = 8
"""The shortest side from which something can be learned."""
MOST_PATCHES = 4_000
"""How many patches are learned from, at most."""


def all_of(X: Any, gaps: bool = False) -> list[Array]:
    """Pictures one by one, channels last.

    Args:
        X: (n, height, width), (n, height, width, channels), (n, channels, height, width), or a list of pictures.
        gaps: Whether values may be missing.

    Raises:
        InputError: Something else, or values that are missing or infinite.
    """
    given = X if isinstance(X, list | tuple) else as_array(X)
    found = []
    for place, picture in enumerate(given):
        array = np.asarray(picture)
        if array.ndim == 3 and array.shape[2] > MAX_CHANNELS and array.shape[0] <= MAX_CHANNELS:
            array = np.moveaxis(array, 0, 2)
        if array.ndim not in (2, 3) or array.dtype.kind not in "uif" or (array.ndim == 3 and array.shape[2] > 4):
            raise InputError(
                f"a picture has the shape (height, width[, channels]) and numbers for pixels, got number {place} of "
                f"shape {array.shape} and type {array.dtype}"
            )
        if array.dtype.kind == "f" and (np.isinf(array).any() or (not gaps and np.isnan(array).any())):
            raise InputError(f"picture {place} holds NaN or inf: narrows.Inpainter fills what is missing (NaN)")
        found.append(array)
    return found


def as_given(X: Any, pictures: Sequence[Array]) -> Any:
    """Pictures as they came: an array, channels where they were, or a list."""
    if isinstance(X, list | tuple):
        return list(pictures)
    whole = np.stack(pictures)
    first = np.ndim(X) == 4 and np.shape(X)[3] > MAX_CHANNELS
    return np.moveaxis(whole, 3, 1) if first else whole


def to_learn(X: Any) -> Any:
    """Samples to learn from: pictures without their alpha, cut into patches where they are large or differ in size.

    Args:
        X: Pictures as in `all_of`; anything else is handed back as it is.

    Raises:
        InputError: Pictures that differ in channels or type, or are too small.
    """
    listed = isinstance(X, list | tuple) and len(X) > 0 and np.ndim(X[0]) in (2, 3)
    if not listed and not (isinstance(X, np.ndarray) and X.ndim in (3, 4)):
        return X
    several = [colours(picture) for picture in all_of(X, gaps=True)]
    if len({(p.ndim, p.shape[2:], p.dtype) for p in several}) != 1:
        raise InputError("pictures to learn from have as many channels each, and are of one type")
    if len({p.shape for p in several}) == 1 and max(several[0].shape[:2]) < LARGE:
        return np.stack(several)
    side = min(PATCH, *(min(p.shape[:2]) for p in several))
    if side < LEAST:
        raise InputError(f"the smallest picture has a side of {side} pixels: at least {LEAST} are needed to learn from")
    found = [
        picture[top : top + side, left : left + side]
        for picture in several
        for top in _places(picture.shape[0], side)
        for left in _places(picture.shape[1], side)
    ]
    return np.stack(found[:: -(-len(found) // MOST_PATCHES)])


def _places(size: int, side: int) -> list[int]:
    """Where patches begin: side by side, and one at the end."""
    return sorted({*range(0, size - side + 1, side), size - side})


def colours(picture: Array) -> Array:
    """A picture without its alpha, which is its second or fourth channel."""
    return picture[..., :-1] if picture.ndim == 3 and picture.shape[2] in (2, 4) else picture


def beside(mask: Array, picture: Array) -> Array:
    """A mask (height, width) that goes with a picture's channels."""
    return mask[..., None] if picture.ndim == 3 else mask


def masks_of(pictures: Sequence[Array], mask: Any) -> list[Array]:
    """A mask for each picture, (height, width) bool.

    Args:
        pictures: The pictures.
        mask: One for all, or one for each; None for where they are NaN.

    Raises:
        InputError: A mask of another shape, or one that hides nothing, or everything.
    """
    if mask is None:
        found = [_any(np.isnan(picture)) for picture in pictures]
    elif np.ndim(mask) == 2 and not isinstance(mask, list):
        found = [np.asarray(mask) != 0] * len(pictures)
    else:
        found = [_any(np.asarray(one) != 0) for one in mask]
        if len(found) != len(pictures):
            raise InputError(f"there are {len(found)} masks for {len(pictures)} pictures")
    for place, (picture, one) in enumerate(zip(pictures, found, strict=True)):
        if one.shape != picture.shape[:2]:
            raise InputError(f"the mask of picture {place} has the shape {one.shape}, the picture {picture.shape[:2]}")
        if not one.any():
            raise InputError(f"the mask of picture {place} hides nothing: there is nothing to fill")
        if one.all():
            raise InputError(f"the mask of picture {place} hides everything: there is nothing to go by")
    return found


def _any(mask: Array) -> Array:
    return np.asarray(mask.any(2)) if mask.ndim == 3 else mask
