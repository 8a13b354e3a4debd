"""Tables with columns of several kinds, as samples: one row, one sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import pyarrow as pa
import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.data.arrays import Array
from narrows.data.frames import Frame
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import Source, TensorSource
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
