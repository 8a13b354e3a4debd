"""The generic method: the bytes of values, rearranged so that a generic codec finds more in them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from narrows.coding.fields import Reader, Writer
from narrows.coding.generic import CODECS, QUICK, finer, squeeze, unsqueeze
from narrows.coding.values import Array, bits_of
from narrows.core.errors import FileError


@dataclass(frozen=True)
class Arrangement:
    """A way to lay out values of one type as bytes.

    Args:
        name: What people call it.
        there: Unsigned integers (n, ...) to others of the same shape and type.
        back: And back.
        planes: Whether all first bytes come first, then all second ones.
    """

    name: str
    there: Callable[[Array], Array]
    back: Callable[[Array], Array]
    planes: bool


def _same(bits: Array) -> Array:
    return bits


def _moved(axis: int) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Differences along an axis, modulo the range of the type, and their sums."""

    def there(bits: Array) -> Array:
        return np.diff(bits, axis=axis, prepend=np.zeros_like(bits.take([0], axis=axis))) if bits.size else bits

    def back(bits: Array) -> Array:
        return np.cumsum(bits, axis=axis, dtype=bits.dtype)

    return there, back


ARRANGEMENTS = (
    Arrangement("plain", _same, _same, planes=False),
    Arrangement("planes", _same, _same, planes=True),
    Arrangement("differences of rows", *_moved(0), planes=False),
    Arrangement("differences of rows, planes", *_moved(0), planes=True),
    Arrangement("differences in rows", *_moved(-1), planes=False),
    Arrangement("differences in rows, planes", *_moved(-1), planes=True),
    Arrangement("transposed", _same, _same, planes=False),
)
"""The arrangements, by the number that files keep."""
TRANSPOSED = 6
SAMPLE = 1 << 18
GLANCE = 1 << 14
"""By so many bytes it is decided what is tried where time counts."""
SHARE, LARGEST_SHARE = 16, 1 << 17
"""A slow codec is tried out by so much of the values, if that is more, but by no more bytes than that."""
TELLING = 1 << 10
"""A quick codec makes more bytes than this of what tells something about slow ones."""
FAR = 3
"""Slow codecs need more than a third of what quick ones do, or it is not worth to look."""
HOPED = 1.07
"""Slow codecs are tried where they promise less than so much of what another method needs."""


def laid_out(values: Array, number: int) -> bytes:
    """The bytes of values in an arrangement."""
    how = ARRANGEMENTS[number]
    bits = bits_of(values).reshape(values.shape)
    if number == TRANSPOSED:
        return np.ascontiguousarray(bits.reshape(len(bits), -1).T).tobytes()
    moved = np.ascontiguousarray(how.there(bits))
    if not how.planes:
        return moved.tobytes()
    return np.ascontiguousarray(moved.reshape(-1).view(np.uint8).reshape(-1, bits.dtype.itemsize).T).tobytes()


