"""Bits to bytes and back by a range coder, each bit with a probability of its own.

Writer, reader and dry run have one method, `code`, so that what decides about probabilities is written once for both
directions: a writer is told the bits, a reader finds them.
"""

from abc import ABC, abstractmethod

import constriction
import numpy as np
from numpy.typing import NDArray

from narrows.coding.logistic import PRECISION
from narrows.core.errors import FileError

_FAMILY = constriction.stream.model.Categorical(perfect=False)
_RAW = 1 << (PRECISION - 1)

Bits = NDArray[np.int32]


class BitCoder(ABC):
    """Codes bits in one direction."""

    @abstractmethod
    def code(self, bits: Bits | None, ones: NDArray[np.int32]) -> Bits:
        """Code one bit for each probability, and say which bits they were.

        Args:
            bits: The bits (n,), known when writing.
            ones: The probability of a one for each, out of 2^22, neither 0 nor all.
        """

    def even(self, values: NDArray[np.uint64] | None, count: int, width: int) -> NDArray[np.uint64]:
        """Code whole numbers of so many bits about which nothing is known."""
        found = np.zeros(count, dtype=np.uint64)
        for place in range(width - 1, -1, -1):
            bits = None if values is None else ((values >> np.uint64(place)) & np.uint64(1)).astype(np.int32)
            found = (found << np.uint64(1)) | self.code(bits, np.full(count, _RAW, dtype=np.int32)).astype(np.uint64)
        return found


class BitWriter(BitCoder):
    """Bits to bytes."""

    def __init__(self) -> None:
        self._bits: list[Bits] = []
        self._ones: list[NDArray[np.int32]] = []

    def code(self, bits: Bits | None, ones: NDArray[np.int32]) -> Bits:
        """Note bits and their probabilities; the coder gets all of them at once."""
        assert bits is not None
        self._bits.append(bits)
        self._ones.append(ones)
        return bits

    def done(self) -> bytes:
        """Everything that was coded."""
        if not self._bits:
            return b""
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(np.concatenate(self._bits), _FAMILY, _rows(np.concatenate(self._ones)))
        return encoder.get_compressed().astype("<u4").tobytes()


class BitReader(BitCoder):
    """Bytes to bits."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise FileError("a stream of bits is made of words of four bytes")
        self._decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, dtype="<u4").astype(np.uint32))

    def code(self, bits: Bits | None, ones: NDArray[np.int32]) -> Bits:
        """Find bits by their probabilities."""
        try:
            return self._decoder.decode(_FAMILY, _rows(ones))
        except (AssertionError, ValueError, KeyError) as error:  # what a damaged stream brings about
            raise FileError("a stream of bits is damaged") from error


def _rows(ones: NDArray[np.int32]) -> NDArray[np.float64]:
    """Both probabilities of each bit, as the coder takes them: whole numbers, held exactly."""
    rows = np.empty((len(ones), 2))
    rows[:, 1] = ones
    np.subtract(1 << PRECISION, rows[:, 1], out=rows[:, 0])
    return rows
