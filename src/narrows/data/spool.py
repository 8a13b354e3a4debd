"""Spooling: rows that come only once are written to a temporary file, and read from there as often as needed."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array, as_array
from narrows.data.readers import SlicedReader


class RawFile:
    """Rows that lie one after another in a file, read rather than mapped, so that they take no memory afterwards.

    Args:
        path: The file.
        dtype: The type of the values.
        shape: Of all rows, (n, ...).
        offset: Where the first value begins, in bytes.
    """

    def __init__(self, path: str | Path, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int = 0) -> None:
        self.path = Path(path)
        self.dtype = dtype
        self.shape = shape
        self.offset = offset
        self.values = int(np.prod(shape[1:]))

    def __getitem__(self, rows: slice) -> Array:
        first, last, _ = rows.indices(self.shape[0])
        size = max(0, last - first) * self.values
        place = self.offset + first * self.values * self.dtype.itemsize
        found = np.fromfile(self.path, self.dtype, size, offset=place)
        if len(found) != size:
            raise FileError(f"{self.path} is cut short: it has no row {last - 1}")
        return found.reshape(-1, *self.shape[1:])

    def mapped(self) -> Array:
        """All rows as a memory map."""
        return np.memmap(self.path, self.dtype, "r+", self.offset, self.shape)


def spooled(blocks: Iterable[Any]) -> SlicedReader:
    """Blocks of rows, as a reader of a temporary file that goes when the reader does.

    Args:
        blocks: Anything array-like, (n, ...) each, of one shape and type.

    Raises:
        InputError: Blocks that cannot be used, that differ from the first, or none at all.
        FileError: The disk for temporary files is full.
    """
    given = iter(blocks)
    head = next(given, None)
    if head is None:
        raise InputError("the iterator gave no rows")
    first = as_array(head)
    handle, name = tempfile.mkstemp(prefix="narrows-", suffix=".rows")
    raw = RawFile(name, first.dtype, first.shape)
    weakref.finalize(raw, _remove, raw.path)
    content, n = sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for number, block in enumerate(chain([first], map(as_array, given))):
                rows = _fitting(block, first, number).view(np.uint8).data
                file.write(rows)
                content.update(rows)
                n += len(block)
    except OSError as error:
        raise FileError(f"cannot write {name}: {error.strerror or error}") from error
    raw.shape = (n, *first.shape[1:])
    return SlicedReader(raw, first.dtype, content.hexdigest(), names=getattr(head, "columns", None))


def _fitting(block: Array, first: Array, number: int) -> Array:
    """A block in the type of the first one, where that loses nothing."""
    if block.shape[1:] != first.shape[1:]:
        raise InputError(
            f"all blocks have rows of one shape: block {number} has {block.shape[1:]}, and the first {first.shape[1:]}"
        )
    if not np.can_cast(block.dtype, first.dtype):
        raise InputError(f"all blocks have one type: block {number} has {block.dtype}, and the first {first.dtype}")
    return np.ascontiguousarray(block, dtype=first.dtype)


def _remove(path: Path) -> None:
    with suppress(OSError):  # where a file that is still mapped cannot be removed
        path.unlink()