def taken_up(data: bytes, number: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The values of bytes in an arrangement."""
    how, whole = ARRANGEMENTS[number], np.dtype(f"u{dtype.itemsize}")
    if number == TRANSPOSED:
        flat = np.frombuffer(data, whole).reshape(-1, shape[0]).T
        return np.ascontiguousarray(flat).view(dtype).reshape(shape)
    if how.planes:
        plain = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1).T
        bits = np.ascontiguousarray(plain).reshape(-1).view(whole).reshape(shape)
    else:
        bits = np.frombuffer(data, whole).reshape(shape)
    return np.ascontiguousarray(how.back(bits)).view(dtype).reshape(shape)


def encode(values: Array, tried: tuple[int, ...], thorough: bool = False) -> bytes:
    """Values to bytes by the best arrangement and codec.

    Args:
        values: (n, ...), of any numeric type of at most eight bytes.
        tried: Numbers of codecs.
        thorough: Whether finer settings are tried too.
    """
    if not values.size:
        return b"\0" + squeeze(b"", (0,))
    able = [number for number in range(len(ARRANGEMENTS)) if _differs(number, values)]
    some = values[: max(1, SAMPLE * len(values) // max(1, values.nbytes))]
    quick = sorted(able, key=lambda number: len(squeeze(laid_out(some, number), QUICK)))
    made = [(squeeze(laid_out(values, number), tried), number) for number in {0, *quick[:2]}]
    best, number = min(made, key=lambda one: (len(one[0]), one[1]))
    return bytes([number]) + (finer(best, laid_out(values, number)) if thorough else best)


def encode_quickly(values: Array) -> dict[int, bytes]:
    """Values to bytes by a quick codec, as they are and by the arrangement that is best for some, by its number.

    Args:
        values: (n, ...), of any numeric type of at most eight bytes.
    """
    if not values.size:
        return {0: encode(values, QUICK)}
    some = _middle(values, GLANCE)
    able = [number for number in range(len(ARRANGEMENTS)) if _differs(number, values)]
    promising = {0, min(able, key=lambda number: len(squeeze(laid_out(some, number), QUICK)))}
    return {number: bytes([number]) + squeeze(laid_out(values, number), QUICK) for number in promising}


def encode_by_sample(values: Array, found: dict[int, bytes], tried: tuple[int, ...], least: int) -> bytes:
    """Values to bytes by the arrangement and the codec that are best for some of them.

    Slow codecs are left out where they promise no less than what another method needs.

    Args:
        values: (n, ...), of any numeric type of at most eight bytes.
        found: What `encode_quickly` made of them.
        tried: Numbers of codecs.
        least: How many bytes another method needs.
    """
    quickly = min(found.values(), key=len)
    if not values.size or len(quickly) > FAR * least:
        return quickly
    hoped = min((_hoped(values, number, tried, len(made)), number) for number, made in found.items())
    (size, codec), number = hoped
    if size >= min(len(quickly), HOPED * least):
        return quickly
    return min(quickly, bytes([number]) + squeeze(laid_out(values, number), (codec,)), key=len)


def _hoped(values: Array, number: int, tried: tuple[int, ...], quickly: int) -> tuple[float, int]:
    """What the best codec promises for an arrangement of values by some of them, and which it is.

    Args:
        values: (n, ...).
        number: Of the arrangement.
        tried: Numbers of codecs.
        quickly: How many bytes a quick codec needs for all values.
    """
    size = max(GLANCE, min(values.nbytes // SHARE, LARGEST_SHARE))
    plain = laid_out(_middle(values, size), number)
    while (made := len(squeeze(plain, QUICK))) < TELLING and size < values.nbytes:
        size *= 4
        plain = laid_out(_middle(values, size), number)
    share = quickly / made
    return min((share * len(CODECS[codec].shrink(plain)), codec) for codec in tried)


def _middle(values: Array, size: int) -> Array:
    """About so many bytes from the middle of values: fewer rows, and where one is more than that, a part of it."""
    for axis, length in enumerate(values.shape):
        kept = max(1, min(length, size * length // max(1, values.nbytes)))
        start = (length - kept) // 2
        values = values[(slice(None),) * axis + (slice(start, start + kept),)]
    return values


def _differs(number: int, values: Array) -> bool:
    """Whether an arrangement of values is not the same as another one."""
    inner = prod(values.shape[1:])
    if number == TRANSPOSED:
        return inner > 1
    if values.ndim == 1 and number in (4, 5):
        return False
    return values.dtype.itemsize > 1 or not ARRANGEMENTS[number].planes


def decode(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The values that `encode` was given."""
    if not data or data[0] >= len(ARRANGEMENTS):
        raise FileError("values are arranged in a way that this version does not know")
    plain = unsqueeze(data[1:], prod(shape) * dtype.itemsize)
    if not plain:
        return np.zeros(shape, dtype)
    return taken_up(plain, data[0], dtype, shape)


def with_gaps(encoded: bytes, missing: Array | None) -> bytes:
    """What `encode` made of values, and which of them are missing."""
    out = Writer()
    out.piece(b"" if missing is None else squeeze(np.packbits(missing).tobytes()))
    return out.rest(encoded)


def gaps_and_values(
    data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]] | None]:
    """The values that were encoded for `with_gaps`, and which are missing."""
    fields = Reader(data)
    packed, missing = fields.piece(), None
    if packed:
        plain = unsqueeze(packed, (shape[0] + 7) // 8)
        missing = np.unpackbits(np.frombuffer(plain, np.uint8), count=shape[0]).astype(bool)
    return decode(fields.rest(), dtype, shape), missing
