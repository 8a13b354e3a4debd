"""What data to be compressed came in, and how it is cut into columns and blocks of rows: arrays.

A form takes data apart into the contents of chunks and puts them together again, the container and types as they were.
Every value goes through a carrier: a numeric type of at most eight bytes in the byte order of the machine, with the
same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from narrows.coding.chunks import Content
from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array

BLOCK, VALUES = 1 << 23, 1 << 20
"""About how many bytes of an array make a chunk, and how many values at most that are wider than a byte."""
LONGEST_ROW = 1 << 26
"""Rows of more bytes are no unit."""
MOST_COLUMNS = 128
"""More columns of an array are one content."""
LARGEST_BLOCK = 1 << 29
"""No chunk holds more bytes than this; a file that claims so is refused."""


@dataclass(frozen=True)
class Field:
    """One column.

    Args:
        name: What it is called; empty where columns have no names.
        dtype: The type of its carrier.
        inner: The shape of one value.
    """

    name: str
    dtype: np.dtype[Any]
    inner: tuple[int, ...] = ()


class Form(ABC):
    """What data came in."""

    kind: ClassVar[str]
    count: int
    """How many rows there are."""
    fields: Sequence[Field]
    """Its columns."""

    in_blocks: bool = False
    """Whether blocks of rows are arrays that belong one after another."""

    @abstractmethod
    def in_words(self) -> str:
        """What the data are."""

    @abstractmethod
    def block(self) -> int:
        """How many rows make a chunk."""

    @abstractmethod
    def contents(self, data: Any, start: int, stop: int) -> list[Content]:
        """The content of every column for some rows."""

    @abstractmethod
    def restored(self, blocks: Sequence[Sequence[Content]], whole: bool) -> Any:
        """Data of blocks of rows, each a content for every column.

        Args:
            blocks: The rows, one block after another.
            whole: Whether these are all rows there are, so that a shape or an index belongs to them.
        """

    @abstractmethod
    def column(self, number: int, parts: Sequence[Content]) -> Any:
        """One column of blocks of rows."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """A dictionary that `from_json` reads back."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any]) -> Form:
        """Rebuild a form.

        Raises:
            KeyError, ValueError, TypeError: What was saved is none.
        """

    def numbered(self, column: str | int) -> int:
        """The number of a column by its name."""
        names = [field.name for field in self.fields]
        if isinstance(column, int) or column not in names:
            raise InputError(f"there is no column {column!r} (known: {', '.join(names[:20]) or 'none has a name'})")
        return names.index(column)


