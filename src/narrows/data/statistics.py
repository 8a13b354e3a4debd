"""What one pass over raw values finds: means, ranges, gaps, and what kind of numbers they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.arrays import Array, column_name

BLOCK = 1 << 15
"""How many values one look takes in."""


@dataclass(frozen=True)
class Statistics:
    """What one pass over the data finds, for each column of a table or for all values of images.

    Missing values count for nothing; a column that has no others is a constant zero.
    """

    mean: Array
    variance: Array
    low: Array
    high: Array
    binary: bool
    whole: bool
    gaps: bool
    empty: Array

    @classmethod
    def of(cls, array: Array, named: Any = None, by_last: bool = False) -> Statistics:
        """Read the array once, in blocks.

        Args:
            array: Raw values.
            named: What columns are called by, in messages.
            by_last: Whether each place on the last axis is a column of its own; always so for (n, d).

        Raises:
            InputError: An infinite value, with its row and column.
        """
        width = array.shape[-1] if by_last or array.ndim == 2 else 1
        return cls.over([array], width, named)

    @classmethod
    def over(cls, arrays: Iterable[Array], width: int, named: Any = None) -> Statistics:
        """Read arrays that follow each other once, in blocks.

        Args:
            arrays: Raw values, (n, ...) each.
            width: How many columns they have, on the last axis; 1 to take all values together.
            named: What columns are called by, in messages.

        Raises:
            InputError: An infinite value, with its row and column.
        """
        count, mean, squares = np.zeros(width), np.zeros(width), np.zeros(width)
        low, high = np.full(width, np.inf), np.full(width, -np.inf)
        binary, whole, gaps = True, True, False
        for start, block in _looks(arrays):
            holes = _gaps(block, start, named)
            values = block.reshape(-1, width).astype(np.float64)
            present = ~np.isnan(values) if holes else np.ones(1, dtype=bool)
            gaps = gaps or holes
            found = present.sum(0) if holes else np.full(width, len(values))
            with np.errstate(over="ignore", invalid="ignore"):
                total = np.maximum(1, count + found)
                block_mean = np.where(present, values, 0).sum(0) / np.maximum(1, found)
                block_squares = np.square(np.where(present, values - block_mean, 0)).sum(0)
                delta = block_mean - mean
                squares += block_squares + delta**2 * count * found / total
                mean += delta * found / total
            count = count + found
            low = np.minimum(low, np.where(present, values, np.inf).min(0))
            high = np.maximum(high, np.where(present, values, -np.inf).max(0))
            whole = whole and (block.dtype.kind in "biu" or bool(((values == np.rint(values)) | ~present).all()))
            binary = binary and bool((np.isin(values, (0.0, 1.0)) | ~present).all())
        if not np.isfinite(squares).all():
            column = column_name(named, int(np.flatnonzero(~np.isfinite(squares))[0]))
            raise InputError(f"X has values in column {column} too large to square without overflow: rescale it")
        if not count.any():
            raise InputError("X has no values at all: every one is missing")
        low, high = np.where(count == 0, 0, low), np.where(count == 0, 0, high)
        return cls(mean, squares / np.maximum(1, count), low, high, binary, whole, gaps, count == 0)


def _blocks(array: Array) -> Iterator[tuple[int, Array]]:
    """An array a look at a time, with the number of each block's first row."""
    rows = max(1, BLOCK // max(1, array[:1].size))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def _looks(arrays: Iterable[Array]) -> Iterator[tuple[int, Array]]:
    """Arrays that follow each other, a look at a time, with the number of each block's first row among all."""
    before = 0
    for array in arrays:
        for start, block in _blocks(array):
            yield before + start, block
        before += len(array)


def gaps_in(array: Array, named: Any = None, before: int = 0) -> bool:
    """Whether an array has missing values (NaN).

    Args:
        array: Raw values, (n, ...).
        named: What columns are called by, in messages.
        before: How many rows come before it.

    Raises:
        InputError: An infinite value, with its row and column.
    """
    gaps = False
    for start, block in _blocks(array):
        gaps = _gaps(block, before + start, named) or gaps
    return gaps


def _gaps(block: Array, start: int, named: Any) -> bool:
    if block.dtype.kind != "f" or np.isfinite(block).all():
        return False
    infinite = np.argwhere(np.isinf(block))
    if len(infinite):
        place = infinite[0]
        where = f"column {column_name(named, place[1])}" if block.ndim == 2 else f"pixel {tuple(map(int, place[1:]))}"
        raise InputError(
            f"X has inf in {where}, first in row {start + place[0]}: infinite values are not supported, "
            "make them missing (NaN) or drop them"
        )
    return True
