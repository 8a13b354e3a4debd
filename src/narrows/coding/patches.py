"""What a method for smooth values does not give back as it should, kept beside: the bits, and where they belong."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding import medians
from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.coding.values import Array, Symbols, bits_of, packed, unpacked

OUTLINED = b"\xff"
"""What a piece begins with that holds which values are missing as images of one bit."""


@dataclass(frozen=True)
class Patches:
    """Bits of values that were of no use to a method, and of those that it gives back wrong.

    Args:
        missing: Which values the method was not told, of the values' shape.
        beside: The bits of these.
        places: The places of those that come back wrong, in a row.
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
        bits, places = bits_of(values).reshape(-1).astype(np.uint64), np.flatnonzero(wrong.reshape(-1))
        return cls(~there, bits[~there.reshape(-1)], places, bits[places])

    def write(self, out: Writer) -> None:
        """Write them so that `read` reads them."""
        out.piece(_outlined(np.packbits(self.missing).tobytes(), self.missing.shape) if len(self.beside) else b"")
        if len(self.beside):
            out.piece(packed(self.beside))
        out.number(len(self.places))
        if len(self.places):
            out.piece(packed(np.diff(self.places, prepend=0).astype(np.uint64)))
            out.piece(packed(self.bits))

    @classmethod
    def read(cls, fields: Reader, shape: tuple[int, ...]) -> "Patches":
        """The patches of values of a shape."""
        stored, count = fields.piece(), prod(shape)
        missing, beside = np.zeros(shape, dtype=bool), np.zeros(0, dtype=np.uint64)
        if stored:
            missing = _filled(stored, shape)
            beside = unpacked(fields.piece(), int(missing.sum()))
        many = fields.number(count)
        places = np.cumsum(unpacked(fields.piece(), many)).astype(np.int64) if many else np.zeros(0, dtype=np.int64)
        return cls(missing, beside, places, unpacked(fields.piece(), many) if many else np.zeros(0, dtype=np.uint64))

    def onto(self, found: Array) -> Array:
        """Values of the shape with everything where it belongs."""
        dtype: np.dtype[Any] = found.dtype
        whole = f"u{dtype.itemsize}"
        flat = found.reshape(-1)
        flat[self.missing.reshape(-1)] = self.beside.astype(whole).view(dtype)
        flat[self.places] = self.bits.astype(whole).view(dtype)
        return flat.reshape(found.shape)


@lru_cache(maxsize=4)
def _outlined(bits: bytes, shape: tuple[int, ...]) -> bytes:
    """Which values are missing, as bits or, where that is less, as images: worked out once for all candidates."""
    images = medians.as_images(_unpacked(bits, shape))
    plain = squeeze(bits)
    return plain if images is None else min(plain, OUTLINED + medians.encode(images.astype(np.int64)), key=len)


def _filled(stored: bytes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which values are missing."""
    images = medians.as_images(np.empty(shape, np.bool_))
    if stored[:1] == OUTLINED and images is not None:
        return medians.decode(stored[1:], images.shape).reshape(shape) > 0
    return _unpacked(unsqueeze(stored, (prod(shape) + 7) // 8), shape)


def _unpacked(bits: bytes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(shape)).astype(bool).reshape(shape)
