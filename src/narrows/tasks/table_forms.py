"""What tables to be compressed came in: every column as numbers, as numbered words, or as Arrow's own bytes."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from narrows.coding.chunks import Content
from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array
from narrows.data.frames import as_table
from narrows.tasks.forms import Field, Form

ROWS = 1 << 17
BYTES = 1 << 25
"""About how many bytes of a table make a block of rows."""
PARTED = 1 << 31
"""Added to the number of words where zeros part them, and no lengths are kept."""


class TableForm(Form):
    """A data frame.

    Args:
        library: `"pandas"`, `"polars"` or `"arrow"`.
        schema: The Arrow schema of its columns.
        count: How many rows it has.
    """

    kind = "table"

    def __init__(self, library: str, schema: pa.Schema, count: int) -> None:
        self.library, self.schema, self.count = library, schema, count
        self.fields = [Field(field.name, np.dtype(_carrier(field.type))) for field in schema]

    @classmethod
    def of(cls, frame: Any) -> tuple[TableForm, pa.Table]:
        """The form of a frame, and its table."""
        polars = nw.dependencies.is_polars_dataframe(frame) or nw.dependencies.is_polars_lazyframe(frame)
        pandas = nw.dependencies.is_pandas_dataframe(frame)
        table = _from_pandas(frame) if pandas else as_table(frame)
        library = "pandas" if pandas else "polars" if polars else "arrow"
        return cls(library, table.schema, table.num_rows), table

    def in_words(self) -> str:
        return f"a table of {self.count:,} rows, {len(self.fields)} columns ({self.library})"

    def block(self) -> int:
        row = sum(field.dtype.itemsize for field in self.fields) + 1
        return max(1, min(ROWS, BYTES // row))

    def contents(self, data: pa.Table, start: int, stop: int) -> list[Content]:
        rows = data.slice(start, stop - start)
        return [_content(column) for column in rows.columns]

    def restored(self, blocks: Sequence[Sequence[Content]], whole: bool) -> Any:
        columns = [self._chunked(number, [block[number] for block in blocks]) for number in range(len(self.fields))]
        metadata = self.schema.metadata if whole or self.library != "pandas" else _without_range(self.schema.metadata)
        table = pa.table(columns, schema=self.schema.with_metadata(metadata))
        try:
            if self.library == "pandas":
                return table.to_pandas()
            if self.library == "polars":
                import polars as pl  # optional, as is pandas

                return pl.from_arrow(table)
        except ImportError:
            pass
        return table

    def column(self, number: int, parts: Sequence[Content]) -> Any:
        values = self._chunked(number, parts)
        try:
            if self.library == "pandas":
                return values.to_pandas().rename(self.fields[number].name)
            if self.library == "polars":
                import polars as pl  # optional

                return pl.Series(self.fields[number].name, values)
        except ImportError:
            pass
        return values

    def _chunked(self, number: int, parts: Sequence[Content]) -> pa.ChunkedArray:
        kind = self.schema.field(number).type
        return pa.chunked_array([_array(part, kind) for part in parts], kind)

    def to_json(self) -> dict[str, Any]:
        schema = base64.b64encode(self.schema.remove_metadata().serialize()).decode()
        about = {key.decode("latin-1"): value.decode("latin-1") for key, value in (self.schema.metadata or {}).items()}
        return {"library": self.library, "schema": schema, "about": about, "count": self.count}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TableForm:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(data["schema"])))
        about = {key.encode("latin-1"): value.encode("latin-1") for key, value in data.get("about", {}).items()}
        schema = schema.with_metadata(about) if about else schema
        count = int(data["count"])
        if not 0 <= count <= 1 << 48:
            raise ValueError("a number of rows that no table has")
        return cls(str(data["library"]), schema, count)


def _from_pandas(frame: Any) -> pa.Table:
    """A pandas frame as a table, with its index; floats keep every bit, and are never missing."""
    if not frame.columns.is_unique:
        as_table(frame)  # says so
    try:
        table = pa.Table.from_pandas(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        said = " ".join(str(error.args[-1] if error.args else error).split())
        raise InputError(f"X has values of several kinds in one column: {said}") from error
    columns = list(table.columns)
    for number, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize <= 8:
            columns[number] = pa.chunked_array([pa.array(frame.iloc[:, number].to_numpy(), from_pandas=False)])
    return pa.table(columns, schema=table.schema)


def _without_range(metadata: dict[bytes, bytes] | None) -> dict[bytes, bytes]:
    """Pandas' own types without an index that is a range of all rows."""
    about = json.loads((metadata or {}).get(b"pandas", b"{}"))
    kept = [one for one in about.get("index_columns", []) if isinstance(one, str)]
    return {**(metadata or {}), b"pandas": json.dumps({**about, "index_columns": kept}).encode()} if about else {}


def _is_text(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
    )
    return any(test(kind) for test in tests)


def _carrier(kind: pa.DataType) -> str:
    """The type that a column's numbers are carried in; one byte for those that have none."""
    if pa.types.is_dictionary(kind) or _is_text(kind):
        return "i4"
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return "i4"
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return "i8"
    if pa.types.is_integer(kind):
        return f"{'u' if pa.types.is_unsigned_integer(kind) else 'i'}{kind.bit_width // 8}"
    if pa.types.is_floating(kind):
        return f"f{kind.bit_width // 8}"
    return "u1"


