"""Readers: samples that lie on disk, in pieces that are each read from end to end."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from narrows.core.errors import FileError
from narrows.data.arrays import Array

BLOCK = 1 << 22
"""How many bytes one read brings, about."""


class Reader(ABC):
    """Samples on disk.

    Args:
        sizes: How many samples each piece holds.
        shape: The shape of one sample, as it lies in raw arrays.
        dtype: The type that samples are read in.
        names: What columns are called; None where they have no names.
    """

    def __init__(
        self, sizes: Sequence[int], shape: tuple[int, ...], dtype: np.dtype[Any], names: Sequence[str] | None = None
    ) -> None:
        self.starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        """The number of the first sample of each piece, and the number of samples."""
        self.shape = shape
        self.dtype = dtype
        self.names = None if names is None else tuple(names)

    def __len__(self) -> int:
        return int(self.starts[-1])

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return len(self.starts) - 1

    @property
    def row_bytes(self) -> int:
        """How many bytes one sample takes."""
        return max(1, int(np.prod(self.shape)) * self.dtype.itemsize)

    @abstractmethod
    def read(self, piece: int) -> Iterator[Array]:
        """The samples of one piece in order, a block at a time.

        Raises:
            FileError: The piece is damaged.
        """

    @abstractmethod
    def digest(self) -> str:
        """What tells these samples from others, without reading them."""

    def blocks(self, order: Iterable[int] | None = None) -> Iterator[tuple[int, Array]]:
        """Blocks of pieces in this order, or as they lie, each with the number of its first sample."""
        for piece in range(self.pieces) if order is None else order:
            start = int(self.starts[piece])
            for block in self.read(piece):
                yield start, block
                start += len(block)


class Sliced(Protocol):
    """What gives rows for a slice: a memory map, a data set in HDF5 or Zarr."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: slice, /) -> Any: ...


class SlicedReader(Reader):
    """Rows of an array that is not in memory.

    Args:
        rows: What gives rows for a slice.
        dtype: Their type.
        identity: What tells these rows from others.
        together: How many rows are stored together, so that a read takes a multiple of them.
        names: What columns are called; None where they have no names.
        path: Where the rows lie, for messages.
    """

    def __init__(
        self,
        rows: Sliced,
        dtype: np.dtype[Any],
        identity: str,
        together: int = 1,
        names: Sequence[str] | None = None,
        path: Path | None = None,
    ) -> None:
        n, *shape = rows.shape
        row = max(1, int(np.prod(shape)) * dtype.itemsize)
        size = max(1, BLOCK // row // together) * together
        super().__init__([min(size, n - first) for first in range(0, n, size)], tuple(shape), dtype, names)
        self.rows = rows
        self.identity = identity
        self.path = path

    def read(self, piece: int) -> Iterator[Array]:
        first, last = int(self.starts[piece]), int(self.starts[piece + 1])
        yield rows_of(self.rows, first, last, self.path)

    def digest(self) -> str:
        return self.identity


def rows_of(rows: Sliced, first: int, last: int, path: Path | None) -> Array:
    """Rows from one number to another, in memory.

    Raises:
        FileError: They cannot be read: a chunk of the file is damaged, or the file is cut short.
    """
    try:
        return np.array(rows[first:last])
    except (OSError, EOFError, RuntimeError, ValueError, zlib.error) as error:  # what h5py, zarr and their codecs raise
        said = f"rows {first} to {last - 1} cannot be read ({' '.join(str(error).split())})"
        raise FileError(f"{path or 'the data'} is damaged or cut short: {said}") from error
