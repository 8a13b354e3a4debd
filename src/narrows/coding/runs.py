"""Symbols by tables that are given: one table for many symbols, or one for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import constriction
import numpy as np
from numpy.typing import NDArray

from narrows.core.errors import FileError

Symbols = NDArray[np.int32]
Rows = NDArray[np.float64]
_MODEL = constriction.stream.model.Categorical
_EACH = _MODEL(perfect=False)


class RunCoder(ABC):
    """Codes symbols in one direction; tables are whole numbers, held in double precision."""

    @abstractmethod
    def runs(self, rows: Iterable[Rows], ends: Sequence[int], symbols: Symbols | None) -> Symbols:
        """Code runs of symbols, each by one table (k,), and say which they were; they are known when writing.

        Args:
            rows: The table of each run.
            ends: Where each run ends and the next one begins; the last with the last symbol.
            symbols: Of all runs, one after another.
        """

    @abstractmethod
    def each(self, rows: Rows, symbols: Symbols | None) -> Symbols:
        """Code symbols (count,), each by a table of its own (count, k); the stream is that of as many runs of one."""


class RunWriter(RunCoder):
    """Symbols to bytes."""

    def __init__(self) -> None:
        self._encoder = constriction.stream.queue.RangeEncoder()

    def runs(self, rows: Iterable[Rows], ends: Sequence[int], symbols: Symbols | None) -> Symbols:
        """Write runs of symbols."""
        assert symbols is not None
        encode = self._encoder.encode
        for row, start, end in zip(rows, (0, *ends), ends, strict=False):
            encode(symbols[start:end], _MODEL(row, perfect=False))
        return symbols

    def each(self, rows: Rows, symbols: Symbols | None) -> Symbols:
        """Write symbols of one table each."""
        assert symbols is not None
        self._encoder.encode(symbols, _EACH, rows)
        return symbols

    def done(self) -> bytes:
        """Everything that was coded."""
        return self._encoder.get_compressed().astype("<u4").tobytes()


class RunReader(RunCoder):
    """Bytes to symbols."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise FileError("a stream of symbols is made of words of four bytes")
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))

    def runs(self, rows: Iterable[Rows], ends: Sequence[int], symbols: Symbols | None) -> Symbols:
        """Find runs of symbols."""
        decode, found = self._decoder.decode, np.empty(ends[-1], np.int32)
        try:
            for row, start, end in zip(rows, (0, *ends), ends, strict=False):
                found[start:end] = decode(_MODEL(row, perfect=False), end - start)
            return found
        except (AssertionError, ValueError, KeyError) as error:  # what a damaged stream brings about
            raise FileError("a stream of symbols is damaged") from error

    def each(self, rows: Rows, symbols: Symbols | None) -> Symbols:
        """Find symbols of one table each."""
        try:
            return self._decoder.decode(_EACH, rows)
        except (AssertionError, ValueError, KeyError) as error:
            raise FileError("a stream of symbols is damaged") from error


class RunCounter(RunCoder):
    """Counts the bits that symbols would take."""

    def __init__(self) -> None:
        self.bits = 0.0

    def runs(self, rows: Iterable[Rows], ends: Sequence[int], symbols: Symbols | None) -> Symbols:
        """Note what runs of symbols would take."""
        assert symbols is not None
        for row, start, end in zip(rows, (0, *ends), ends, strict=False):
            self.bits += float((end - start) * np.log2(row.sum()) - np.log2(row[symbols[start:end]]).sum())
        return symbols

    def each(self, rows: Rows, symbols: Symbols | None) -> Symbols:
        """Note what symbols of one table each would take."""
        assert symbols is not None
        taken = rows[np.arange(len(rows)), symbols]
        self.bits += float((np.log2(rows.sum(1)) - np.log2(taken)).sum())
        return symbols
