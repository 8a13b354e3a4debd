"""Reading compressed files: whole, in part, checked without reading, and what is left of damaged ones."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from narrows.coding import chunks
from narrows.coding.chunks import Content
from narrows.coding.container import Container, DamageError
from narrows.coding.rows import Known
from narrows.core.errors import FileError, InputError
from narrows.tasks.compression import KINDS, cores
from narrows.tasks.forms import LARGEST_BLOCK, Form
from narrows.tasks.shared import NOTHING, Shared


def decompress(path: str | Path) -> Any:
    """The data of a compressed file, in the container and types that they had.

    Args:
        path: What `narrows.compress` wrote.

    Raises:
        FileError: No compressed file, from a newer version, or damaged; the message names the chunk.
    """
    with open_compressed(path) as file:
        return file.read()


def from_bytes(data: bytes, shared: Shared = NOTHING) -> Any:
    """The data of a compressed file's bytes, and of what its writer knew."""
    return Compressed(io.BytesIO(data), "the compressed bytes", shared=shared).read()


def open_compressed(path: str | Path, salvage: bool = False, shared: Shared = NOTHING) -> Compressed:
    """A compressed file of which parts can be read.

    Args:
        path: What `narrows.compress` wrote.
        salvage: Whether to go on without the index where that is damaged, as far as chunks can be followed.
        shared: What a `Compressor` knew that wrote it, unless the file holds that itself.

    Raises:
        FileError: No compressed file, from a newer version, or damaged in its header or index.

    >>> import tempfile, numpy as np, narrows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = narrows.compress(np.arange(100_000), f"{folder}/x.nrw")
    ...     with narrows.open_compressed(f"{folder}/x.nrw") as file:
    ...         print(len(file), file[70_000:70_003])
    100000 [70000 70001 70002]
    """
    target = Path(path)
    if not target.is_file():
        raise FileError(f"there is no compressed file {target}")
    file = target.open("rb")
    try:
        return Compressed(file, str(target), salvage, shared)
    except BaseException:
        file.close()
        raise


Column = Future[tuple[Content, Known | None]]
"""A column in the making, and the same as others are foretold by it."""


@dataclass(frozen=True)
class Loss:
    """Rows that a damaged file does not give back.

    Args:
        start: The first of them.
        stop: The first after them.
        reason: What is wrong.
    """

    start: int
    stop: int
    reason: str


@dataclass(frozen=True)
class Chunk:
    """How one chunk was made.

    Args:
        block: The number of its block of rows.
        column: The name of its column, if it has one.
        method: How it was made.
        size: How many bytes it takes.
    """

    block: int
    column: str
    method: str
    size: int


