"""Tables with columns of several kinds that lie on disk, as samples: read, encoded and shuffled a block at a time.

ParquetFiles --look--> TableSchema      ParquetFiles --EncodedReader(schema)--> rows of float32 --> StreamSource
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, SampleSpec, Values
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.columns import Category
from narrows.data.frames import Frame
from narrows.data.kept import Kept
from narrows.data.looks import Look, look
from narrows.data.parquet import ParquetFiles, ParquetNumbers
from narrows.data.readers import BLOCK, Reader
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.shuffling import ahead
from narrows.data.sources import Source
from narrows.data.streams import StreamSamples
from narrows.data.table_samples import TableSamples, check_mixed
from narrows.data.table_schema import TableSchema, some


class TableStream(Samples):
    """The rows of a Parquet data set with columns of several kinds; what comes back are Arrow tables.

    Args:
        files: The data set.
        columns: Kinds of columns by name, where the values alone would say something else.
    """

    def __init__(self, files: ParquetFiles, columns: Mapping[str, str] | None = None) -> None:
        super().__init__(files)
        self.files = files
        self.columns = columns or {}
        self.names = files.names
        self.form = Frame("arrow", files.schema)
        self._look: Look | None = None
        self._known: tuple[TableSchema, Array] | None = None

    def __len__(self) -> int:
        return sum(self.files.sizes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} x {len(self.files.names)}, columns of several kinds, on disk)"

    def blocks(self) -> Iterator[pa.Table]:
        """Raw rows in order, a table at a time, for example for `partial_fit`."""
        rows = max(1, BLOCK // self.files.row_bytes)
        return ahead(table for piece in range(len(self.files.sizes)) for table in self.files.tables(piece, rows))

    def look(self) -> Look:
        """What one pass over all rows finds; remembered until `learn` has made use of it."""
        if self._look is None:
            self._look = look(self.files, self.columns)
        return self._look

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> TableSchema:
        check_mixed(values, kind)
        found = self.look()
        schema = TableSchema.of(found.values, self.form, self.columns)
        self._known = schema, schema.tensor(found.sample, tell=_rare).numpy()
        self._look = None
        return schema

    def check(self, schema: Schema) -> None:
        if not isinstance(schema, TableSchema):
            raise InputError("X is a table with columns of several kinds, but the model was fitted on numbers alone")
        nothing = self.files.schema.empty_table()
        schema.check(nothing)
        schema.tensor(nothing)

    def source(self, schema: TableSchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        return self._encoded(schema).source(Encoded(schema.spec), rows, device)

    def split(
        self, schema: TableSchema, fraction: float, rng: Generator, device: torch.device | None = None
    ) -> tuple[Source, Source]:
        """Rows with the lowest hashes are set aside, as in `StreamSamples.split`."""
        return self._encoded(schema).split(Encoded(schema.spec), fraction, rng, device)

    def like(self, values: pa.Table) -> pa.Table:
        return values

    def _encoded(self, schema: TableSchema) -> StreamSamples:
        """The rows as numbers; what `learn` has seen of them needs no further pass."""
        if self._known is None or self._known[0] is not schema:
            return StreamSamples(EncodedReader(self.files, schema))
        categories = [column.name for column in schema.columns if isinstance(column, Category)]
        reader = EncodedReader(self.files, schema, told=categories)
        return StreamSamples(reader, Kept(reader, self._known[1]))


class EncodedReader(Reader):
    """The rows of a Parquet data set as a schema encodes them, (n, *spec.shape) float32, NaN where missing.

    Args:
        files: The data set.
        schema: What the columns are.
        told: Columns of whose unseen categories nobody needs to be told any more.
    """

    def __init__(self, files: ParquetFiles, schema: TableSchema, told: Iterable[str] = ()) -> None:
        names = [column.name for column in schema.spec.columns]
        super().__init__(files.sizes, schema.spec.shape, np.dtype(np.float32), names)
        self.files = files
        self.schema = schema
        self.told = set(told)

    def read(self, piece: int) -> Iterator[Array]:
        start = int(self.starts[piece])
        for table in self.files.tables(piece, max(1, BLOCK // max(self.row_bytes, self.files.row_bytes))):
            yield self.schema.tensor(table, start, self._tell).numpy()
            start += len(table)

    def digest(self) -> str:
        return sha256(f"{self.files.digest()}:{json.dumps(self.schema.to_json())}".encode()).hexdigest()

    def _tell(self, name: str, unseen: Sequence[Any]) -> None:
        """Warn of categories that were not there at fit, once for each column."""
        if name not in self.told:
            self.told.add(name)
            warnings.warn(f"column {name!r} has unseen categories ({some(unseen)}): unknown", stacklevel=2)


@dataclass(frozen=True)
class Encoded:
    """What makes a model's input of rows that are encoded already.

    Args:
        spec: What one sample is.
    """

    spec: SampleSpec

    def view(self, raw: Tensor, gaps: bool = False) -> View:
        return View.with_gaps(raw) if gaps else View(raw)


def as_table_stream(X: Samples, columns: Mapping[str, str] | None = None) -> Samples:
    """Samples as a table: Parquet files of numbers are one if that is wanted.

    Args:
        X: Any samples.
        columns: Kinds of columns by name, where the values alone would say something else.

    Raises:
        InputError: Samples that are no table.
    """
    if isinstance(X, TableStream):
        return TableStream(X.files, columns) if columns else X
    if isinstance(X, StreamSamples) and isinstance(X.reader, ParquetNumbers):
        return TableStream(X.reader.files, columns)
    if isinstance(X, TableSamples):
        return X
    raise InputError(f"columns of several kinds come as a data frame or as Parquet files, not as {X!r}")


def _rare(name: str, unseen: Sequence[Any]) -> None:
    """Warn of a column that has too many categories for all of them to be known."""
    warnings.warn(
        f"column {name!r} has too many categories, so the rare ones are unknown ({some(unseen)}): drop it if it names "
        "the rows",
        stacklevel=4,
    )
