"""Parquet data sets: a file, or a folder of files with the same columns, read by row groups.

Record batches are what a data set gives, or tables of one type a column; `ParquetNumbers` makes rows of numbers of
them, and `table_streams` rows of columns of several kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array
from narrows.data.readers import BLOCK, Reader
from narrows.data.tables import is_numeric

PIPE = 1 << 18
"""How many bytes of a column are fetched at once, so that a row group never lies in memory as a whole."""


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files in a folder and its folders, in the order of their paths, but for hidden ones."""
    found = (path for path in folder.rglob("*.parquet") if path.is_file())
    return sorted(path for path in found if not path.relative_to(folder).as_posix().startswith((".", "_")))


class ParquetFiles:
    """Files of one data set, as record batches.

    Args:
        paths: The files, in order.
        root: What their names begin with, left out of the digest so that a data set may move.

    Raises:
        FileError: A file is damaged or no Parquet file.
        InputError: Files whose columns differ, in name or type, or that have no rows.
    """

    def __init__(self, paths: list[Path], root: Path) -> None:
        self.paths = paths
        self.root = root
        self.footers = [_footer(path) for path in paths]
        self.schemas = [footer.schema.to_arrow_schema() for footer in self.footers]
        self.names = _columns(self.schemas[0])
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise InputError(f"{paths[0]} has more than one column named {twice[0]!r}")
        for path, schema in zip(paths, self.schemas, strict=True):
            self._same_columns(path, _columns(schema))
        self.schema = pa.schema([(name, self._common_type(name)) for name in self.names])
        """The columns, each of the type that holds it in all files."""
        groups = [(file, group) for file, footer in enumerate(self.footers) for group in range(footer.num_row_groups)]
        sizes = [(file, group, self.footers[file].row_group(group).num_rows) for file, group in groups]
        self.groups = [(file, group) for file, group, rows in sizes if rows]
        self.sizes = [rows for _, _, rows in sizes if rows]
        if not self.sizes:
            raise InputError(f"{root} has no rows")

    def _same_columns(self, path: Path, names: list[str]) -> None:
        lacking = [name for name in self.names if name not in names]
        further = [name for name in names if name not in self.names]
        if lacking:
            raise InputError(f"{path} lacks the column {lacking[0]!r} that {self.paths[0]} has")
        if further:
            raise InputError(f"{path} has a column {further[0]!r} that {self.paths[0]} lacks")
        if len(names) != len(self.names):
            raise InputError(f"{path} has a column twice that {self.paths[0]} has once")

    def _common_type(self, name: str) -> pa.DataType:
        """The type that holds a column of all files.

        Raises:
            InputError: A column that holds text in one file and numbers in another, for example.
        """
        found = [(path, schema.field(name).type) for path, schema in zip(self.paths, self.schemas, strict=True)]
        found = [(path, kind) for path, kind in found if not pa.types.is_null(kind)]
        if not found:
            return pa.null()
        first, was = found[0]
        for path, kind in found:
            if family(kind) != family(was):
                raise InputError(
                    f"{path} holds values of type {kind} in column {name!r}, where {first} holds {was}: give the "
                    "column one type in all files"
                )
        return _wider([kind for _, kind in found])

    @property
    def numeric(self) -> bool:
        """Whether every column holds numbers, or every one truth values, so that rows are an array."""
        kinds = self.schema.types
        plain = all(is_numeric(kind) and not pa.types.is_boolean(kind) for kind in kinds)
        return plain or all(map(pa.types.is_boolean, kinds))

    @property
    def bytes(self) -> int:
        """How many bytes the columns take, without compression."""
        return sum(footer.row_group(i).total_byte_size for footer in self.footers for i in range(footer.num_row_groups))

    @cached_property
    def row_bytes(self) -> int:
        """How many bytes a row takes in memory, about: what the files say, or its first rows where these take more."""
        head = next(self.tables(0, 1024))
        return max(1, self.bytes // sum(self.sizes), head.nbytes // len(head))

    def batches(self, piece: int, rows: int) -> Iterator[pa.RecordBatch]:
        """One row group, so many rows at a time, columns in the order of the first file.

        Raises:
            FileError: The row group is damaged.
        """
        file, group = self.groups[piece]
        path = self.paths[file]
        try:
            with pa.parquet.ParquetFile(path, metadata=self.footers[file], buffer_size=PIPE, pre_buffer=False) as found:
                for batch in found.iter_batches(rows, [group], use_threads=False):
                    yield batch.select(self.names)
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"{path} is damaged in its row group {group} ({error})") from error

    def tables(self, piece: int, rows: int) -> Iterator[pa.Table]:
        """One row group as `batches` gives it, every column in its common type.

        Raises:
            FileError: The row group is damaged.
        """
        for batch in self.batches(piece, rows):
            pairs = zip(batch.columns, self.schema.types, strict=True)
            yield pa.table([c if c.type == t else c.cast(t, safe=False) for c, t in pairs], self.names)

    def may_lack(self, name: str) -> bool:
        """Whether a column has missing values, or may have some as far as the files say."""
        for footer, schema in zip(self.footers, self.schemas, strict=True):
            index = schema.names.index(name)
            for group in range(footer.num_row_groups):
                known = footer.row_group(group).column(index).statistics
                if schema.field(index).nullable and (known is None or not known.has_null_count or known.null_count):
                    return True
        return False

    def digest(self) -> str:
        """A hash of the files' names, sizes and footers, which say how many values there are and between what."""
        found = sha256()
        for path in self.paths:
            with path.open("rb") as file:
                size = file.seek(-8, 2) + 8
                footer = file.seek(-8 - int.from_bytes(file.read(4), "little"), 2)
                found.update(f"{path.relative_to(self.root).as_posix()}:{size}:".encode())
                file.seek(footer)
                found.update(file.read())
        return found.hexdigest()