class Compressed:
    """A compressed file: `file[1000:2000]` are rows, `file["name"]` is a column of a table.

    Args:
        file: Its bytes.
        name: What to call it in messages.
        salvage: Whether to go on without the index where that is damaged.
        shared: What its writer knew beside the data, if anything.
    """

    def __init__(self, file: BinaryIO, name: str, salvage: bool = False, shared: Shared = NOTHING) -> None:
        self._container, self._file, self.name = Container(file, name), file, name
        header = self._container.header
        try:
            self.form: Form = KINDS[header["kind"]].from_json(header)
            self.block = int(header["rows"])
            self.bound = float.fromhex(header["bound"])
            self.model = str(header.get("model", ""))
            self.embedded = bool(self.model) and bool(header.get("embedded", False))
        except (KeyError, TypeError, ValueError, AttributeError, OSError, OverflowError) as error:
            raise FileError(f"{name} is damaged: its header lacks or garbles {error}") from error
        self._shared = shared
        self._check_sizes()
        self.damage = ""
        try:
            found = self._container.index()
            if found != self.blocks * len(self.form.fields) + self.embedded:
                raise FileError(f"{name} is damaged: it holds another number of chunks than its header says")
        except FileError as error:
            if not salvage:
                raise
            self.damage = str(error)
            self._container.walk()

    def _check_sizes(self) -> None:
        row = sum(max(1, field.dtype.itemsize * prod(field.inner)) for field in self.form.fields)
        widest = max((field.dtype.itemsize * prod(field.inner) for field in self.form.fields), default=0)
        chunk = min(self.block, self.form.count)
        if self.block < 1 or (chunk > 1 and chunk * widest > LARGEST_BLOCK) or widest > LARGEST_BLOCK:
            raise FileError(f"{self.name} is damaged: its header claims chunks of {chunk * row:,} bytes")
        self.blocks = -(-self.form.count // self.block)
        if self.blocks * len(self.form.fields) > self._container.size // 24:
            raise FileError(f"{self.name} is damaged: its header claims more chunks than the file has room for")

    @cached_property
    def known(self) -> Shared:
        """What its writer knew beside the data.

        Raises:
            FileError: Something else is needed than there is.
        """
        found = self._shared
        if self.embedded:
            try:
                found = Shared.held(self._container.chunk(0)[0])
            except DamageError as error:
                raise FileError(f"{self.name} is damaged: chunk 0 (its model): {error.reason}") from error
            except FileError as error:
                raise FileError(f"{self.name} is damaged: chunk 0 (its model): {error}") from error
        if self.model and found.fingerprint != self.model:
            given = "another one was given" if found.fingerprint else "none was given"
            raise FileError(f"{self.name} was made with a Compressor, and only the same one can read it: {given}")
        return found

    def __len__(self) -> int:
        return self.form.count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Compressed({self.name!r}, {self.form.count:,} rows, {self._container.size:,} bytes)"

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def columns(self) -> list[str]:
        """The names of a table's columns."""
        return [field.name for field in self.form.fields if field.name]

    def __getitem__(self, asked: Any) -> Any:
        """Rows by a slice, a column by its name, or rows of a column by both."""
        column, rows = asked if isinstance(asked, tuple) and len(asked) == 2 else (None, asked)
        if isinstance(rows, str):
            column, rows = rows, slice(None)
        if not isinstance(rows, slice) or rows.step not in (None, 1):
            raise InputError(f"rows of a compressed file are asked for by a slice without a step, got {rows!r}")
        start, stop, _ = rows.indices(self.form.count)
        numbers = list(range(len(self.form.fields))) if column is None else [self.form.numbered(column)]
        found = list(self._rows(start, max(start, stop), numbers))
        if column is None:
            return self.form.restored(found, whole=(start, stop) == (0, self.form.count))
        return self.form.column(numbers[0], [block[0] for block in found])

    def read(self) -> Any:
        """All of it, and the whole file compared with its hash.

        Raises:
            FileError: The file is damaged, or what it holds does not fit in memory.
        """
        numbers = list(range(len(self.form.fields)))
        try:
            found = list(self._rows(0, self.form.count, numbers))
            self._container.check_hash()
            return self.form.restored(found, whole=True)
        except MemoryError as error:
            raise FileError(f"{self.name} holds more than fits in memory: read a part of it") from error

    def blocks_of_rows(self) -> Iterator[Any]:
        """The rows, a block at a time."""
        for start in range(0, self.form.count, self.block):
            yield self[start : start + self.block]

    def verify(self) -> int:
        """Decode every chunk, compare everything with checksums, digests and hash, and say how many chunks there are.

        Raises:
            FileError: Something does not match; the message names the chunk.
        """
        for _ in self._rows(0, self.form.count, list(range(len(self.form.fields)))):
            pass
        self._container.check_hash()
        return self.blocks * len(self.form.fields) + self.embedded

    def salvage(self) -> tuple[Any, list[Loss]]:
        """The rows of all blocks that are undamaged, and which rows are lost."""
        found, lost, _ = [], [], self.known
        with ThreadPoolExecutor(cores()) as pool:
            for number in range(self.blocks):
                try:
                    made = self._decoding(number, list(range(len(self.form.fields))), pool)
                    found.append([future.result()[0] for future in made])
                except FileError as error:
                    lost.append(Loss(*self._limits(number), str(error)))
        return self.form.restored(found, whole=not lost), lost

    def methods(self) -> list[Chunk]:
        """How every chunk was made."""
        width, sizes, found = len(self.form.fields), self._container.sizes(), list[Chunk]()
        for number in range(self.blocks * width):
            block, column = divmod(number, width)
            field, (start, stop) = self.form.fields[column], self._limits(block)
            payload, _ = self._container.chunk(number + self.embedded)
            made = chunks.in_words(payload, field.dtype, (stop - start) * prod(field.inner))
            found.append(Chunk(block, field.name, made, sizes[number + self.embedded]))
        return found

    @property
    def in_blocks(self) -> bool:
        """Whether its rows can be written one block after another to one array."""
        return self.form.in_blocks and len(self) > 0

    @property
    def before(self) -> int:
        """How many bytes its values took, text without that of its words."""
        return sum(self.form.count * field.dtype.itemsize * prod(field.inner) for field in self.form.fields)

    def check_hash(self) -> None:
        """Compare the whole file with its hash.

        Raises:
            FileError: They differ.
        """
        self._container.check_hash()

    @property
    def held(self) -> int:
        """How many of its bytes are the model that decodes it."""
        return self._container.sizes()[0] if self.embedded else 0

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self._container.size

    def _limits(self, block: int) -> tuple[int, int]:
        return block * self.block, min(self.form.count, (block + 1) * self.block)

    def _rows(self, start: int, stop: int, numbers: Sequence[int]) -> Iterator[list[Content]]:
        """The contents of some columns, for all blocks that some rows lie in, cut to these rows."""
        if start >= stop:
            return
        _ = self.known
        wanted = range(start // self.block, (stop - 1) // self.block + 1)
        with ThreadPoolExecutor(cores()) as pool:
            some = 2 * cores()
            for first in range(0, len(wanted), some):
                group = wanted[first : first + some]
                for number, made in [(number, self._decoding(number, numbers, pool)) for number in group]:
                    begin = number * self.block
                    yield [_cut(future.result()[0], max(0, start - begin), stop - begin) for future in made]

    def _payloads(self, block: int, numbers: Sequence[int]) -> dict[int, tuple[bytes, bytes]]:
        """The chunks of columns, and of all those by which they are foretold, the latter first."""
        found: dict[int, tuple[bytes, bytes]] = {}
        opened: set[int] = set()

        def add(number: int) -> None:
            if number in found:
                return
            if number in opened or number >= len(self.form.fields):
                raise self._damage(block, number, "it is foretold by itself")
            opened.add(number)
            payload = self._chunk(block, number)
            for other in sorted(self._needed(block, number, payload[0])):
                add(other)
            found[number] = payload

        for number in numbers:
            add(number)
        return found

    def _needed(self, block: int, number: int, payload: bytes) -> set[int]:
        try:
            return chunks.needed(payload)
        except FileError as error:
            raise self._damage(block, number, str(error)) from error

    def _chunk(self, block: int, number: int) -> tuple[bytes, bytes]:
        try:
            return self._container.chunk(self.embedded + block * len(self.form.fields) + number)
        except DamageError as error:
            raise self._damage(block, number, error.reason) from error

    def _damage(self, block: int, number: int, reason: str) -> FileError:
        start, stop = self._limits(block)
        known = number < len(self.form.fields) and self.form.fields[number].name
        column = f", column {self.form.fields[number].name!r}" if known else ""
        chunk = self.embedded + block * len(self.form.fields) + number
        return FileError(f"{self.name} is damaged: chunk {chunk} (rows {start} to {stop}{column}): {reason}")

    def _decoding(self, block: int, numbers: Sequence[int], pool: ThreadPoolExecutor) -> list[Column]:
        """Columns in the making; those by which others are foretold begin before these, which wait for them."""
        payloads = self._payloads(block, numbers)  # one reader of the file at a time
        needed = {number: chunks.needed(payload) for number, (payload, _) in payloads.items()}
        named = {other for others in needed.values() for other in others}
        made: dict[int, Column] = {}
        for number, (payload, stamp) in payloads.items():
            told = {other: made[other] for other in needed[number]}
            made[number] = pool.submit(self._column, block, number, payload, stamp, told, number in named)
        return [made[number] for number in numbers]

    def _column(
        self, block: int, number: int, payload: bytes, stamp: bytes, told: dict[int, Column], named: bool
    ) -> tuple[Content, Known | None]:
        """A column, and the same as others are foretold by it if any is."""
        start, stop = self._limits(block)
        field = self.form.fields[number]
        known = [told[other].result()[1] if other in told else None for other in range(len(self.form.fields))]
        try:
            shape = (stop - start, *field.inner)
            content = chunks.decode(payload, field.dtype, shape, known, self.known.primer, self.known.model)
        except FileError as error:
            raise self._damage(block, number, str(error)) from error
        if content.stamp() != stamp:
            raise self._damage(block, number, "what it holds does not match its digest")
        return content, content.known() if named else None


def _cut(content: Content, start: int, stop: int) -> Content:
    if start == 0 and stop >= len(content.values):
        return content
    missing = None if content.missing is None else content.missing[start:stop]
    return Content(content.values[start:stop], missing, content.beside)
