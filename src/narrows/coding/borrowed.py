"""Codecs of imagecodecs, where it is installed: JPEG XL for planes of whole numbers, SZ3 and SPERR within a bound.

A file that uses one can only be read where imagecodecs is installed, so they are taken only where they make clearly
less. What they give back is compared with the bound, and what fails is kept beside.
"""

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.mapping import filled, grid_step, scaled_by
from narrows.coding.patches import Patches
from narrows.coding.values import GRID, Array, Map, expressed, within
from narrows.core.errors import FileError

NAMES = ("JPEG XL", "JPEG XL of a grid", "SZ3", "SPERR")
PLANES, OF_GRID = 0, 1
WORTH = 1.02
"""Another method is kept as long as it needs no more than so many times what one of these needs."""
MOST_SECONDS = 600
COLOURS = (3, 4)
EFFORT, GREATEST = 7, 9
_SCRIPT = Path(__file__).with_name("apart.py")

Streams = Sequence[bytes]


@cache
def installed() -> bool:
    """Whether imagecodecs is there."""
    return find_spec("imagecodecs") is not None


def _needed() -> None:
    if not installed():
        raise FileError("it was made by a codec of imagecodecs, which is not there: pip install 'narrows[codecs]'")


def planes(values: Array) -> list[bytes]:
    """A candidate for images of whole numbers of one or two bytes, all of them in one mosaic."""
    if not installed() or values.dtype.kind != "u" or values.dtype.itemsize > 2 or values.ndim < 2 or not values.size:
        return []
    stream = _pictured(values, GREATEST)
    return [] if stream is None else [bytes([PLANES]) + stream]


def bounded(values: Array, bound: float) -> list[bytes]:
    """Candidates for a field of floating-point numbers that may come back as far as a bound from what they were."""
    if not installed() or values.dtype.kind != "f" or values.dtype.itemsize < 4 or bound <= 0 or values.size < 64:
        return []
    there = np.isfinite(values)
    if there.mean() < 0.5:
        return []
    told = filled(values.reshape(-1), there.reshape(-1)).reshape(values.shape)
    return _by_grid(values, told, there, bound) + _by_fields(values, told, there, bound)


def _by_grid(values: Array, told: Array, there: NDArray[np.bool_], bound: float) -> list[bytes]:
    """Numbers of a grid as pixels of 16 bits."""
    how = Map(GRID, step=grid_step(values, bound))
    scaled = scaled_by(told, how)
    base = float(scaled.min())
    if values.ndim < 2 or not np.abs(scaled).max() < 1 << 50 or scaled.max() - base >= 1 << 16:
        return []
    pixels = (scaled - base).astype(np.uint16)
    stream = _pictured(pixels, EFFORT)
    if stream is None:
        return []
    found = expressed(pixels.astype(np.int64) + int(base), how, values.dtype)
    out = Writer()
    out.number(OF_GRID)
    out.signed(int(base))
    out.piece(np.array([how.step], dtype="<f8").tobytes())
    Patches.of(values, there, there & ~within(found, values, bound).reshape(values.shape)).write(out)
    return [out.rest(stream)]


def _by_fields(values: Array, told: Array, there: NDArray[np.bool_], bound: float) -> list[bytes]:
    """The smallest of what SZ3 and SPERR make of a field."""
    field = _as_field(told)
    for _, codec, streams in sorted((sum(map(len, made)), codec, made) for codec, made in _made(field, bound)):
        found = _apart_back(codec, streams, values.dtype, values.shape)
        if found is None:
            continue
        out = Writer()
        out.number(NAMES.index(codec))
        Patches.of(values, there, there & ~within(found, values, bound).reshape(values.shape)).write(out)
        out.number(len(streams))
        for stream in streams:
            out.piece(stream)
        return [out.rest(b"")]
    return []


