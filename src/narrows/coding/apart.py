"""SZ3 and SPERR in a process of their own, which they end where they meet what they do not expect.

Run as a script, so that nothing of narrows is imported:

    apart.py there BOUND    an array as .npy -> for each candidate a line "CODEC STREAMS"; for each of its streams
                            a line with its size, and so many bytes
    apart.py back CODEC     for each stream a line "TYPE SIZE SHAPE", and so many bytes -> arrays as .npy
"""

import io
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

CODECS = ("SZ3", "SPERR")
SMALLEST = 8
"""Fields that are smaller along an axis are not tried."""


def layouts(field: NDArray[Any]) -> Iterator[list[NDArray[Any]]]:
    """A field whole, and slice by slice."""
    yield [field]
    if field.ndim == 3:
        yield [np.ascontiguousarray(part) for part in field]


def encoded(codec: str, part: NDArray[Any], bound: float) -> bytes | bytearray:
    """The stream of a part, with no value further off than the bound."""
    import imagecodecs  # optional

    made: bytes | bytearray = (
        imagecodecs.sz3_encode(part, mode="abs", abs=bound)
        if codec == "SZ3"
        else imagecodecs.sperr_encode(part, bound, mode="pwe")
    )
    return made


def able(codec: str, part: NDArray[Any]) -> bool:
    """Whether a codec is there, and made for such a part."""
    import imagecodecs  # optional

    offered = getattr(imagecodecs, codec, None)
    return (
        bool(getattr(offered, "available", False)) and min(part.shape) >= SMALLEST and (part.ndim > 1 or codec == "SZ3")
    )


def there(bound: float, source: BinaryIO, out: BinaryIO) -> None:
    """Every candidate for a field, as soon as it is made."""
    field = np.load(io.BytesIO(source.read()), allow_pickle=False)
    for parts in layouts(field):
        for codec in CODECS:
            if not able(codec, parts[0]):
                continue
            made = [encoded(codec, part, bound) for part in parts]
            out.write(f"{codec} {len(made)}\n".encode())
            for stream in made:
                out.write(f"{len(stream)}\n".encode() + stream)
            out.flush()


def back(codec: str, source: BinaryIO, out: BinaryIO) -> None:
    """The arrays of streams."""
    import imagecodecs  # optional

    while line := source.readline():
        dtype, size, *shape = line.decode().split()
        lengths, stream = tuple(map(int, shape)), source.read(int(size))
        found = (
            imagecodecs.sz3_decode(stream, lengths, np.dtype(dtype))
            if codec == "SZ3"
            else imagecodecs.sperr_decode(stream)
        )
        np.save(out, found, allow_pickle=False)


if __name__ == "__main__":
    if sys.argv[1] == "there":
        there(float.fromhex(sys.argv[2]), sys.stdin.buffer, sys.stdout.buffer)
    else:
        back(sys.argv[2], sys.stdin.buffer, sys.stdout.buffer)