class ArrayForm(Form):
    """A NumPy array.

    Args:
        dtype: Its type.
        shape: Its shape.
        layout: `"whole"` (rows are one content), `"columns"` (one for each column), or `"flat"` (values in a row).
    """

    kind = "array"

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...], layout: str) -> None:
        self.dtype, self.shape, self.layout = dtype, shape, layout
        carrier, extra = carrier_of(dtype)
        if layout == "flat":
            self.count = prod(shape)
            self.fields = [Field("", carrier, extra)]
        elif not shape or (layout == "columns" and len(shape) != 2):
            raise ValueError("a layout that does not fit the shape")
        elif layout == "columns":
            self.count = shape[0]
            self.fields = [Field("", carrier, extra)] * shape[1]
        elif layout == "whole":
            self.count = shape[0]
            self.fields = [Field("", carrier, (*shape[1:], *extra))]
        else:
            raise ValueError(f"unknown layout {layout!r}")
        self.in_blocks = layout != "flat"

    @classmethod
    def layouts(cls, array: Array) -> list[str]:
        """The layouts that make sense for an array, the most promising first."""
        if array.dtype.hasobject:
            raise InputError(f"arrays of {array.dtype} hold references to objects, and cannot be compressed")
        if array.ndim == 0 or array.nbytes // max(1, len(array)) > LONGEST_ROW:
            return ["flat"]
        narrow = array.ndim == 2 and 2 <= array.shape[1] <= MOST_COLUMNS and len(array) >= max(64, 4 * array.shape[1])
        return ["columns", "whole"] if narrow and not carrier_of(array.dtype)[1] else ["whole"]

    def in_words(self) -> str:
        return f"an array of {' x '.join(map(str, self.shape)) or 'one value'}, {self.dtype}"

    def block(self) -> int:
        row = sum(field.dtype.itemsize * prod(field.inner) for field in self.fields)
        width = max((field.dtype.itemsize for field in self.fields), default=1)
        size = min(BLOCK, VALUES * width) if self.layout == "whole" and width > 1 else BLOCK
        return max(1, min(size // max(1, row), 1 << 24))

    def contents(self, data: Array, start: int, stop: int) -> list[Content]:
        rows = np.asarray(data).reshape(-1)[start:stop] if self.layout == "flat" else np.asarray(data[start:stop])
        carried = to_carrier(rows)
        if self.layout == "columns":
            return [Content(np.ascontiguousarray(carried[:, number])) for number in range(len(self.fields))]
        return [Content(carried)]

    def restored(self, blocks: Sequence[Sequence[Content]], whole: bool) -> Array:
        shape = self.shape if whole or self.layout == "flat" else (-1, *self.shape[1:])
        if self.layout == "columns":
            joined = [
                np.concatenate([self._empty(number), *(b[number].values for b in blocks)])
                for number in range(len(self.fields))
            ]
            values = np.column_stack(joined)
        else:
            values = np.concatenate([self._empty(0), *(block[0].values for block in blocks)])
        rows = len(values)
        found = from_carrier(values, self.dtype)
        if self.layout == "flat":
            return found.reshape(shape) if whole else found.reshape(-1)
        return found.reshape((rows, *self.shape[1:]))

    def _empty(self, number: int) -> Array:
        field = self.fields[number]
        return np.zeros((0, *field.inner), field.dtype)

    def column(self, number: int, parts: Sequence[Content]) -> Array:
        return from_carrier(np.concatenate([self._empty(number), *(part.values for part in parts)]), self.dtype)

    def to_json(self) -> dict[str, Any]:
        return {"dtype": _described(self.dtype), "shape": list(self.shape), "layout": self.layout}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ArrayForm:
        shape = tuple(int(length) for length in data["shape"])
        if any(length < 0 or length > 1 << 48 for length in shape) or len(shape) > 32 or prod(shape) > 1 << 60:
            raise ValueError("a shape that no array has")
        return cls(_as_dtype(data["dtype"]), shape, data["layout"])


def carrier_of(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The carrier of a type, and the shape that a value of it takes there."""
    if dtype.kind in "biuf" and dtype.itemsize <= 8:
        return dtype.newbyteorder("="), ()
    if dtype.kind in "mM":
        return np.dtype(np.int64), ()
    if dtype.kind == "c" and dtype.itemsize <= 16:
        return np.dtype(f"f{dtype.itemsize // 2}"), (2,)
    if dtype.kind == "U":
        return np.dtype(np.uint32), (dtype.itemsize // 4,)
    return np.dtype(np.uint8), (dtype.itemsize,)


def to_carrier(values: Array) -> Array:
    """Values in their carrier."""
    carrier, extra = carrier_of(values.dtype)
    plain = np.ascontiguousarray(values).reshape(values.shape)
    if values.dtype.kind in "biufcmMU" and values.dtype.byteorder == ">":
        plain = plain.byteswap().view(values.dtype.newbyteorder("="))
    if not plain.size or not values.dtype.itemsize:
        return np.zeros((*values.shape, *extra), carrier)
    return plain.reshape(-1).view(carrier).reshape(*values.shape, *extra)


def from_carrier(values: Array, dtype: np.dtype[Any]) -> Array:
    """Values of a type back from their carrier."""
    _, extra = carrier_of(dtype)
    shape = values.shape[: values.ndim - len(extra)]
    if not values.size:
        return np.zeros(shape, dtype)
    native = np.ascontiguousarray(values).reshape(-1).view(dtype.newbyteorder("=")).reshape(shape)
    if dtype.kind in "biufcmMU" and dtype.byteorder == ">":
        return native.byteswap().view(dtype)
    return native.view(dtype)


def _described(dtype: np.dtype[Any]) -> Any:
    """A type as JSON can hold it."""
    return dtype.str if dtype.names is None else np.lib.format.dtype_to_descr(dtype)


def _as_dtype(described: Any) -> np.dtype[Any]:
    def listed(part: Any) -> Any:
        if isinstance(part, list) and part and all(isinstance(one, list) for one in part):
            return [tuple(listed(piece) if isinstance(piece, list) else piece for piece in one) for one in part]
        return tuple(part) if isinstance(part, list) else part

    found = np.lib.format.descr_to_dtype(listed(described))
    if found.hasobject or found.itemsize > 1 << 24:
        raise FileError(f"arrays of {found} are never made from files")
    return found
