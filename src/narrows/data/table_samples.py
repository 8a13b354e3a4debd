"""Tables with columns of several kinds, as samples: one row, one sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.data.arrays import Array, as_array, in_type
from narrows.data.containers import like
from narrows.data.frames import Frame, as_table
from narrows.data.kinds import canonical
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import Source, TensorSource
from narrows.data.statistics import gaps_in
from narrows.data.table_schema import TableSchema


class TableSamples(Samples):
    """The rows of a data frame.

    Args:
        given: What the user handed over.
        table: Its values.
        least_rows: How many rows there have to be.
        columns: Kinds of columns by name, where the values alone would say something else.

    Raises:
        InputError: Too few rows, or no columns.
    """

    def __init__(
        self, given: Any, table: pa.Table, least_rows: int = 0, columns: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(given)
        self.table = table
        self.columns = columns or {}
        self.names = list(table.column_names)
        self.frame = Frame.of(given, table)
        if table.num_rows < least_rows:
            raise InputError(
                f"Found array with {table.num_rows} sample(s) (shape={table.shape}) while a minimum of {least_rows} is "
                "required by an autoencoder"
            )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> TableSchema:
        check_mixed(values, kind)
        return TableSchema.learn(self.table, self.frame, self.columns)

    def check(self, schema: Schema) -> None:
        if not isinstance(schema, TableSchema):
            raise InputError("X is a table with columns of several kinds, but the model was fitted on numbers alone")
        schema.check(self.table)

    def source(self, schema: TableSchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        taken = self.table if rows is None else self.table.take(pa.array(rows.numpy()))
        return TensorSource(schema.tensor(taken), schema.spec, device)

    def select(self, rows: Array) -> TableSamples:
        """Some of the rows, by their numbers."""
        taken = self.table.take(pa.array(rows))
        return TableSamples(taken, taken, columns=self.columns)

    def like(self, values: pa.Table) -> Any:
        return self.frame.restore(values, self.given if nw.dependencies.is_pandas_dataframe(self.given) else None)

    def fill(self, values: pa.Table) -> Any:
        found = self.like(values)
        if nw.dependencies.is_pandas_dataframe(self.given):
            whole = self.given.copy()
            for name in found.columns:
                gaps = self.given[name].isna()
                if gaps.any():
                    whole[name] = self.given[name].where(~gaps, found[name])
            return whole
        restored, columns = as_table(found), {}
        for name in self.table.column_names:
            column = self.table.column(name)
            if name in restored.column_names:
                gaps = canonical(column, name).is_null()
                column = pc.if_else(gaps, restored.column(name).cast(column.type), column)
            columns[name] = column
        return self.frame.restore(pa.table(columns))


class MatrixSamples(Samples):
    """The rows of an array (n, d), column by column, as if they were those of a data frame.

    Args:
        given: What the user handed over.
        least_rows: How many rows there have to be.

    Raises:
        InputError: See `as_array`.
    """

    def __init__(self, given: Any, least_rows: int = 0) -> None:
        super().__init__(given)
        self.array = as_array(given, least_rows)
        names = list(map(str, range(self.array.shape[1])))
        self.table = TableSamples(None, pa.table(list(self.array.T), names), columns=dict.fromkeys(names, "number"))

    def __len__(self) -> int:
        return len(self.array)

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> TableSchema:
        if self.array.shape[1] == 1:
            raise InputError("X has 1 feature(s), n_features = 1: an autoencoder needs at least 2 columns")
        gaps_in(self.array, self.given)
        return self.table.learn(values, scaling, kind)

    def check(self, schema: Schema) -> None:
        gaps_in(self.array, self.given)
        self.table.check(schema)

    def source(self, schema: TableSchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        return self.table.source(schema, rows, device)

    def like(self, values: pa.Table) -> Any:
        columns = [column.to_numpy().astype(np.float64) for column in values.columns]
        return like(self.given, in_type(np.stack(columns, 1), self.array.dtype))

    def fill(self, values: pa.Table) -> Any:
        columns = [column.to_numpy().astype(np.float64) for column in values.columns]
        if self.array.dtype.kind != "f":
            return like(self.given, self.array)
        whole = np.where(np.isnan(self.array), np.stack(columns, 1), self.array).astype(self.array.dtype)
        return like(self.given, whole)


def check_mixed(values: Values | None, kind: Kind | None) -> None:
    """Refuse to take a table for anything else.

    Raises:
        InputError: Another kind of values or samples was asked for.
    """
    if values not in (None, "mixed") or kind not in (None, "table"):
        what = values if kind is None else kind
        raise InputError(
            f"X has columns of several kinds, which only the likelihood 'mixed' describes, not {what!r} values: "
            "drop or encode those that are no numbers"
        )
