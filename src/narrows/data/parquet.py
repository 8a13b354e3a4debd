"""Parquet data sets: a file, or a folder of files with the same columns, read by row groups.

Record batches are what a data set gives; `ParquetNumbers` is the one place where they become rows of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
STRIP = 2048
"""How many rows are turned from columns into rows at once, while they are in the cache."""


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
        InputError: Files whose columns differ, or that have no rows.
    """

    def __init__(self, paths: list[Path], root: Path) -> None:
        self.paths = paths
        self.root = root
        self.footers = [_footer(path) for path in paths]
        self.schemas = [footer.schema.to_arrow_schema() for footer in self.footers]
        self.names: list[str] = self.schemas[0].names
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise InputError(f"{paths[0]} has more than one column named {twice[0]!r}")
        for path, schema in zip(paths, self.schemas, strict=True):
            self._same_columns(path, schema.names)
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

    @property
    def bytes(self) -> int:
        """How many bytes the columns take, without compression."""
        return sum(footer.row_group(i).total_byte_size for footer in self.footers for i in range(footer.num_row_groups))

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
        files: The data set.

    Raises:
        InputError: A column that does not hold numbers.
    """

    def __init__(self, files: ParquetFiles) -> None:
        types = [_type(files, name) for name in files.names]
        super().__init__(files.sizes, (len(files.names),), np.result_type(*types), files.names)
        self.files = files

    def read(self, piece: int) -> Iterator[Array]:
        for batch in self.files.batches(piece, max(1, BLOCK // self.row_bytes)):
            columns = [_values(column) for column in batch.columns]
            rows = np.empty((batch.num_rows, len(columns)), self.dtype)
            for first in range(0, len(rows), STRIP):
                strip = rows[first : first + STRIP]
                for index, column in enumerate(columns):
                    strip[:, index] = column[first : first + STRIP]
            yield rows

    def digest(self) -> str:
        return self.files.digest()


def _footer(path: Path) -> pa.parquet.FileMetaData:
    try:
        return pa.parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path} is no Parquet file, or it is damaged or cut short ({error})") from error


def _type(files: ParquetFiles, name: str) -> np.dtype[np.generic]:
    """The type that holds a column of all files: whole numbers with gaps are float64."""
    found = []
    for path, schema in zip(files.paths, files.schemas, strict=True):
        kind = schema.field(name).type
        if not is_numeric(kind):
            raise InputError(
                f"{path} holds values of type {kind} in column {name!r}: a table has numbers only, so drop the column "
                "or encode it as numbers"
            )
        plain = not (pa.types.is_decimal(kind) or pa.types.is_null(kind))
        found.append(np.dtype(kind.to_pandas_dtype()) if plain else np.dtype(np.float64))
    type_ = np.result_type(*found)
    return type_ if type_.kind == "f" or not files.may_lack(name) else np.dtype(np.float64)


def _values(column: pa.Array) -> Array:
    """The values of a column, NaN where there are none."""
    exact = column.null_count == 0 and not pa.types.is_decimal(column.type)
    floating = column if exact or pa.types.is_floating(column.type) else column.cast(pa.float64(), safe=False)
    return np.asarray(floating.to_numpy(zero_copy_only=False))
