"""A look over a table on disk: what its columns are, found in one pass over all rows and in a small memory.

A sample of the rows, those whose numbers have the lowest hashes, decides what can be estimated: scales and quantiles.
What a sample may miss is sought in every row: the levels of categories, the least and the greatest value, a fraction
among whole numbers, a time of day among dates, a gap.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from narrows.data.columns import floats
from narrows.data.kept import lowest
from narrows.data.kinds import canonical
from narrows.data.moments import parts_of
from narrows.data.parquet import ParquetFiles
from narrows.data.readers import BLOCK
from narrows.data.shuffling import ahead

SAMPLE = 100_000
"""How many rows the sample has at most."""
BYTES = 1 << 26
"""How many bytes it takes at most, about."""
LEVELS = 100_000
"""Of a column with more levels those are known that are the most frequent in the sample."""


@dataclass(frozen=True)
class Look:
    """What was found.

    Args:
        sample: Rows of canonical values, those with the lowest hashes first.
        values: Canonical values of each column: the sample, and what else decides what the column is.
        missing: The share of values of each column that are missing.
    """

    sample: pa.Table
    values: dict[str, pa.Array]
    missing: dict[str, float]


class Seen(ABC):
    """What was seen of one column in all rows."""

    @abstractmethod
    def note(self, present: pa.Array) -> None:
        """Take in canonical values, none of which is missing; at least one."""

    @abstractmethod
    def beside(self, sample: pa.Array) -> pa.Array:
        """A sample of the column, and values that decide with it what the column is."""


class Levels(Seen):
    """Every value that occurs, unless there are too many."""

    def __init__(self) -> None:
        self.known: pa.Array | None = None
        self.full = False

    def note(self, present: pa.Array) -> None:
        if self.full:
            return
        new = pc.unique(present)
        if self.known is not None:
            new = pa.concat_arrays([self.known, new.filter(pc.invert(pc.is_in(new, value_set=self.known)))])
        self.known, self.full = new, len(new) > LEVELS

    def beside(self, sample: pa.Array) -> pa.Array:
        if not self.full:
            return sample if self.known is None else pa.concat_arrays([sample, self.known])
        counts = pa.Table.from_struct_array(pc.value_counts(sample.drop_null()))
        often = counts.sort_by([("counts", "descending"), ("values", "ascending")])["values"][:LEVELS]
        return sample.filter(pc.or_(sample.is_null(), pc.is_in(sample, value_set=often)))


class Extremes(Seen):
    """The least and the greatest number, and one with a fraction."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.fraction: float | None = None

    def note(self, present: pa.Array) -> None:
        numbers = floats(present)
        self.low, self.high = min(self.low, float(numbers.min())), max(self.high, float(numbers.max()))
        if self.fraction is None:
            fractions = numbers[numbers != np.rint(numbers)]
            self.fraction = float(fractions[0]) if len(fractions) else None

    def beside(self, sample: pa.Array) -> pa.Array:
        ends = [self.low, self.high] if self.low <= self.high else []
        return pa.concat_arrays(
            [sample, pa.array([*ends, *([] if self.fraction is None else [self.fraction])], sample.type)]
        )


class Moments(Seen):
    """The first and the last moment, and one for each part, day or time of day, in which any differs from the rest."""

    def __init__(self) -> None:
        self.some: pa.Array | None = None

    def note(self, present: pa.Array) -> None:
        values = present if self.some is None else pa.concat_arrays([self.some, present])
        units = values.cast(pa.int64())
        differing = [np.flatnonzero(part != part[0])[:1] for part in parts_of(values)]
        ends = [pc.index(units, end).as_py() for end in pc.min_max(units).values()]
        places = np.unique(np.concatenate([[0], ends, *differing]).astype(np.int64))
        self.some = values.take(pa.array(places))

    def beside(self, sample: pa.Array) -> pa.Array:
        return sample if self.some is None else pa.concat_arrays([sample, self.some])


def look(files: ParquetFiles, asked: Mapping[str, str]) -> Look:
    """One pass over all rows of a data set.

    Args:
        files: The data set.
        asked: Kinds of columns by name, where the values alone would say something else.

    Raises:
        FileError: A file is damaged.
        InputError: Infinite values, or types of which nothing can be made.
    """
    n = sum(files.sizes)
    chosen = lowest(n, max(2, min(SAMPLE, BYTES // files.row_bytes)))
    ordered, parts = np.sort(chosen), []
    seen: dict[str, Seen] = {}
    missing = dict.fromkeys(files.names, 0)
    for start, table in ahead(_canonical(files)):
        first, last = np.searchsorted(ordered, (start, start + len(table)))
        parts.append(table.take(pa.array(ordered[first:last] - start)))
        for name, column in zip(table.column_names, table.columns, strict=True):
            missing[name] += column.null_count
            if len(chosen) < n and column.null_count < len(column):
                kind = seen.setdefault(name, _seen(column.type, asked.get(name) == "category"))
                kind.note(column.chunk(0).drop_null())
    sample = pa.concat_tables(parts).take(pa.array(np.searchsorted(ordered, chosen)))
    values = {}
    for name in sample.column_names:
        column = sample[name].combine_chunks() if sample[name].num_chunks != 1 else sample[name].chunk(0)
        found = seen[name].beside(column) if name in seen else column
        gap = [pa.nulls(1, found.type)] if missing[name] and not found.null_count else []
        values[name] = pa.concat_arrays([found, *gap])
    return Look(sample, values, {name: count / n for name, count in missing.items()})


def _canonical(files: ParquetFiles) -> Iterator[tuple[int, pa.Table]]:
    """All rows as canonical values, a block at a time, with the number of each block's first row."""
    start, rows = 0, max(1, BLOCK // files.row_bytes)
    for piece in range(len(files.sizes)):
        for table in files.tables(piece, rows):
            yield start, pa.table({name: canonical(table[name], name, start) for name in table.column_names})
            start += len(table)


def _seen(kind: pa.DataType, category: bool) -> Seen:
    """What is to be noted of values of a canonical type."""
    if pa.types.is_timestamp(kind):
        return Moments()
    return Extremes() if pa.types.is_floating(kind) and not category else Levels()
