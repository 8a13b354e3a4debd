"""Judges of a comparison: what contenders are shown of test samples, and how far off they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from narrows.data.arrays import Array
from narrows.data.columns import Category, Moment, Truth
from narrows.data.kinds import canonical
from narrows.data.samples import ArraySamples, Samples
from narrows.data.table_samples import TableSamples
from narrows.data.table_schema import TableSchema

HIDDEN = 0.2
"""Share of the cells of a table that are hidden."""


class Judge(ABC):
    """Test samples as contenders are shown them.

    Args:
        shown: What they are shown.
        says: What the error is, in a sentence.
    """

    shown: Samples
    says: str

    @abstractmethod
    def error(self, rebuilt: Any) -> float:
        """How far rebuilt samples are from the truth."""

    @abstractmethod
    def by_column(self, rebuilt: Any) -> list[float]:
        """The same for each column of a table; nothing where there are no columns."""

    @abstractmethod
    def described(self) -> list[dict[str, Any]]:
        """The columns that are judged, each as `column`, `kind` and `unit`."""


class Rebuilt(Judge):
    """Mean squared error of samples that are shown whole.

    Args:
        samples: The test samples.
    """

    says = "error: mean squared error of test samples, in units of the data"

    def __init__(self, samples: ArraySamples) -> None:
        self.shown = samples
        self.truth = samples.array.astype(np.float64)

    def error(self, rebuilt: Array) -> float:
        return float(np.nanmean(np.square(rebuilt - self.truth)))

    def by_column(self, rebuilt: Array) -> list[float]:
        return []

    def described(self) -> list[dict[str, Any]]:
        return []


class HiddenCells(Judge):
    """Errors of cells that are hidden: absolute for numbers, in days for moments, wrong or right for categories.

    Args:
        samples: The test rows.
        schema: What was learned of the training rows.
        middle: One value for each column, whose error counts as 1.
        rng: What cells are drawn by.
    """

    says = f"error: of {HIDDEN:.0%} of the cells, which were hidden, as a share of the median's or the mode's"

    def __init__(self, samples: TableSamples, schema: TableSchema, middle: pa.Table, rng: np.random.Generator) -> None:
        self.columns = [column for column in schema.columns if column.columns]
        self.truth = {c.name: canonical(samples.table.column(c.name), c.name) for c in self.columns}
        self.hidden = {
            name: (rng.random(len(samples)) < HIDDEN) & values.is_valid().to_numpy(zero_copy_only=False)
            for name, values in self.truth.items()
        }
        table = samples.table
        for name, hidden in self.hidden.items():
            place = table.column_names.index(name)
            column = table.column(name).combine_chunks()
            gaps = pc.if_else(pa.array(hidden), pa.scalar(None, column.type), column)
            table = table.set_column(place, name, gaps)
        self.shown = TableSamples(table, table)
        self.floor = [error if error > 0 else np.nan for error in self._errors(middle)]

    def error(self, rebuilt: pa.Table) -> float:
        shares = np.divide(self._errors(rebuilt), self.floor)  # a column that one value fits has none
        return float(np.nanmean(shares)) if np.isfinite(shares).any() else np.nan

    def by_column(self, rebuilt: pa.Table) -> list[float]:
        return self._errors(rebuilt)

    def described(self) -> list[dict[str, Any]]:
        return [{"column": c.name, "kind": c.kind, "unit": _unit(c)} for c in self.columns]

    def _errors(self, rebuilt: pa.Table) -> list[float]:
        found = []
        for column in self.columns:
            name, hidden = column.name, pa.array(self.hidden[column.name])
            guess, truth = canonical(rebuilt.column(name), name).filter(hidden), self.truth[name].filter(hidden)
            if len(truth) == 0:
                found.append(np.nan)
            elif isinstance(column, Category | Truth):
                wrong = pc.not_equal(guess.cast(truth.type), truth)
                found.append(float(pc.mean(wrong.fill_null(True)).as_py()))
            else:
                found.append(float(np.abs(_numbers(guess) - _numbers(truth)).mean()))
        return found


def _unit(column: Any) -> str:
    if isinstance(column, Category | Truth):
        return "share wrong"
    return "days off" if isinstance(column, Moment) else "absolute"


def _numbers(values: pa.Array) -> Array:
    """Numbers, or moments in days."""
    if not pa.types.is_timestamp(values.type):
        return values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    per_day = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[values.type.unit]
    return values.cast(pa.int64()).to_numpy(zero_copy_only=False) / per_day


def aligned(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of the same keys as text, a line each below a line of keys: words to the left, numbers to the right.

    >>> print(aligned([{"model": "PCA", "error": 0.25}, {"model": "deep", "error": None}]))
    model  error
    PCA     0.25
    deep       -
    """
    cells = [list(rows[0]), *([cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    words = [isinstance(value, str) for value in rows[0].values()]
    lines = [
        "  ".join(c.ljust(w) if word else c.rjust(w) for c, w, word in zip(line, widths, words, strict=True))
        for line in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def cell(value: Any) -> str:
    """A value of a table as text."""
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
