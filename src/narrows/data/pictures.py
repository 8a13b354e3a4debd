"""Pictures of any sizes: as a list of arrays, cut into patches to learn from, with their masks and their alpha."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.arrays import MAX_CHANNELS, Array, as_array
from narrows.data.picture_files import PictureFiles
from narrows.data.streams import StreamSamples

PATCH = 64
"""How many pixels a patch to learn from is wide and high."""
LARGE = 96
"""From what size on pictures are cut into patches."""
LEAST = 8
"""The shortest side from which something can be learned."""
MOST_PATCHES = 4_000
"""How many patches are learned from, at most."""
WAYS = 8
"""In how many ways a patch can be turned and mirrored; where patches are few, all of them are learned from."""
ENOUGH = 64
"""How many patches there should be; where they would be fewer side by side, they overlap."""
FEW = 8
"""With fewer pictures than this, small ones are cut into patches too."""


def all_of(X: Any, gaps: bool = False) -> list[Array]:
    """Pictures one by one, channels last.

    Args:
        X: (n, height, width), (n, height, width, channels), (n, channels, height, width), or a list of pictures.
        gaps: Whether values may be missing.

    Raises:
        InputError: Something else, or values that are missing or infinite.
    """
    return list(_each(X if isinstance(X, list | tuple | PictureFiles) else as_array(X), gaps))


def _each(given: Iterable[Any], gaps: bool) -> Iterator[Array]:
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
        yield array


def as_given(X: Any, pictures: Sequence[Array]) -> Any:
    """Pictures as they came: an array, channels where they were, or a list."""
    if isinstance(X, list | tuple):
        return list(pictures)
    whole = np.stack(pictures)
    first = np.ndim(X) == 4 and np.shape(X)[3] > MAX_CHANNELS
    return np.moveaxis(whole, 3, 1) if first else whole


def to_learn(X: Any) -> Any:
    """Samples to learn from: pictures without their alpha, cut into patches where they are large, few or of many sizes.

    Args:
        X: Pictures as in `all_of`, files of them, or a stream of them; anything else is handed back as it is.

    Raises:
        InputError: Pictures that differ in channels or type, or are too small.
    """
    if isinstance(X, StreamSamples):
        small = max(X.array.shape[1:], default=0) < LARGE
        return X if X.array.ndim not in (3, 4) or small else _patches(_Streamed(X))
    listed = isinstance(X, list | tuple) and len(X) > 0 and np.ndim(X[0]) in (2, 3)
    if not listed and not isinstance(X, PictureFiles) and not (isinstance(X, np.ndarray) and X.ndim in (3, 4)):
        return X
    return _patches(X)


class _Streamed:
    """Pictures of a stream one by one, as often as they are wanted."""

    def __init__(self, stream: StreamSamples) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[Array]:
        return (picture for block in self.stream.blocks() for picture in block)


def _patches(given: Iterable[Any]) -> Array:
    """Pictures in one array, whole where they are small and many; they are gone through twice, one at a time."""
    forms = [(seen.shape, seen.dtype) for seen in map(colours, _each(given, gaps=True))]
    if len({(shape[2:], dtype) for shape, dtype in forms}) != 1:
        raise InputError("pictures to learn from have as many channels each, and are of one type")
    sizes = [shape[:2] for shape, _ in forms]
    smallest = min(map(min, sizes))
    few = len(sizes) < FEW and smallest >= 2 * LEAST
    if len(set(sizes)) == 1 and max(sizes[0]) < LARGE and not few:
        return np.stack([colours(picture) for picture in _each(given, gaps=True)])
    if smallest < LEAST:
        raise InputError(
            f"the smallest picture has a side of {smallest} pixels: at least {LEAST} are needed to learn from"
        )
    side = min(PATCH, smallest // 2 // LEAST * LEAST if few else smallest)
    step = _step(sizes, side)
    every = -(-_count(sizes, side, step) // MOST_PATCHES)
    found: list[Array] = []
    number = 0
    for picture in map(colours, _each(given, gaps=True)):
        for top in _places(picture.shape[0], side, step):
            for left in _places(picture.shape[1], side, step):
                if number % every == 0:
                    found.append(picture[top : top + side, left : left + side].copy())
                number += 1
    kept = np.stack([patch for patch in found if patch.dtype.kind != "f" or not np.isnan(patch).all()])
    if WAYS * len(kept) > MOST_PATCHES:
        return kept
    return np.stack([turned(patch, way) for way in range(WAYS) for patch in kept])


def turned(picture: Array, way: int) -> Array:
    """A picture, (height, width[, channels]), turned and mirrored in one of eight ways, of which 0 leaves it as it is.

    >>> picture = np.arange(6).reshape(2, 3)
    >>> all((turned_back(turned(picture, way), way) == picture).all() for way in range(WAYS))
    True
    """
    return np.rot90(picture.swapaxes(0, 1) if way >= WAYS // 2 else picture, way)


def turned_back(picture: Array, way: int) -> Array:
    """What `turned` made, as it was."""
    upright = np.rot90(picture, -way)
    return upright.swapaxes(0, 1) if way >= WAYS // 2 else upright


def _step(sizes: Sequence[tuple[int, ...]], side: int) -> int:
    """How far patches lie from each other: side by side, or nearer where there would be few."""
    step = side
    while step > max(1, side // 8) and _count(sizes, side, step) < ENOUGH:
        step //= 2
    return step


def _count(sizes: Sequence[tuple[int, ...]], side: int, step: int) -> int:
    return sum(len(_places(height, side, step)) * len(_places(width, side, step)) for height, width in sizes)


def _places(size: int, side: int, step: int) -> list[int]:
    """Where patches begin, with one at the end."""
    return sorted({*range(0, size - side + 1, step), size - side})


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
        check_mask(one, picture.shape[:2], f"picture {place}")
    return found


def check_mask(mask: Array, size: tuple[int, ...], name: str) -> None:
    """Refuse a mask of another size, or one that hides nothing, or everything.

    Args:
        mask: Where a picture is to be filled, bool.
        size: Height and width of the picture.
        name: What the picture is called.

    Raises:
        InputError: With the reason.
    """
    if mask.shape != size:
        raise InputError(f"the mask of {name} has the shape {mask.shape}, the picture {size}")
    if not mask.any():
        raise InputError(f"the mask of {name} hides nothing: there is nothing to fill")
    if mask.all():
        raise InputError(f"the mask of {name} hides everything: there is nothing to go by")


def with_gaps(picture: Array, mask: Array) -> Array:
    """A picture as float32, NaN where it is hidden, (height, width[, channels])."""
    return np.where(beside(mask, picture), np.float32(np.nan), picture).astype(np.float32)


def _any(mask: Array) -> Array:
    return np.asarray(mask.any(2)) if mask.ndim == 3 else mask
