"""What codes whole numbers on a grid of several channels, places along slanted lines and channels in groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from narrows.coding.runs import RunCoder, RunCounter, RunReader, RunWriter

Whole = NDArray[np.int64]


def groups(channels: int) -> Iterator[slice]:
    """Channels that are coded together: 1, 1, 2, 4, 8, ... of them.

    >>> [(part.start, part.stop) for part in groups(6)]
    [(0, 1), (1, 2), (2, 4), (4, 6)]
    """
    start = 0
    while start < channels:
        stop = min(channels, max(1, 2 * start))
        yield slice(start, stop)
        start = stop


def around_of(grid: Whole, y: Whole, x: Whole, part: slice = slice(None)) -> list[Whole]:
    """West, north, north-west and north-east of places, (n, places, channels) each.

    Args:
        grid: (n, rows + 1, columns + 2, channels), zeros above and to either side.
        y: The rows of the places.
        x: Their columns.
        part: Of which channels.
    """
    return [grid[:, y + 1, x, part], grid[:, y, x + 1, part], grid[:, y, x, part], grid[:, y, x + 2, part]]


class GridCoder(ABC):
    """Numbers to bytes and back, as whoever has the coder finds them.

    Every one has `least` and `most`, between which the numbers of a channel lie, (channels,).
    """

    least: Whole
    most: Whole

    def encode(self, grids: Whole) -> tuple[bytes, Whole]:
        """Numbers (n, rows, columns, channels) to bytes, and those that come back: out of range, the nearest in it."""
        writer = RunWriter()
        found = self._walked(writer, grids.shape, grids)
        return writer.done(), found

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Whole:
        """The numbers that came of `encode`, (n, rows, columns, channels)."""
        return self._walked(RunReader(data), shape, None)

    def bits(self, grids: Whole) -> float:
        """How many bits numbers take, reckoned from the tables."""
        counter = RunCounter()
        self._walked(counter, grids.shape, grids)
        return counter.bits

    @abstractmethod
    def _walked(self, coder: RunCoder, shape: tuple[int, ...], grids: Whole | None) -> Whole:
        """Code all numbers; find them where they are not known."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """What the reader of its kind reads."""
