"""Values as whole numbers and back, bit for bit.

Numbers of any type become symbols u = 0, 1, 2, ...: what is missing and what does not fit are symbols of their own, and
the bits of what does not fit are kept beside. What fits is one of

    whole    v = x                      decimal  v = 10^k x, where x = v / 10^k exactly
    bits     v = the bits of x in the order of the numbers
    grid     v = round(x / step), where x is allowed to change
    rank     v = the place of x among the values that occur

and u = v - min v, or the zigzag of v_i - v_(i-1).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import squeeze, unsqueeze
from narrows.core.errors import FileError

Array = NDArray[Any]
Whole = NDArray[np.int64]
Symbols = NDArray[np.uint64]
WHOLE, DECIMAL, BITS, GRID, RANK = range(5)
NAMES = ("whole", "decimal", "bits", "grid", "rank")
FURTHEST = 1 << 52
"""Whole numbers of floats are not taken beyond this, where floats can still tell them apart."""


def bits_of(values: Array) -> Array:
    """Values as unsigned integers of their size, without a change of any bit."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def ordered_bits(values: Array) -> Symbols:
    """Unsigned integers in the order of the numbers, one for each pattern of bits."""
    kind, width = values.dtype.kind, 8 * values.dtype.itemsize
    found = bits_of(values).astype(np.uint64)
    sign = np.uint64(1 << (width - 1))
    if kind == "i":
        return found ^ sign
    if kind == "f":
        every = np.uint64((1 << width) - 1)
        return np.where(found & sign, found ^ every, found | sign)
    return found


def from_ordered_bits(found: Symbols, dtype: np.dtype[Any]) -> Array:
    """What `ordered_bits` was made of."""
    width = 8 * dtype.itemsize
    sign = np.uint64(1 << (width - 1))
    if dtype.kind == "i":
        found = found ^ sign
    elif dtype.kind == "f":
        every = np.uint64((1 << width) - 1)
        found = np.where(found & sign, found ^ sign, found ^ every)
    return found.astype(f"u{dtype.itemsize}").view(dtype)


def distinct(numbers: Array) -> tuple[Array, Whole]:
    """The whole numbers that occur, in order, and the place of each; without sorting where they can be counted."""
    least, most = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, 0)
    if most - least > 8 * len(numbers) + 1024:
        ids, places = np.unique(numbers, return_inverse=True)
        return ids, places.astype(np.int64)
    moved = (numbers - numbers.dtype.type(least)).astype(np.int64)
    there = np.zeros(most - least + 1, dtype=bool)
    there[moved] = True
    return np.flatnonzero(there).astype(numbers.dtype) + numbers.dtype.type(least), (np.cumsum(there) - 1)[moved]


