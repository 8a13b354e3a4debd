"""The schema of a table with columns of several kinds: Arrow columns to one row of numbers each, and back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from narrows.core.errors import InputError, unknown
from narrows.core.spec import SampleSpec
from narrows.data.arrays import Array
from narrows.data.columns import Category, ColumnSchema, Number
from narrows.data.frames import Frame
from narrows.data.kinds import canonical, column_from_json, fitting, learn_column
from narrows.data.schema import Schema

Tell = Callable[[str, Sequence[Any]], None]
"""What is told of the categories of a column that were not there at fit."""


@dataclass(frozen=True)
class TableSchema(Schema):
    """What was learned of a table: a schema for each column, by name.

    Args:
        columns: In the order of the table.
        gaps: Whether values were missing.
        frame: What the table came in.
    """

    columns: tuple[ColumnSchema, ...]
    gaps: bool
    frame: Frame

    kind = "table"
    resolution = 1e-2

    @classmethod
    def learn(cls, table: pa.Table, frame: Frame, asked: Mapping[str, str]) -> TableSchema:
        """Find out what each column is.

        Args:
            table: The raw values.
            frame: What the table came in.
            asked: Kinds by name, for columns whose values alone would say something else.

        Raises:
            InputError: Infinite values, types of which nothing can be made, or no column that varies.
            ChoiceError: A kind for a column that is not there, or that does not suit its values.
        """
        return cls.of({name: canonical(table.column(name), name) for name in table.column_names}, frame, asked)

    @classmethod
    def of(cls, values: Mapping[str, pa.Array], frame: Frame, asked: Mapping[str, str]) -> TableSchema:
        """Find out what each column is, by canonical values that need not be of one length.

        Args:
            values: By name; a missing one says that values of the column may be missing.
            frame: What the table came in.
            asked: As in `learn`.

        Raises:
            InputError: No column that varies.
            ChoiceError: A kind for a column that is not there, or that does not suit its values.
        """
        for name in asked:
            if name not in values:
                raise unknown("column", name, values)
        coded = {
            name: "category"
            for name, column in values.items()
            if pa.types.is_dictionary(frame.schema.field(name).type) and pa.types.is_floating(column.type)
        }
        asked = coded | dict(asked)
        found = tuple(learn_column(name, column, asked.get(name)) for name, column in values.items())
        if sum(len(column.columns) for column in found) < 2:
            raise InputError("X has fewer than 2 columns that vary: an autoencoder needs at least 2 to find a code")
        return cls(found, any(column.null_count for column in values.values()), frame)

    @cached_property
    def spec(self) -> SampleSpec:  # type: ignore[override]
        """The columns of the tensor."""
        columns = tuple(seen for column in self.columns for seen in column.columns)
        return SampleSpec("table", (len(columns),), "mixed", self.gaps, columns)

    @property
    def form(self) -> None:
        return None

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return (len(self.columns),)

    @property
    def log_volumes(self) -> Tensor:
        return torch.tensor([volume for column in self.columns for volume in column.log_volumes], dtype=torch.float64)

    @property
    def names(self) -> list[str]:
        """The names of the raw columns."""
        return [column.name for column in self.columns]

    def check(self, table: pa.Table) -> None:
        """Refuse a table without one of the columns; warn of columns that were not there at fit.

        Raises:
            InputError: A column that is missing, named.
        """
        missing = [name for name in self.names if name not in table.column_names]
        if missing:
            raise InputError(f"X lacks the column {missing[0]!r}, which was there when the model was fitted")
        extra = [name for name in table.column_names if name not in set(self.names)]
        if extra:
            warnings.warn(f"columns that the model does not know are ignored: {', '.join(extra)}", stacklevel=5)

    def tensor(self, table: pa.Table, before: int = 0, tell: Tell | None = None) -> Tensor:
        """Raw rows to (n, *spec.shape) float32, NaN where a value is missing.

        Args:
            table: The raw values.
            before: How many rows come before them.
            tell: What is told of categories that were not there at fit; None to warn of them.

        Raises:
            InputError: A column that holds values of another kind than at fit, named.
        """
        found = []
        for column in self.columns:
            values = fitting(canonical(table.column(column.name), column.name, before), column)
            numbers = column.encode(values)
            if isinstance(column, Category) and (numbers == 0).any():
                (tell or _report)(column.name, column.unseen(values))
            found.append(numbers)
        return torch.from_numpy(np.concatenate(found, 1).astype(np.float32))

    def laid_out(self, values: Array) -> Array:
        owners = np.repeat(np.arange(len(self.columns)), [len(column.columns) for column in self.columns])
        found = np.zeros((len(values), len(self.columns)))
        np.add.at(found.T, owners, values.T)
        return found

    def raw(self, x: Tensor, form: Frame | None = None) -> Any:
        """(n, *spec.shape) to canonical values of every column, or to a frame of this form."""
        numbers, place, found = x.detach().cpu().double().numpy(), 0, []
        for column in self.columns:
            width = len(column.columns)
            found.append(column.decode(numbers[:, place : place + width]))
            place += width
        table = pa.table(found, self.names)
        return table if form is None else form.restore(table)

    def with_gaps(self) -> TableSchema:
        return replace(self, gaps=True)

    def straight(self, x: Tensor) -> Tensor:
        return self._mapped(x, Number.straight)

    def bent(self, x: Tensor) -> Tensor:
        return self._mapped(x, Number.bent)

    def _mapped(self, x: Tensor, way: Callable[[Number, Array], Array]) -> Tensor:
        """Values of which the columns of numbers go one way or the other."""
        found, place = x.double().clone(), 0
        for column in self.columns:
            if isinstance(column, Number):
                values = way(column, found[:, place].cpu().numpy())
                found[:, place] = torch.as_tensor(values, device=x.device)
            place += len(column.columns)
        return found

    def join(self, blocks: Sequence[pa.Table]) -> pa.Table:
        return pa.concat_tables(blocks) if blocks else self.raw(torch.empty(0, *self.spec.shape))

    def container(self, values: pa.Table, like: Any, names: Any) -> Any:
        return self.frame.restore(values)

    def to_json(self) -> dict[str, Any]:
        return {"columns": [c.to_json() for c in self.columns], "gaps": self.gaps, "frame": self.frame.to_json()}

    def arrays(self) -> dict[str, Array]:
        return {}

    @classmethod
    def from_json(cls, data: dict[str, Any], arrays: dict[str, Array]) -> TableSchema:  # noqa: ARG003
        columns = tuple(column_from_json(column) for column in data["columns"])
        return cls(columns, bool(data["gaps"]), Frame.from_json(data["frame"]))


def some(unseen: Sequence[Any]) -> str:
    """Some of several categories, in words.

    >>> some(["a", "b"]), some([1.0, 2.0, 3.0, 4.0])
    ("'a', 'b'", '1.0, 2.0, 3.0, ...')
    """
    return ", ".join(map(repr, unseen[:3])) + (", ..." if len(unseen) > 3 else "")


def _report(name: str, unseen: Sequence[Any]) -> None:
    """Warn of categories that were not there at fit."""
    warnings.warn(f"column {name!r} has {len(unseen)} unseen categories ({some(unseen)}): unknown", stacklevel=6)
