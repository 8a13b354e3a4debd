"""Clips of video: cut into short ones of few pixels to learn from, with their masks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.arrays import Array, as_array

FRAMES = 16
"""How many frames a clip to learn from has."""
SIDE = 48
"""How many pixels it is wide and high."""
MOST_CLIPS = 1_000
"""How many are learned from, at most."""


def are_clips(X: Any) -> bool:
    """Whether samples are video, (n, time, height, width, channels)."""
    return isinstance(X, np.ndarray) and X.ndim == 5


def all_of(X: Any, gaps: bool = False) -> Array:
    """Clips in one array, (n, time, height, width, channels).

    Args:
        X: The clips.
        gaps: Whether values may be missing.

    Raises:
        InputError: Something else, or values that are missing or infinite.
    """
    given = as_array(X)
    if given.ndim != 5:
        raise InputError(
            f"the model was fitted on video (n, time, height, width, channels), got an array of shape {given.shape}"
        )
    if given.dtype.kind == "f" and (np.isinf(given).any() or (not gaps and np.isnan(given).any())):
        raise InputError("the video holds NaN or inf: narrows.Inpainter fills what is missing (NaN)")
    return given


def to_learn(X: Array) -> Array:
    """Short clips of few pixels, cut out of long and large ones; they overlap by half.

    Args:
        X: (n, time, height, width, channels).

    >>> to_learn(np.zeros((1, 64, 128, 128, 1), np.uint8)).shape
    (175, 16, 48, 48, 1)
    """
    sizes = X.shape[1:4]
    sides = [min(side, size) for side, size in zip((FRAMES, SIDE, SIDE), sizes, strict=True)]
    if tuple(sides) == sizes:
        return X
    axes = [
        sorted({*range(0, size - side + 1, max(1, side // 2)), size - side})
        for size, side in zip(sizes, sides, strict=True)
    ]
    places = list(product(range(len(X)), *axes))
    every = -(-len(places) // MOST_CLIPS)
    time, height, width = sides
    return np.stack([X[n, t : t + time, y : y + height, x : x + width] for n, t, y, x in places[::every]])


def masks_of(X: Array, mask: Any) -> Array:
    """Where clips are to be filled, (n, time, height, width) bool.

    Args:
        X: (n, time, height, width, channels).
        mask: (time,) or (n, time) for whole frames; (time, height, width) or (n, time, height, width); None for where
            X is NaN.

    Raises:
        InputError: A mask of another shape, or one that hides nothing, or everything.
    """
    if mask is None:
        found: Array = np.asarray(np.isnan(X).any(-1))
    else:
        given, shape = np.asarray(mask) != 0, X.shape[:4]
        if given.shape in (shape[1:2], shape[:2]):
            given = given[..., None, None]
        if given.ndim < 3 or given.shape[-3] != shape[1]:
            raise InputError(f"the mask of the video has the shape {np.shape(mask)}, its clips {shape}")
        try:
            found = np.broadcast_to(given, shape)
        except ValueError:
            raise InputError(f"the mask of the video has the shape {np.shape(mask)}, its clips {shape}") from None
    for place, one in enumerate(found):
        if not one.any():
            raise InputError(f"the mask of clip {place} hides nothing: there is nothing to fill")
        if one.all():
            raise InputError(f"the mask of clip {place} hides everything: there is nothing to go by")
    return found