@dataclass(frozen=True)
class Map:
    """How values became symbols.

    Args:
        kind: `WHOLE`, `DECIMAL`, `BITS`, `GRID` or `RANK`.
        digits: k of a decimal.
        step: Of a grid.
        known: Of a rank: the values that occur, in order.
        running: Whether symbols are differences from one value to the next.
        base: min v, or the first v of differences.
        gaps: Whether values may be missing, which symbol 0 stands for.
        odd: The bits of values that do not fit, one after another, if there are any.
    """

    kind: int
    digits: int = 0
    step: float = 0.0
    known: Array | None = None
    running: bool = False
    base: int = 0
    gaps: bool = False
    odd: Array | None = None

    @property
    def special(self) -> int:
        """How many of the first symbols stand for no number."""
        return int(self.gaps) + int(self.odd is not None)

    def to_bytes(self) -> bytes:
        """A description that `read` reads."""
        out = Writer()
        out.number(self.kind | self.running << 3 | self.gaps << 4 | (self.odd is not None) << 5)
        out.signed(self.base)
        if self.kind == DECIMAL:
            out.number(self.digits)
        if self.kind == GRID:
            out.piece(np.array([self.step], dtype="<f8").tobytes())
        if self.kind == RANK:
            assert self.known is not None
            rungs = ordered_bits(self.known)
            out.number(len(rungs))
            out.piece(packed(np.diff(rungs, prepend=np.uint64(0))))
        if self.odd is not None:
            out.number(len(self.odd))
            out.piece(packed(bits_of(self.odd).astype(np.uint64)))
        return out.rest(b"")

    @classmethod
    def read(cls, fields: Reader, dtype: np.dtype[Any], count: int) -> "Map":
        """A map as `to_bytes` wrote it, for so many values of a type."""
        flags = fields.number(63)
        kind, step, digits = flags & 7, 0.0, 0
        if kind >= len(NAMES):
            raise FileError("values were mapped in a way that this version does not know")
        base = fields.signed()
        known = odd = None
        if kind == DECIMAL:
            digits = fields.number(22)
        if kind == GRID:
            step = float(np.frombuffer(fields.piece(), dtype="<f8")[0])
        if kind == RANK:
            many = fields.number(count)
            known = from_ordered_bits(np.cumsum(unpacked(fields.piece(), many), dtype=np.uint64), dtype)
        if flags & 32:
            many = fields.number(count)
            odd = unpacked(fields.piece(), many).astype(f"u{dtype.itemsize}").view(dtype)
        return cls(kind, digits, step, known, bool(flags & 8), base, bool(flags & 16), odd)

    def numbers(self, symbols: Symbols) -> tuple[Whole, NDArray[np.bool_]]:
        """The number v of each symbol, and which symbols stand for one."""
        fits = symbols >= self.special
        rest = np.where(fits, symbols - np.uint64(self.special), np.uint64(0))
        if not self.running:
            return (rest + np.uint64(self.base % (1 << 64))).view(np.int64), fits
        moved = (rest >> np.uint64(1)) ^ (np.uint64(0) - (rest & np.uint64(1)))
        return (np.cumsum(moved, dtype=np.uint64) + np.uint64(self.base % (1 << 64))).view(np.int64), fits

    def values(self, symbols: Symbols, dtype: np.dtype[Any]) -> Array:
        """The values of symbols; what is missing reads 0."""
        v, fits = self.numbers(symbols)
        found = self._values(v, dtype)
        found[~fits] = np.zeros(1, dtype)
        if self.odd is not None:
            places = symbols == int(self.gaps)
            if int(places.sum()) != len(self.odd):
                raise FileError("the number of values that are kept beside is another than there should be")
            found[places] = self.odd
        return found

    def _values(self, v: Whole, dtype: np.dtype[Any]) -> Array:
        if self.kind == RANK:
            assert self.known is not None
            if len(v) and (len(self.known) == 0 or v.min() < 0 or v.max() >= len(self.known)):
                raise FileError("a symbol stands for none of the values that occur")
            return self.known[v]
        if self.kind == BITS:
            return from_ordered_bits(v.view(np.uint64), dtype)
        return expressed(v, self, dtype)


def expressed(v: Whole, how: Map, dtype: np.dtype[Any]) -> Array:
    """Whole, decimal and grid numbers as values: one operation in double precision, and one cast."""
    if dtype.kind in "iub":
        return v.view(np.uint64).astype(f"u{dtype.itemsize}").view(dtype)
    with np.errstate(over="ignore"):
        if how.kind == DECIMAL:
            return (v.astype(np.float64) / 10.0**how.digits).astype(dtype)
        if how.kind == GRID:
            return (v.astype(np.float64) * how.step).astype(dtype)
        return v.astype(np.float64).astype(dtype)


def within(found: Array, values: Array, bound: float) -> NDArray[np.bool_]:
    """Which values are no further from those that they stand for than allowed, reckoned in their own type and exactly.

    In single and half precision the differences are taken in double precision too, where they are exact.
    """
    if bound == 0:
        return bits_of(found) == bits_of(values)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(found - values) <= bound
        wide = np.longdouble if values.dtype.itemsize >= 8 else np.float64
        exact = np.abs(found.astype(wide) - values.astype(wide)) <= bound
    return near & exact & np.isfinite(found)


def packed(numbers: Symbols) -> bytes:
    """Unsigned integers by the fewest bytes each, plane by plane, then by a generic codec."""
    width = (int(numbers.max(initial=0)).bit_length() + 7) // 8
    planes = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return bytes([width]) + squeeze(np.ascontiguousarray(planes.T).tobytes())


def unpacked(data: bytes, count: int) -> Symbols:
    """The integers that `packed` was given."""
    if not data or data[0] > 8:
        raise FileError("numbers are packed in a way that this version does not know")
    planes = np.zeros((count, 8), dtype=np.uint8)
    plain = np.frombuffer(unsqueeze(data[1:], count * data[0]), dtype=np.uint8)
    planes[:, : data[0]] = plain.reshape(data[0], count).T
    return planes.reshape(-1).view("<u8").astype(np.uint64)


def packed_signed(numbers: Whole) -> bytes:
    """Whole numbers of either sign, by their zigzag."""
    flat = numbers.reshape(-1)
    return packed((flat << 1 ^ flat >> 63).view(np.uint64))


def unpacked_signed(data: bytes, count: int) -> Whole:
    """The numbers that `packed_signed` was given, in a row."""
    found = unpacked(data, count)
    return ((found >> np.uint64(1)) ^ (np.uint64(0) - (found & np.uint64(1)))).view(np.int64)