def _content(column: pa.ChunkedArray) -> Content:
    """A column's numbers, gaps, and words."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        joined = column.unify_dictionaries().combine_chunks()
        joined = joined if isinstance(joined, pa.DictionaryArray) else pa.concat_arrays(joined.chunks)
        return _numbers(joined.indices, np.dtype("i4"), beside=_as_ipc(joined.dictionary))
    joined = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], kind)
    if _is_text(kind):
        return _words(joined)
    if pa.types.is_boolean(kind):
        return _numbers(joined.cast(pa.uint8()), np.dtype("u1"))
    if pa.types.is_null(kind) or (_carrier(kind) == "u1" and not pa.types.is_uint8(kind)):
        return Content(np.zeros(len(joined), np.uint8), None, _as_ipc(joined))
    carrier = np.dtype(_carrier(kind))
    if pa.types.is_temporal(kind):
        joined = joined.view(pa.from_numpy_dtype(carrier))
    return _numbers(joined, carrier)


def _numbers(values: pa.Array, carrier: np.dtype[Any], beside: bytes = b"") -> Content:
    missing = np.asarray(pc.is_null(values)) if values.null_count else None
    plain = values.fill_null(0) if values.null_count else values
    found = np.array(plain.to_numpy(zero_copy_only=False)).astype(carrier)
    return Content(np.ascontiguousarray(found), missing, beside)


def _words(values: pa.Array) -> Content:
    """Text as numbers of the words that occur: in order or as they come or, where most occur once, again and again."""
    plain = values.cast(pa.large_binary())
    encoded = plain.dictionary_encode()
    words, numbers = encoded.dictionary, encoded.indices
    there = len(values) - values.null_count
    if 2 * len(words) > there:
        words, known = plain.drop_null(), np.asarray(plain.is_valid())
        numbers = pa.array(np.cumsum(known, dtype=np.int32) - 1, mask=~known)
    elif 4 * len(words) <= there:
        order = np.asarray(pc.sort_indices(words)).astype(np.int64)
        words = words.take(pa.array(order))
        places = np.empty(len(order), dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        numbers = pa.array(places).take(numbers)
    spelled = words.to_pylist()
    text = b"\0".join(spelled)
    if text.count(b"\0") == max(0, len(words) - 1):
        return _numbers(numbers, np.dtype("i4"), np.array([PARTED + len(words)], "<u4").tobytes() + text)
    lengths = np.asarray(pc.binary_length(words)).astype("<u4")
    beside = np.array([len(words)], "<u4").tobytes() + lengths.tobytes() + b"".join(spelled)
    return _numbers(numbers, np.dtype("i4"), beside)


def _as_ipc(values: pa.Array) -> bytes:
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, pa.schema([("", values.type)])) as writer:
        writer.write_batch(pa.record_batch([values], names=[""]))
    return out.getvalue().to_pybytes()


def _from_ipc(data: bytes) -> pa.Array:
    try:
        batches = list(pa.ipc.open_stream(pa.py_buffer(data)))
        return batches[0].column(0)
    except (pa.ArrowException, OSError, IndexError) as error:
        raise FileError(f"a column's own bytes cannot be read ({error})") from error


def _array(content: Content, kind: pa.DataType) -> pa.Array:
    """A content as the column that it was made of."""
    values, gaps = content.values, content.missing
    if pa.types.is_dictionary(kind):
        indices = pa.array(values, mask=gaps).cast(kind.index_type)
        _check_numbers(values, gaps, len(words := _from_ipc(content.beside)))
        return pa.DictionaryArray.from_arrays(indices, words.cast(kind.value_type), ordered=kind.ordered)
    if _is_text(kind):
        return _spelled(values, gaps, content.beside, kind)
    if pa.types.is_boolean(kind):
        return pa.array(values, mask=gaps).cast(pa.bool_())
    if pa.types.is_null(kind) or (_carrier(kind) == "u1" and not pa.types.is_uint8(kind)):
        return _from_ipc(content.beside)
    found = pa.array(values, mask=gaps)
    return found.view(kind) if pa.types.is_temporal(kind) else found


def _check_numbers(values: Array, gaps: Array | None, count: int) -> None:
    used = values if gaps is None else values[~gaps]
    if len(used) and (used.min() < 0 or used.max() >= count):
        raise FileError("a number stands for none of the words")


def _spelled(values: Array, gaps: Array | None, beside: bytes, kind: pa.DataType) -> pa.Array:
    count, offsets, text = _parted(beside)
    _check_numbers(values, gaps, count)
    words = pa.Array.from_buffers(pa.large_binary(), count, [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text)])
    return words.take(pa.array(values, mask=gaps)).cast(pa.large_string() if _is_string(kind) else kind).cast(kind)


def _parted(beside: bytes) -> tuple[int, Array, bytes]:
    """How many words there are, where each of them ends, a zero first, and their letters."""
    count = int(np.frombuffer(beside[:4], "<u4")[0])
    if count >= PARTED:
        count -= PARTED
        letters = np.frombuffer(beside, np.uint8, offset=4)
        ends = np.append(np.flatnonzero(letters == 0), len(letters))[: None if count else 0]
        offsets, text = np.concatenate([[0], ends - np.arange(len(ends))]), letters[letters != 0].tobytes()
    elif 4 + 4 * count > len(beside):
        raise FileError("the words of a column are cut short")
    else:
        lengths = np.frombuffer(beside[4 : 4 + 4 * count], "<u4").astype(np.int64)
        offsets, text = np.concatenate([[0], np.cumsum(lengths)]), beside[4 + 4 * count :]
    if len(offsets) != count + 1 or offsets[-1] != len(text):
        raise FileError("the words of a column are cut short")
    return count, offsets.astype(np.int64), text


def _is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
