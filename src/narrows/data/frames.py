"""Data frames of any library to Arrow tables, and back to what they came in.

What a table came in is its library and its Arrow schema, in which pandas keeps its own types too, so that a model file
can hold both.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from narrows.core.errors import InputError


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of a library that is known: pandas, Polars, Arrow, and others like them."""
    known = nw.dependencies.is_into_dataframe(X) or nw.dependencies.is_polars_lazyframe(X)
    return known or isinstance(X, pa.RecordBatch)


@dataclass(frozen=True)
class Frame:
    """What a table came in.

    Args:
        library: `"pandas"`, `"polars"` or `"arrow"`.
        schema: The Arrow schema of its columns.
    """

    library: str
    schema: pa.Schema

    @classmethod
    def of(cls, X: Any, table: pa.Table) -> Frame:
        """The library of a frame, and the schema of its table."""
        polars = nw.dependencies.is_polars_dataframe(X) or nw.dependencies.is_polars_lazyframe(X)
        library = "pandas" if nw.dependencies.is_pandas_dataframe(X) else "polars" if polars else "arrow"
        return cls(library, table.schema)

    def restore(self, table: pa.Table, like: Any = None) -> Any:
        """Canonical values as a frame of this library and these types, or as an Arrow table where it is not installed.

        Args:
            table: The values, some or all of the columns.
            like: A pandas frame with as many rows, whose index and types are kept.
        """
        kinds = {field.name: field.type for field in self.schema}
        columns = [_cast(table.column(name), kinds[name]) for name in table.column_names]
        typed = pa.table(columns, table.column_names)
        try:
            if self.library == "pandas":
                return _to_pandas(typed.replace_schema_metadata(self.schema.metadata), like)
            if self.library == "polars":
                import polars as pl  # optional, as is pandas

                return pl.from_arrow(typed)
        except ImportError:
            pass
        return typed

    def to_json(self) -> dict[str, str]:
        """A dictionary that `from_json` reads back."""
        return {"library": self.library, "schema": base64.b64encode(self.schema.serialize()).decode()}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Self:
        """Rebuild a frame from `to_json`.

        Raises:
            ValueError: What was saved is no Arrow schema.
        """
        return cls(data["library"], pa.ipc.read_schema(pa.py_buffer(base64.b64decode(data["schema"]))))


def as_table(X: Any) -> pa.Table:
    """A data frame as an Arrow table; its index, if it has one, stays behind.

    Raises:
        InputError: Two columns of one name, or values of several kinds in one column.
    """
    if nw.dependencies.is_polars_lazyframe(X):
        X = X.collect()
    if isinstance(X, pa.RecordBatch):
        X = pa.table(X)
    names = list(map(str, X.column_names if isinstance(X, pa.Table) else X.columns))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"X has more than one column named {twice[0]!r}")
    if isinstance(X, pa.Table):
        return X
    try:
        if nw.dependencies.is_pandas_dataframe(X):
            return pa.Table.from_pandas(X, preserve_index=False)
        return nw.from_native(X, eager_only=True).to_arrow()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        said = " ".join(str(error.args[-1] if error.args else error).split())
        raise InputError(f"X has values of several kinds in one column: {said}") from error
    except TypeError as error:  # pandas' sparse columns
        raise InputError(f"X cannot be read as a table: {error}") from error


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Canonical values in another type: whole numbers are rounded; what cannot be cast stays as it is."""
    try:
        if pa.types.is_null(kind) or column.type == kind:
            return column
        if pa.types.is_dictionary(kind):
            return _cast(column, kind.value_type).dictionary_encode()
        if pa.types.is_timestamp(column.type) and pa.types.is_timestamp(kind):
            return column.cast(pa.timestamp(kind.unit), safe=False).cast(pa.int64()).cast(kind)
        if pa.types.is_floating(column.type) and not pa.types.is_floating(kind):
            whole = column if pa.types.is_decimal(kind) else pc.round(column)
            return _within(whole, kind) if pa.types.is_integer(kind) else _by_int(whole, kind)
        return column.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column


def _within(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Whole numbers in a type of integers, clipped to what it can hold."""
    bits = kind.bit_width
    low, high = (0, 2**bits - 1) if pa.types.is_unsigned_integer(kind) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if bits == 64:
        high -= 2**11 - 1  # the largest whole number below it that float64 can hold
    clipped = pc.min_element_wise(column, float(high), skip_nulls=False)
    return pc.max_element_wise(clipped, float(low), skip_nulls=False).cast(kind)


def _by_int(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Numbers in a type that Arrow casts from integers alone: durations and times of day."""
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        return column.cast(pa.int64()).cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()).cast(kind)
    return column.cast(kind, safe=False)


def _to_pandas(table: pa.Table, like: Any) -> Any:
    """A pandas frame; with the index and the types of another one, where values allow it."""
    frame = table.to_pandas()
    if like is None:
        return frame
    frame.index = like.index
    called = {str(name): name for name in like.columns}  # Arrow's names are text, those of pandas may be numbers
    frame.columns = [called[str(name)] for name in frame.columns]
    for name in frame.columns:
        kind = like[name].dtype
        if frame[name].dtype != kind:
            try:
                typed = frame[name].astype(kind)
            except (TypeError, ValueError):
                continue
            if typed.isna().sum() == frame[name].isna().sum():  # a category that this frame does not list
                frame[name] = typed
    return frame
