"""Images of small whole numbers, quickly: each pixel foretold by the median of what three neighbours say, by tables.

With W, N, NW and NE the known neighbours of a pixel in its channel, or what they have more than the channel before,

    p = median(W, N, W + N - NW)
    d = |W - NW| + |N - NW| + |N - NE| + 2 (e_W + e_N + e_C) + e_NW + e_NE

where e is how far they, and C, the same pixel of the channel before, were from what was foretold. A pixel is coded as
its difference from p, by a table for each class of d; or as its value, by tables for classes of p and of d and for
which neighbours are of the most frequent value, which suits drawings and images with an empty ground. Many images are
walked side by side; large ones are cut into tiles.

Source: the median is that of LOCO-I (Weinberger, Seroussi and Sapiro 2000), the classes are those of CALIC (Wu and
Memon 1997), simplified.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding import pictures
from narrows.coding.fields import Reader, Writer
from narrows.coding.pictures import COLOURS, MOST_BITS, groups, slanted
from narrows.coding.promises import Promise
from narrows.coding.rows import conditional
from narrows.coding.runs import RunCoder, RunReader, RunWriter
from narrows.coding.tables import Nest, Tables
from narrows.coding.values import Array
from narrows.core.errors import FileError

BOUNDS = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 150, 200)
"""Between the classes of d for differences."""
COARSE = (4, 8, 16, 30, 54, 96, 170, 300)
"""Between the classes of d for values."""
LEVELS = 5
"""p has classes by so many of its highest bits."""
WIDER = 18
"""A wider bucket weighs as 64 symbols do."""
SIDE = 64
"""Tiles have about this side."""
LONG = 2048
"""Images are cut into tiles where lines have fewer pixels than this."""
SAMPLED = 1 << 17
"""About so many pixels decide between differences and values."""
FIRST, GROWTH, MOST, LARGEST = 512, 8, 4096, 1 << 15
"""The first group of tiles, how much larger the next one is, and the largest; of many tiles, the largest there is."""

Pixels = NDArray[np.int64]
Small = NDArray[np.int16]


@dataclass(frozen=True)
class Scheme:
    """What the writer chose.

    Args:
        bits: Of a pixel.
        values: Whether pixels are coded as values, or else as differences.
        ground: The most frequent value.
        side: Height and width of a tile.
        most: The largest group.
    """

    bits: int
    values: bool
    ground: int
    side: tuple[int, int]
    most: int

    @property
    def nest(self) -> Nest:
        """The buckets of a channel."""
        return Nest.by_number(1 << LEVELS, len(COARSE) + 1, 16) if self.values else Nest.by_number(len(BOUNDS) + 1)


def as_images(values: Array) -> Array | None:
    """Values as images (n, height, width, channels), three or four channels of one image too; None if they are none."""
    one = values.ndim == 3 and 3 <= values.shape[-1] <= COLOURS
    return pictures.as_images(values[None] if one else values)


def promise(images: Pixels, primer: Pixels | None = None) -> Promise:
    """Images to bytes.

    Args:
        images: (n, height, width, channels), from 0 to 255.
        primer: Images of the same shape that the reader will have too, by which counts begin.
    """
    count, height, width, _ = images.shape
    highest = images.max(initial=0) if primer is None else max(images.max(initial=0), primer.max(initial=0))
    bits = max(1, int(highest).bit_length())
    ground = int(np.bincount(images.reshape(-1)).argmax())
    most = SIDE if count * height * width < LONG * (width + 2 * height - 2) else max(height, width)
    side = -(-height // -(-height // most)), -(-width // -(-width // most))
    tiles = _tiles(images, side)
    known = tiles if primer is None else _tiles(primer, side)
    some = known[:: max(1, known.size // SAMPLED)]
    most = MOST if len(tiles) <= FIRST + MOST else LARGEST
    schemes = [Scheme(bits, values, ground, side, most) for values in (False, True)]
    costs = [_cost(some, scheme) for scheme in schemes]
    least = int(np.argmin(costs))
    return Promise(costs[least] * len(tiles) / len(some), partial(_encoded, tiles, schemes[least], primer))


def encode(images: Pixels, primer: Pixels | None = None) -> bytes:
    """Images (n, height, width, channels), from 0 to 255, to bytes."""
    return promise(images, primer).make()


def _encoded(tiles: Small, scheme: Scheme, primer: Pixels | None) -> bytes:
    out, writer = Writer(), RunWriter()
    flags = scheme.values | (scheme.most > MOST) << 1 | (primer is not None) << 2
    for number in (scheme.bits, flags, scheme.ground, *scheme.side):
        out.number(number)
    _walk(tiles, writer, _tables(scheme, tiles.shape[3], primer), scheme, known=True)
    return out.rest(writer.done())


def _tables(scheme: Scheme, channels: int, primer: Pixels | None) -> list[Tables]:
    """The tables of every channel, with the counts of a primer if there is one."""
    tables = [Tables(1 << scheme.bits, scheme.nest, WIDER) for _ in range(channels)]
    if primer is not None:
        _walk(_tiles(primer, scheme.side), None, tables, scheme, known=True)
    return tables


def decode(data: bytes, shape: tuple[int, ...], primer: Pixels | None = None) -> Small:
    """The images that `encode` was given.

    Args:
        data: What it made.
        shape: (n, height, width, channels).
        primer: As it was given.
    """
    fields = Reader(data)
    bits, flags, ground = fields.number(MOST_BITS), fields.number(7), fields.number((1 << MOST_BITS) - 1)
    side = fields.number(shape[1]), fields.number(shape[2])
    if not bits or not all(side):
        raise FileError("images have pixels without bits, or tiles without a side")
    if not flags & 4:
        primer = None
    elif primer is None or primer.shape[1:] != shape[1:] or int(primer.max(initial=0)) >> bits:
        raise FileError("it needs the primer that it was made with")
    count, height, width, channels = shape
    down, across = -(-height // side[0]), -(-width // side[1])
    tiles = np.zeros((count * down * across, *side, channels), dtype=np.int16)
    scheme = Scheme(bits, bool(flags & 1), ground, side, LARGEST if flags & 2 else MOST)
    _walk(tiles, RunReader(fields.rest()), _tables(scheme, channels, primer), scheme, known=False)
    whole = tiles.reshape(count, down, across, *side, channels).swapaxes(2, 3)
    return whole.reshape(count, down * side[0], across * side[1], channels)[:, :height, :width]


def _tiles(images: Pixels, side: tuple[int, int]) -> Small:
    """Images cut into tiles (n, *side, channels), the last ones filled by repeating the edge."""
    count, height, width, channels = images.shape
    down, across = -(-height // side[0]), -(-width // side[1])
    room = ((0, 0), (0, down * side[0] - height), (0, across * side[1] - width), (0, 0))
    filled = np.pad(images.astype(np.int16), room, mode="edge")
    return filled.reshape(count, down, side[0], across, side[1], channels).swapaxes(2, 3).reshape(-1, *side, channels)


def _cost(tiles: Small, scheme: Scheme) -> float:
    """About how many bits tiles take, reckoned from all pixels at once."""
    count, height, width, channels = tiles.shape
    pixels = np.zeros((2, channels, height + 1, width + 2, count), np.int16)
    pixels[0, :, 1:, 1:-1] = tiles.transpose(3, 1, 2, 0)
    places = ((slice(1, None), slice(-2)), *((slice(-1), slice(at, at + width)) for at in (1, 0, 2)))
    total = 0.0
    for channel in range(channels):
        own, other = pixels[:, channel], pixels[:, channel - 1] if channel else np.zeros_like(pixels[:, 0])
        asked, here = own[0, 1:, 1:-1], other[:, 1:, 1:-1]
        seen = [own[0][place] for place in places]
        more = [own[0][place] - other[0][place] for place in places]
        guess = _guess(more, here[0], scheme)
        np.abs(asked - guess, out=own[1, 1:, 1:-1])
        buckets = _buckets(guess, seen, more, [own[1][place] for place in places], here[1], scheme)
        symbols = asked if scheme.values else (asked - guess) & ((1 << scheme.bits) - 1)
        wide = (buckets >> 4 if scheme.values else buckets).astype(np.int64)
        total += conditional(symbols.reshape(-1).astype(np.int64), wide.reshape(-1))
    return total


def _walk(tiles: Small, coder: RunCoder | None, tables: Sequence[Tables], scheme: Scheme, known: bool) -> None:
    """Code all pixels, or count them, line by line of a group of tiles; what is found is put where it belongs."""
    count, height, width, channels = tiles.shape
    for start, stop in groups(count, 0, FIRST, GROWTH, scheme.most):
        pixels = np.ascontiguousarray(tiles[start:stop].transpose(1, 2, 3, 0))
        lines = [np.zeros((2, channels, height + 1, stop - start), np.int16)] * 3
        for y, x in slanted(height, width):
            line = np.zeros_like(lines[0])
            at = slice(int(y[0]), int(y[-1]) + 1)
            for channel in range(channels):
                asked = pixels[y, x, channel] if known else None
                seen, sizes = _around(lines, at, channel)
                more, here = seen, np.zeros((2, 1, 1), np.int16)
                if channel:
                    other, here = _around(lines, at, channel - 1)[0], line[:, channel - 1, at.start + 1 : at.stop + 1]
                    more = [one - beside for one, beside in zip(seen, other, strict=True)]
                guess = _guess(more, here[0], scheme)
                buckets = _buckets(guess, seen, more, sizes, here[1], scheme)
                found = _coded(coder, tables[channel], scheme, guess, buckets, asked)
                if not known:
                    pixels[y, x, channel] = found
                line[0, channel, at.start + 1 : at.stop + 1] = found
                line[1, channel, at.start + 1 : at.stop + 1] = np.abs(found - guess)
            lines = [line, *lines[:2]]
        if not known:
            tiles[start:stop] = pixels.transpose(3, 0, 1, 2)


def _around(lines: list[Small], at: slice, channel: int) -> tuple[list[Small], list[Small]]:
    """West, north, north-west and north-east of the rows of a line: pixels, and how far from what was foretold.

    Args:
        lines: The three lines before, the last one first.
        at: The rows.
        channel: Of which.
    """
    here, above = slice(at.start + 1, at.stop + 1), at
    places = ((lines[0], here), (lines[1], above), (lines[2], above), (lines[0], above))
    return [line[0, channel, rows] for line, rows in places], [line[1, channel, rows] for line, rows in places]


def _coded(
    coder: RunCoder | None, tables: Tables, scheme: Scheme, guess: Small, buckets: Small, asked: Small | None
) -> Small:
    """Code the pixels of a line (places, n), or count them, and say what they are."""
    least: Any = np.int16(0) if scheme.values else guess
    mask = np.int16((1 << scheme.bits) - 1)
    symbols = None if asked is None else ((asked - least) & mask).astype(np.int32).reshape(-1)
    found = tables.code(coder, buckets.reshape(-1).astype(np.int64), symbols).astype(np.int16).reshape(guess.shape)
    return (found + least) & mask


def _guess(more: list[Small], here: Small, scheme: Scheme) -> Small:
    """What pixels are expected to be.

    Args:
        more: What west, north, north-west and north-east have more than in the channel before.
        here: The pixels of that channel, or 0.
        scheme: What the writer chose.
    """
    west, north, corner, _ = more
    median = np.clip(west + north - corner, np.minimum(west, north), np.maximum(west, north))
    return np.clip(median + here, 0, (1 << scheme.bits) - 1)


def _buckets(
    guess: Small, seen: list[Small], more: list[Small], sizes: list[Small], size: Small, scheme: Scheme
) -> Small:
    """The bucket of every pixel.

    Args:
        guess: What is expected.
        seen: The four neighbours.
        more: What they have more than in the channel before.
        sizes: How far they were from what was expected.
        size: And how far the pixel was in that channel.
        scheme: What the writer chose.
    """
    west, north, corner, east = more
    rough = np.abs(west - corner) + np.abs(north - corner) + np.abs(north - east)
    rough += 2 * (sizes[0] + sizes[1] + size) + sizes[2] + sizes[3]
    if not scheme.values:
        return _class(rough, BOUNDS)
    empty = sum((one == scheme.ground).astype(np.int16) << place for place, one in enumerate(seen))
    level = guess >> max(0, scheme.bits - LEVELS)
    return (level * (len(COARSE) + 1) + _class(rough, COARSE)) * 16 + empty


def _class(rough: Small, bounds: tuple[int, ...]) -> Small:
    """How many bounds are reached."""
    table = np.searchsorted(bounds, np.arange(bounds[-1] + 1), side="right").astype(np.int16)
    return table[np.minimum(rough, bounds[-1])]
