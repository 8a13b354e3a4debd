"""What a method for smooth values does not give back as it should, kept beside: the bits, and where they belong."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.coding.values import Array, Symbols, bits_of, packed, unpacked


@dataclass(frozen=True)
class Patches:
    """Bits of values in a row that were of no use to a method, and of those that it gives back wrong.

    Args:
        missing: Which values the method was not told (n,).
        beside: The bits of these.
        places: The places of those that come back wrong.
        bits: The bits of these.
    """

    missing: NDArray[np.bool_]
    beside: Symbols
    places: NDArray[np.int64]
    bits: Symbols

    @classmethod
    def of(cls, values: Array, there: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> "Patches":
        """The patches of values of any shape.

        Args:
            values: What should come back.
            there: Which of them the method is told.
            wrong: Which of these it gives back wrong.
        """
        bits, missing = bits_of(values).reshape(-1).astype(np.uint64), ~there.reshape(-1)
        places = np.flatnonzero(wrong.reshape(-1))
        return cls(missing, bits[missing], places, bits[places])

    def write(self, out: Writer) -> None:
        """Write them so that `read` reads them."""
        out.piece(squeeze(np.packbits(self.missing).tobytes()) if len(self.beside) else b"")
        if len(self.beside):
            out.piece(packed(self.beside))
        out.number(len(self.places))
        if len(self.places):
            out.piece(packed(np.diff(self.places, prepend=0).astype(np.uint64)))
            out.piece(packed(self.bits))

    @classmethod
    def read(cls, fields: Reader, count: int) -> "Patches":
        """The patches of so many values."""
        stored = fields.piece()
        missing, beside = np.zeros(count, dtype=bool), np.zeros(0, dtype=np.uint64)
        if stored:
            plain = unsqueeze(stored, (count + 7) // 8)
            missing = np.unpackbits(np.frombuffer(plain, np.uint8), count=count).astype(bool)
            beside = unpacked(fields.piece(), int(missing.sum()))
        many = fields.number(count)
        places = np.cumsum(unpacked(fields.piece(), many)).astype(np.int64) if many else np.zeros(0, dtype=np.int64)
        return cls(missing, beside, places, unpacked(fields.piece(), many) if many else np.zeros(0, dtype=np.uint64))

    def onto(self, found: Array) -> Array:
        """Values in a row with everything where it belongs."""
        dtype: np.dtype[Any] = found.dtype
        whole = f"u{dtype.itemsize}"
        found[self.missing] = self.beside.astype(whole).view(dtype)
        found[self.places] = self.bits.astype(whole).view(dtype)
        return found