class ParquetNumbers(Reader):
    """A Parquet data set of numbers as rows of one type; missing values are NaN.

    Args:
        files: The data set, which is `numeric`.
    """

    def __init__(self, files: ParquetFiles) -> None:
        types = [_type(files, name) for name in files.names]
        super().__init__(files.sizes, (len(files.names),), np.result_type(*types), files.names)
        self.files = files

    def read(self, piece: int) -> Iterator[Array]:
        for batch in self.files.batches(piece, max(1, BLOCK // self.row_bytes)):
            columns = [_values(column) for column in batch.columns]
            yield np.ascontiguousarray(np.stack(columns, dtype=self.dtype, casting="unsafe").T)

    def digest(self) -> str:
        return self.files.digest()


def family(kind: pa.DataType) -> str:
    """What values of a type are: those of one family stand for each other.

    >>> family(pa.dictionary(pa.int8(), pa.string())), family(pa.date32()), family(pa.bool_()), family(pa.time32("s"))
    ('text', 'dates', 'numbers', 'time32[s]')
    """
    if pa.types.is_dictionary(kind):
        return family(kind.value_type)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "dates"
    return "numbers" if is_numeric(kind) else str(kind)


def _wider(kinds: list[pa.DataType]) -> pa.DataType:
    """The type that holds values of these types of one family.

    >>> _wider([pa.int8(), pa.int32()]), _wider([pa.date32(), pa.timestamp("ms")]), _wider([pa.bool_(), pa.int64()])
    (DataType(int32), TimestampType(timestamp[ms]), DataType(double))
    """
    if len(set(kinds)) == 1:
        return kinds[0]
    if family(kinds[0]) == "text":
        return pa.string()
    if family(kinds[0]) == "dates":
        units = [kind.unit if pa.types.is_timestamp(kind) else "s" for kind in kinds]
        return pa.timestamp(max(units, key=("s", "ms", "us", "ns").index))
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.from_numpy_dtype(np.result_type(*(kind.to_pandas_dtype() for kind in kinds)))
    return pa.float64()


def _columns(schema: pa.Schema) -> list[str]:
    """The names of the columns, less those that hold the index of a pandas frame."""
    about = schema.pandas_metadata or {}
    index = [name for name in about.get("index_columns", ()) if isinstance(name, str)]
    return [name for name in schema.names if name not in index]


def _footer(path: Path) -> pa.parquet.FileMetaData:
    try:
        return pa.parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path} is no Parquet file, or it is damaged or cut short ({error})") from error


def _type(files: ParquetFiles, name: str) -> np.dtype[np.generic]:
    """The type that holds a column of all files: whole numbers with gaps are float64."""
    found = []
    for schema in files.schemas:
        kind = schema.field(name).type
        plain = not (pa.types.is_decimal(kind) or pa.types.is_null(kind))
        found.append(np.dtype(kind.to_pandas_dtype()) if plain else np.dtype(np.float64))
    type_ = np.result_type(*found)
    return type_ if type_.kind == "f" or not files.may_lack(name) else np.dtype(np.float64)


def _values(column: pa.Array) -> Array:
    """The values of a column, NaN where there are none."""
    exact = column.null_count == 0 and not pa.types.is_decimal(column.type)
    floating = column if exact or pa.types.is_floating(column.type) else column.cast(pa.float64(), safe=False)
    return np.asarray(floating.to_numpy(zero_copy_only=False))
