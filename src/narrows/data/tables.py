"""Tables in files: CSV and Parquet, read and written by pyarrow.

A table with column names comes back as a data frame where pandas is installed, otherwise as an Arrow table; numbers
without names as an array.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""How a cell says that there is no value."""
WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
"""What pandas calls its integers that may be missing."""
GROUP = 1 << 16
"""How many rows are written together, at least, where they come in blocks."""


def read_csv(path: Path) -> Any:
    """A CSV file; its first line is a header if any cell of it is not a number.

    Raises:
        InputError: A ragged line, with its number; cells separated by other signs than commas; no rows at all; two
            columns of one name.
        FileError: No text.
    """
    first = _first_line(path)
    other = next((sign for sign in (";", "\t") if sign in first[0]), None)
    if len(first) == 1 and other is not None:
        raise InputError(f"{path} has cells separated by {other!r}, and narrows reads those separated by commas")
    named = not all(_is_number(cell) for cell in first)
    options = pa.csv.ReadOptions(
        use_threads=False,
        autogenerate_column_names=not named,
        block_size=1 << max(22, sum(map(len, first)).bit_length() + 3),  # several lines, however long they are
    )
    kinds = pa.csv.ConvertOptions(null_values=list(MISSING), strings_can_be_null=True, quoted_strings_can_be_null=False)
    try:
        table = pa.csv.read_csv(path, options, convert_options=kinds)
    except pa.ArrowInvalid as error:
        fault = _ragged(path)
        if fault is None:  # a column that looks like numbers for long, and then holds a word
            table = _as_text_where_needed(path, options, first if named else None)
        else:
            raise fault from error
    return _opened(path, table, named)


def read_rows(lines: BinaryIO, names: Sequence[str]) -> Any:
    """Lines of a CSV without a header: an Arrow table of columns of these names, or an array where there are none.

    Raises:
        InputError: Lines with too few or too many cells, or cells of an array that are no numbers.
    """
    options = pa.csv.ReadOptions(
        use_threads=False, column_names=list(names) or None, autogenerate_column_names=not names
    )
    kinds = pa.csv.ConvertOptions(null_values=list(MISSING), strings_can_be_null=True, quoted_strings_can_be_null=False)
    try:
        table = pa.csv.read_csv(lines, options, convert_options=kinds)
    except pa.ArrowInvalid as error:
        raise InputError(f"standard input is ragged: {error}") from error
    if names:
        return table
    words = [name for name, kind in zip(table.column_names, table.schema.types, strict=True) if not is_numeric(kind)]
    if words:
        raise InputError(f"standard input holds a cell that is no number: {table.column(words[0])[0].as_py()!r}")
    return np.column_stack([column.cast(pa.float64(), safe=False).to_numpy() for column in table.columns])


def read_parquet(path: Path) -> Any:
    """A Parquet file.

    Raises:
        FileError: The file is damaged or no Parquet file.
        InputError: No rows at all; two columns of one name.
    """
    try:
        table = pa.parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path} is no Parquet file, or it is damaged or cut short ({error})") from error
    return _opened(path, table, named=True)


def write_table(path: Path, table: pa.Table, named: bool) -> None:
    """Write a table to a `.csv` file, with a header if its columns are named, or to a `.parquet` file."""
    if path.suffix.lower() == ".csv":
        pa.csv.write_csv(_plain(table), path, pa.csv.WriteOptions(include_header=named))
    else:
        pa.parquet.write_table(table, path)


def write_tables(path: Path, blocks: Iterable[Array | pa.Table], names: Sequence[str] | None) -> None:
    """Write blocks of rows (n, columns), or tables, one after another, as `write_table` writes one."""
    writer = None
    try:
        for table in _together(_table(block, names) for block in blocks):
            if path.suffix.lower() == ".csv":
                plain = _plain(table)
                header = pa.csv.WriteOptions(include_header=names is not None)
                writer = writer or pa.csv.CSVWriter(path, plain.schema, write_options=header)
                writer.write_table(plain)
            else:
                writer = writer or pa.parquet.ParquetWriter(path, table.schema)
                writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _table(block: Array | pa.Table, names: Sequence[str] | None) -> pa.Table:
    """A block of rows as a table."""
    if isinstance(block, pa.Table):
        return block
    called = _numbered(block.shape[1]) if names is None else list(map(str, names))
    return pa.table([pa.array(np.ascontiguousarray(column)) for column in block.T], called)


def _together(tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
    """The same rows in larger tables, so that the row groups of a file are no smaller than they have to be."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= GROUP:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _plain(table: pa.Table) -> pa.Table:
    """A table without dictionaries, which CSV knows nothing of."""
    columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, table.column_names)


def _numbered(width: int) -> list[str]:
    return list(map(str, range(width)))


def _as_text_where_needed(path: Path, options: pa.csv.ReadOptions, names: Sequence[str] | None) -> pa.Table:
    """A CSV file read again, every column as text at first, and as what all of its cells are afterwards."""
    width = len(_first_line(path))
    texts = {name: pa.string() for name in (names or [f"f{i}" for i in range(width)])}
    kinds = pa.csv.ConvertOptions(
        column_types=texts, null_values=list(MISSING), strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    try:
        table = pa.csv.read_csv(path, options, convert_options=kinds)
    except pa.ArrowInvalid as error:
        raise FileError(f"{path} cannot be read as CSV: {error}") from error
    return pa.table([_narrowed(column) for column in table.columns], table.column_names)


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as numbers where every cell is one."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _opened(path: Path, table: pa.Table, named: bool) -> Any:
    """A table as a data frame where pandas is installed; numbers without names as an array."""
    if table.num_rows == 0:
        raise InputError(f"{path} has no rows")
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise InputError(f"{path} has more than one column named {twice[0]!r}")
    if not named and all(is_numeric(kind) for kind in table.schema.types):
        return np.column_stack([column.cast(pa.float64(), safe=False).to_numpy() for column in table.columns])
    try:
        import pandas as pd  # optional: without it an Arrow table says the same
    except ImportError:
        return table
    # whole numbers and truth values with gaps keep their kind in pandas' own types
    nullable = {pa.bool_(): pd.BooleanDtype(), **{getattr(pa, k.lower())(): pd.array([1], k).dtype for k in WHOLE}}
    gaps = {field.name for field, column in zip(table.schema, table.columns, strict=True) if column.null_count}
    frame = table.to_pandas()
    for name in gaps & set(frame.columns):
        kind = nullable.get(table.schema.field(name).type)
        if kind is not None:
            frame[name] = table.column(name).to_pandas(types_mapper={table.schema.field(name).type: kind}.get)
    return frame


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


def _ragged(path: Path) -> InputError | None:
    """A sentence about the first line with too few or too many cells; only looked for when reading has failed."""
    width = len(_first_line(path))
    for number, row in _lines(path):
        if len(row) != width:
            return InputError(f"{path} is ragged: line {number} has {len(row)} cells, and the first has {width}")
    return None
