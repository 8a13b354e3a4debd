"""What kind a column of a table is, by its values: from raw columns to canonical values to a schema for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from narrows.core.errors import ChoiceError, InputError, unknown
from narrows.data.columns import (
    Category,
    ColumnSchema,
    Constant,
    Count,
    Identifier,
    Moment,
    Number,
    Truth,
    floats,
)

MOST_COUNT = 1_000
"""Up to what value whole numbers that begin at zero are taken for counts."""
MANY = 1_000
"""Text with more different values than so many, and than half of its rows, is taken for identifiers."""
KINDS: dict[str, type[ColumnSchema]] = {
    kind.kind: kind for kind in (Number, Count, Truth, Category, Moment, Constant, Identifier)
}
CHOICES = ("number", "count", "truth", "category", "identifier")
"""What a user can ask for."""


def column_from_json(data: dict[str, Any]) -> ColumnSchema:
    """Rebuild a column's schema from its `to_json`.

    Raises:
        ValueError: A kind that there is not.
    """
    kind = KINDS.get(data["kind"])
    if kind is None:
        raise ValueError(f"a column of kind {data['kind']!r}")
    return kind.from_json({key: value for key, value in data.items() if key != "kind"})


def learn_column(name: str, values: pa.Array, asked: str | None = None) -> ColumnSchema:
    """What a column is, by its canonical values.

    Args:
        name: What it is called.
        values: Its values, as `canonical` gives them.
        asked: One of `CHOICES`; None to go by the values.

    Raises:
        ChoiceError: A kind that is not known, or that the values do not allow.
    """
    if asked is not None and asked not in CHOICES:
        raise unknown(f"kind for column {name!r}", asked, CHOICES)
    present = values.drop_null()
    different = pc.unique(present)
    if len(different) < 2:
        return _constant(name, different)
    if asked == "identifier":
        return _identifier(name, values.type)
    if pa.types.is_timestamp(values.type):
        if asked is not None:
            raise ChoiceError(f"column {name!r} holds dates, which cannot be taken for {asked!r}")
        return Moment.learn(name, present)
    if pa.types.is_string(values.type):
        if asked not in (None, "category"):
            raise ChoiceError(f"column {name!r} holds text, which cannot be taken for {asked!r}")
        if asked is None and len(different) > max(MANY, len(present) // 2):
            return _identifier(name, values.type)
        return _category(name, different)
    if asked == "category":
        return _category(name, different.cast(pa.float64()))
    numbers, number = floats(present), not pa.types.is_boolean(values.type)
    coins = bool(np.isin(numbers, (0.0, 1.0)).all())
    if asked == "truth" or (asked is None and coins):
        if not coins:
            raise ChoiceError(f"column {name!r} holds other numbers than 0 and 1, so it is no truth value")
        return Truth(name, number)
    whole = bool((numbers == np.rint(numbers)).all()) and numbers.min() >= 0
    if asked == "count" or (asked is None and whole and numbers.min() == 0 and numbers.max() <= MOST_COUNT):
        if not whole:
            raise ChoiceError(f"column {name!r} holds numbers that are negative or not whole, so it counts nothing")
        return Count(name)
    return Number.learn(name, numbers)


def canonical(column: pa.ChunkedArray, name: str, before: int = 0) -> pa.Array:
    """The values of a column as text, truth values, float64 or moments without a zone; NaN and NaT are missing.

    Args:
        column: Raw values.
        name: What the column is called.
        before: How many rows come before it.

    Raises:
        InputError: Infinite values, or a type that is none of these.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_dictionary(column.type) and not isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.string())
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms")).cast(pa.timestamp("s"))
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp(kind.unit))
    elif pa.types.is_duration(kind) or pa.types.is_time(kind):
        column = column.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64()).cast(pa.float64(), safe=False)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
    elif not (pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        raise InputError(f"column {name!r} holds values of type {kind}, of which narrows can make nothing: drop it")
    values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_floating(values.type):
        numbers = floats(values)
        if np.isinf(numbers).any():
            row = before + int(np.flatnonzero(np.isinf(numbers))[0])
            raise InputError(f"X has inf in column {name!r}, first in row {row}: make it missing or drop it")
        values = pa.array(numbers, from_pandas=True)
    return values


def fitting(values: pa.Array, schema: ColumnSchema) -> pa.Array:
    """Canonical values as the column's schema takes them.

    Numbers, truth values and categories that are numbers stand for each other; a column without values fits any.

    Raises:
        InputError: Values of another kind than at fit.
    """
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), schema.type)
    if isinstance(schema, Constant):
        return values
    wanted, given = schema.type, values.type
    if all(pa.types.is_floating(t) or pa.types.is_boolean(t) for t in (wanted, given)):
        return values.cast(pa.float64())
    if given == wanted or (pa.types.is_timestamp(wanted) and pa.types.is_timestamp(given)):
        return values
    words = {"string": "text", "double": "numbers", "bool": "truth values"}
    was, now = (words.get(str(t), "dates") for t in (wanted, given))
    raise InputError(f"column {schema.name!r} holds {now}, but it held {was} when the model was fitted")


def _category(name: str, different: pa.Array) -> Category:
    return Category(name, tuple(sorted(different.to_pylist())))


def _identifier(name: str, kind: pa.DataType) -> Identifier:
    if not (pa.types.is_string(kind) or pa.types.is_floating(kind)):
        raise ChoiceError(f"column {name!r} holds values of type {kind}, and identifiers are text or numbers")
    return Identifier(name, pa.types.is_string(kind))


def _constant(name: str, different: pa.Array) -> Constant:
    if len(different) and pa.types.is_timestamp(different.type):
        return Constant(name, different.cast(pa.int64())[0].as_py(), different.type.unit)
    return Constant(name, different[0].as_py() if len(different) else None)