def decode(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """The values that come back."""
    _needed()
    fields = Reader(data)
    codec = fields.number(len(NAMES) - 1)
    if codec == PLANES:
        return _unpictured(fields.rest(), dtype, shape)
    if codec == OF_GRID:
        base = fields.signed()
        how = Map(GRID, step=float(np.frombuffer(fields.piece(), "<f8")[0]))
        patches = Patches.read(fields, shape)
        pixels = _unpictured(fields.rest(), np.dtype(np.uint16), shape)
        found = expressed(pixels.astype(np.int64) + base, how, dtype)
        return patches.onto(found.reshape(shape))
    patches = Patches.read(fields, shape)
    streams = [fields.piece() for _ in range(fields.number(prod(shape)))]
    back = _apart_back(NAMES[codec], streams, dtype, shape)
    if back is None:
        raise FileError(f"a stream of {NAMES[codec]} is damaged")
    return patches.onto(back)


def in_words(data: bytes) -> str:
    """By which codec a chunk was made."""
    return NAMES[Reader(data).number(len(NAMES) - 1)]


# pictures


def _mosaic(shape: tuple[int, ...]) -> tuple[int, int, int, int, int]:
    """Images of a shape in one: how many, their height, width and channels, and how many beside each other."""
    channels = shape[-1] if len(shape) > 3 and shape[-1] in COLOURS else 1
    height, width = shape[-3:-1] if channels > 1 else shape[-2:]
    count = prod(shape) // (height * width * channels)
    return count, height, width, channels, max(1, round((count * height / width) ** 0.5))


def _pictured(values: Array, effort: int) -> bytes | None:
    import imagecodecs

    count, height, width, channels, beside = _mosaic(values.shape)
    down = -(-count // beside)
    tiles = np.zeros((down * beside, height, width, channels), values.dtype)
    tiles[:count] = values.reshape(count, height, width, channels)
    one = tiles.reshape(down, beside, height, width, channels).swapaxes(1, 2).reshape(down * height, -1, channels)
    try:
        made = imagecodecs.jpegxl_encode(
            np.ascontiguousarray(one.squeeze(2) if channels == 1 else one), lossless=True, effort=effort, numthreads=1
        )
    except (RuntimeError, ValueError):
        return None
    return bytes(made)


def _unpictured(stream: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    import imagecodecs

    if len(shape) < 2 or not prod(shape):
        raise FileError("it holds no images")
    count, height, width, channels, beside = _mosaic(shape)
    down = -(-count // beside)
    try:
        one = imagecodecs.jpegxl_decode(stream, numthreads=1)
    except (RuntimeError, ValueError) as error:
        raise FileError(f"a stream of JPEG XL is damaged ({error})") from error
    if one.dtype != dtype or one.size != down * height * beside * width * channels:
        raise FileError("a stream of JPEG XL holds another image than it should")
    tiles = one.reshape(down, height, beside, width, channels).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, height, width, channels)[:count].reshape(shape))


# fields, in a process of their own


def _as_field(values: Array) -> Array:
    """Values as a field of one to three axes, none of them of length one."""
    wide = [length for length in values.shape if length > 1]
    return np.ascontiguousarray(values.reshape(-1, *wide[-2:]) if len(wide) > 2 else values.reshape(wide or (1,)))


def _run(arguments: Sequence[str], given: bytes) -> bytes:
    """What the other process says, as far as it comes."""
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(_SCRIPT), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, input=given, env=paths, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MOST_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout


def _made(field: Array, bound: float) -> list[tuple[str, Streams]]:
    """Candidates by codec."""
    given = io.BytesIO()
    np.save(given, field, allow_pickle=False)
    said, found = io.BytesIO(_run(["there", bound.hex()], given.getvalue())), list[tuple[str, Streams]]()
    while line := said.readline():
        codec, many = line.decode().split()
        found.append((codec, [said.read(int(said.readline())) for _ in range(int(many))]))
    return found


def _apart_back(codec: str, streams: Streams, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array | None:
    """The values of streams; None if they are damaged."""
    field = _as_field(np.empty(shape, dtype)).shape
    if not streams or (len(streams) > 1 and len(streams) != field[0]):
        return None
    part = field if len(streams) == 1 else field[1:]
    head = " ".join(map(str, part))
    given = b"".join(f"{dtype.str} {len(stream)} {head}\n".encode() + stream for stream in streams)
    said, found = io.BytesIO(_run(["back", codec], given)), []
    try:
        found = [np.load(said, allow_pickle=False) for _ in streams]
    except (EOFError, ValueError, OSError):
        return None
    if any(one.dtype != dtype or one.size != prod(part) for one in found):
        return None
    return np.concatenate([one.reshape(-1) for one in found]).reshape(shape)
