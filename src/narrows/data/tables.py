"""Tables in files: CSV and Parquet, read and written by pyarrow.

A table with column names comes back as a data frame where pandas is installed, otherwise as an array; every cell is a
number or missing (NaN).
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""How a cell says that there is no value."""


def read_csv(path: Path) -> Any:
    """A CSV file of numbers; its first line is a header if any cell of it is not a number.

    Raises:
        InputError: Text or a ragged line, with its number; no rows at all.
    """
    first = _first_line(path)
    named = not all(_is_number(cell) for cell in first)
    options = pa.csv.ReadOptions(
        use_threads=False,
        autogenerate_column_names=not named,
        block_size=1 << max(22, sum(map(len, first)).bit_length() + 3),  # several lines, however long they are
    )
    numbers = pa.csv.ConvertOptions(null_values=list(MISSING))
    try:
        table = pa.csv.read_csv(path, options, convert_options=numbers)
    except pa.ArrowInvalid as error:
        raise _first_fault(path, named) or FileError(f"{path} cannot be read as CSV: {error}") from error
    return _numbers(path, table, named, partial(_first_fault, path, named))


def read_parquet(path: Path) -> Any:
    """A Parquet file of numbers.

    Raises:
        FileError: The file is damaged or no Parquet file.
        InputError: A column that does not hold numbers; no rows at all.
    """
    try:
        table = pa.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path} is no Parquet file, or it is damaged or cut short ({error})") from error
    return _numbers(path, table, named=True)


def write_table(path: Path, columns: Sequence[Array], names: Sequence[str] | None) -> None:
    """Write columns to a `.csv` file, with a header if there are names, or to a `.parquet` file."""
    table = pa.table(
        list(map(pa.array, columns)), list(map(str, range(len(columns)))) if names is None else list(names)
    )
    if path.suffix.lower() == ".csv":
        pa.csv.write_csv(table, path, pa.csv.WriteOptions(include_header=names is not None))
    else:
        pa.parquet.write_table(table, path)


def write_tables(path: Path, blocks: Iterable[Array], names: Sequence[str] | None) -> None:
    """Write blocks of rows (n, columns) one after another, as `write_table` writes one."""
    writer = None
    try:
        for block in blocks:
            called = list(map(str, range(block.shape[1]) if names is None else names))
            batch = pa.record_batch([pa.array(np.ascontiguousarray(column)) for column in block.T], called)
            if writer is None:
                header = pa.csv.WriteOptions(include_header=names is not None)
                csv_ = path.suffix.lower() == ".csv"
                writer = (
                    pa.csv.CSVWriter(path, batch.schema, write_options=header)
                    if csv_
                    else pa.parquet.ParquetWriter(path, batch.schema)
                )
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()


def _numbers(path: Path, table: pa.Table, named: bool, fault: Callable[[], InputError | None] = lambda: None) -> Any:
    """The values of a table, as a frame if its columns have names; `fault` says where the first text is."""
    if table.num_rows == 0:
        raise InputError(f"{path} has no rows")
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f"{path} has more than one column named {twice[0]!r}")
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        if not is_numeric(column.type):
            raise fault() or InputError(
                f"{path} holds values of type {column.type} in column {name!r}: a table has numbers only, so drop the "
                "column or encode it as numbers"
            )
        exact = column.null_count == 0 and not pa.types.is_decimal(column.type)
        columns[name] = (column if exact else column.cast(pa.float64(), safe=False)).to_numpy()
    return _frame(columns) if named else np.column_stack(list(columns.values()))


def _frame(columns: dict[str, Array]) -> Any:
    try:
        import pandas as pd  # optional: without it column names are left behind
    except ImportError:
        return np.column_stack(list(columns.values()))
    return pd.DataFrame(columns)


def is_numeric(kind: pa.DataType) -> bool:
    """Whether values of a type are numbers or missing."""
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(kind) for test in known)


def _is_number(cell: str) -> bool:
    """Whether a cell holds a number, a truth value or nothing.

    >>> [_is_number(cell) for cell in ("1e-3", "NA", "true", "width")]
    [True, True, True, False]
    """
    if cell.strip() in MISSING or cell.strip().lower() in ("true", "false"):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _lines(path: Path) -> Iterable[tuple[int, list[str]]]:
    """The lines of a CSV file that hold anything, with their numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for row in reader:
                if row:
                    yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{path} is no CSV file: it cannot be read as UTF-8 text ({error})") from error


def _first_line(path: Path) -> list[str]:
    for _, row in _lines(path):
        return row
    raise InputError(f"{path} is empty")


def _first_fault(path: Path, named: bool) -> InputError | None:
    """A sentence about the first line that is ragged or holds text; only looked for when reading has failed."""
    names = _first_line(path)
    for number, row in _lines(path):
        if len(row) != len(names):
            return InputError(f"{path} is ragged: line {number} has {len(row)} cells, and the first has {len(names)}")
        for index, cell in enumerate(row):
            if not _is_number(cell) and not (named and row == names):
                column = repr(names[index]) if named else index
                return InputError(
                    f"{path} holds {cell!r} in line {number}, column {column}: a table has numbers only, so drop the "
                    "column or encode it as numbers"
                )
    return None
