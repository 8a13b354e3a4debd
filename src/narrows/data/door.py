"""The one door: whatever a user hands over becomes samples."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from narrows.core.errors import InputError
from narrows.core.spec import Kind
from narrows.data.arrays import Array
from narrows.data.csr import is_sparse
from narrows.data.frames import as_table, is_frame
from narrows.data.samples import ArraySamples, Samples
from narrows.data.schema import Schema
from narrows.data.sparse import SparseSamples
from narrows.data.spool import spooled
from narrows.data.stores import as_stream
from narrows.data.streams import StreamSamples
from narrows.data.table_samples import MatrixSamples, TableSamples
from narrows.data.table_schema import TableSchema
from narrows.data.table_streams import as_table_stream
from narrows.data.uneven import UnevenSamples, is_list_of_series, is_uneven


def samples(
    X: Any,
    least_rows: int = 0,
    columns: Mapping[str, str] | None = None,
    mixed: bool = False,
    kind: Kind | None = None,
) -> Samples:
    """Samples of anything that narrows takes, to learn from.

    A data frame of numbers alone is an array; one with text, dates or truth values among its columns is a table.

    Args:
        X: An array, a data frame, a tensor, a list of rows, a list of series, a sparse matrix; samples already, as
            `open_data` gives; or an iterator over blocks of rows, which is written to a temporary file, since it can be
            gone through once.
        least_rows: How many there have to be.
        columns: Kinds of columns by name, where the values alone would say something else; they make a table.
        mixed: Whether a frame is a table in any case.
        kind: What a sample is known to be; then a list of arrays is a list of series even where all are of one length.

    Raises:
        InputError: Values that cannot be used, with the reason.
    """
    if columns is not None and not isinstance(columns, Mapping):
        raise InputError(f"columns says kinds by name, as in {{'zip': 'category'}}, got {columns!r}")
    if isinstance(X, str | Path):
        raise InputError(f"X is {str(X)!r}: give the samples of a file by narrows.open_data(path)")
    if isinstance(X, Iterator):
        X = StreamSamples(spooled(X))
    X = as_stream(X)
    if isinstance(X, Samples):
        if len(X) < least_rows:
            raise InputError(f"an autoencoder needs at least {least_rows} samples, got {len(X)}: take more, or shorter")
        return as_table_stream(X, columns) if mixed or columns else X
    wanted = mixed or bool(columns)
    if not is_frame(X):
        if wanted:
            raise InputError("columns of several kinds come as a data frame, so that they have names: X is none")
        if is_sparse(X):
            return SparseSamples(X, least_rows)
        if is_list_of_series(X) and (kind == "sequence" or is_uneven(X)):
            return UnevenSamples(X, least_rows)
        return ArraySamples(X, least_rows)
    if not wanted and _is_array(X):
        return ArraySamples(X, least_rows)
    table = as_table(X)
    if wanted or not _are_numbers(table):
        return TableSamples(X, table, least_rows, columns)
    return ArraySamples(X, least_rows, _matrix(table))


def cells(X: Any, least_rows: int = 0, columns: Mapping[str, str] | None = None, kind: Kind | None = None) -> Samples:
    """Samples of which gaps are to be filled: any table or array (n, d) column by column, numbers as numbers.

    Args:
        X: As for `samples`, as are the others.
        least_rows: How many there have to be.
        columns: Kinds of columns by name.
        kind: What a sample is known to be.

    Raises:
        InputError: Values that cannot be used, with the reason.
    """
    if is_frame(X):
        table = as_table(X)
        numbers = {field.name: "number" for field in table.schema if _is_number(field.type)}
        return TableSamples(X, table, least_rows, numbers | dict(columns or {}))
    found = samples(X, least_rows, columns, kind=kind)
    if isinstance(found, ArraySamples) and found.array.ndim == 2 and kind != "sequence":
        return MatrixSamples(X, least_rows)
    return found


def cells_like(X: Any, schema: Schema, names: Sequence[str] | None) -> Samples:
    """Samples for a model that was fitted on `cells`; see `samples_like`."""
    if isinstance(X, Samples):
        return X
    if is_frame(X) and isinstance(schema, TableSchema):
        X = X if names is None else _without_extra(X, names)
        return TableSamples(X, as_table(X))
    if isinstance(schema, TableSchema) and names is None:
        return MatrixSamples(X)
    return samples_like(X, schema, names)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def samples_like(X: Any, schema: Schema, names: Sequence[str] | None) -> Samples:
    """Samples for a model that has been fitted, of the kind that it knows.

    Args:
        X: As for `samples`.
        schema: What was learned at fit.
        names: The columns at fit, where they had names; others that a frame has are ignored, with a warning.

    Raises:
        InputError: Samples of another kind than at fit.
    """
    if isinstance(X, Samples):
        return as_table_stream(X) if isinstance(schema, TableSchema) else X
    if not is_frame(X):
        if isinstance(schema, TableSchema):
            raise InputError(f"the model was fitted on a data frame with {len(schema.names)} columns: X is none")
        return samples(X, kind=schema.spec.kind)
    if names is not None:
        X = _without_extra(X, names)
    if isinstance(schema, TableSchema):
        return TableSamples(X, as_table(X))
    if _is_array(X):
        return ArraySamples(X)
    arrow = as_table(X)
    for field in arrow.schema:
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type) or pa.types.is_temporal(field.type):
            what = "dates" if pa.types.is_temporal(field.type) else "text"
            raise InputError(f"column {field.name!r} holds {what}, but it held numbers when the model was fitted")
    return ArraySamples(X, values=_matrix(arrow))


def _is_array(X: Any) -> bool:
    """Whether a pandas frame holds NumPy's numbers alone."""
    if not nw.dependencies.is_pandas_dataframe(X) or not X.columns.is_unique:
        return False
    kinds = {kind.kind if isinstance(kind, np.dtype) else "?" for kind in X.dtypes}
    return kinds <= set("iuf") or kinds == {"b"}


def _are_numbers(table: pa.Table) -> bool:
    """Whether every column holds numbers or nothing; truth values count as numbers where there is nothing else."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    kinds = table.schema.types
    return all(any(test(kind) for test in tests) for kind in kinds) or all(map(pa.types.is_boolean, kinds))


def _matrix(table: pa.Table) -> Array:
    """Columns of numbers as float64, NaN where missing; truth values without gaps stay what they are."""
    columns = table.columns
    if columns and all(pa.types.is_boolean(column.type) and column.null_count == 0 for column in columns):
        return np.column_stack([column.to_numpy() for column in columns])
    found = [column.cast(pa.float64(), safe=False).to_numpy() for column in columns]
    return np.column_stack(found) if found else np.empty((table.num_rows, 0))


def _without_extra(X: Any, names: Sequence[str]) -> Any:
    """A frame less the columns that fit did not see, if it has all the others."""
    given = list(map(str, X.column_names if isinstance(X, pa.Table) else nw.from_native(X).columns))
    extra = [name for name in given if name not in set(names)]
    if not extra or not set(names) <= set(given):
        return X
    warnings.warn(f"columns that the model does not know are ignored: {', '.join(extra)}", stacklevel=5)
    return nw.from_native(X).drop(extra).to_native()
