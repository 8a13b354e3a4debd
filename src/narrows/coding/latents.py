"""Whole numbers on a grid of several channels, by stored tables: each foretold by its neighbours and earlier channels.

A number y is coded as what it is more than a linear guess from the four neighbours that are known,

    r = y - floor((w_1 W + w_2 N + w_3 NW + w_4 NE + 128) / 256),

by the table of its channel and its bucket: how large r was around it, and how large it is here in earlier channels. All
weights, bounds and tables are whole numbers that are stored, so that whoever reads finds the same ones. Places are
taken along slanted lines, x + 2 y = t, many images at once; channels in groups that double in size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.runs import RunCoder, RunCounter, RunReader, RunWriter
from narrows.coding.values import packed, unpacked
from narrows.core.errors import FileError

NEAR, ACROSS = 6, 5
"""How many buckets there are by what lies around a number, and by what lies in earlier channels."""
NEIGHBOURS = 4
SCALE = 8
"""Weights of neighbours are out of 2^8."""
TOTAL = 1 << 12
"""About what the entries of a table add up to."""
PRIOR = 4.0
"""As many numbers as the table of a channel counts for in those of its buckets."""
FEW = 4096
"""Up to so many symbols are coded with a row for each, more with one table after another; the stream is the same."""
WIDEST = 1 << 14
"""More values than this no channel has."""
ROOM = 4
"""Numbers may lie beyond those that were learned from by a quarter of the range and this much."""

Whole = NDArray[np.int64]


def groups(channels: int) -> Iterator[slice]:
    """Channels that are coded together: 1, 1, 2, 4, 8, ... of them.

    >>> [(part.start, part.stop) for part in groups(6)]
    [(0, 1), (1, 2), (2, 4), (4, 6)]
    """
    start = 0
    while start < channels:
        stop = min(channels, max(1, 2 * start))
        yield slice(start, stop)
        start = stop


@dataclass(frozen=True)
class LatentTables:
    """What is stored about numbers on a grid.

    Args:
        least, most: Between which the numbers of a channel lie, (channels,).
        low, high: Between which those that are coded lie, (channels,).
        weights: Of the neighbours, (channels, 4).
        near: Bounds of what lies around, (channels, NEAR - 1).
        across: Bounds of what lies in earlier channels, (channels, ACROSS - 1).
        tables: Entries from 1 on, 0 beyond a channel's range, (channels, NEAR * ACROSS, widest range).
    """

    least: Whole
    most: Whole
    low: Whole
    high: Whole
    weights: Whole
    near: Whole
    across: Whole
    tables: Whole

    @classmethod
    def learned(cls, grids: Whole) -> LatentTables:
        """Tables by numbers of the same kind as those to come, (n, rows, columns, channels)."""
        channels = grids.shape[-1]
        flat = grids.reshape(-1, channels)
        least, most = _with_room(flat.min(0), flat.max(0))
        walk = _Walk(grids.shape)
        walk.values[:, 1:, 1:-1] = grids
        every = (axis.reshape(-1) for axis in np.mgrid[: grids.shape[1], : grids.shape[2]])
        y, x = next(every), next(every)
        around = np.stack(walk.around(walk.values, y, x, slice(None)), -1)
        weights = np.stack(
            [
                _least_squares(around[..., c, :], grids.reshape(len(grids), -1, channels)[..., c])
                for c in range(channels)
            ]
        )
        rest = grids.reshape(len(grids), -1, channels) - _guess(weights, list(np.moveaxis(around, -1, 0)))
        low, high = _with_room(rest.reshape(-1, channels).min(0), rest.reshape(-1, channels).max(0))
        walk.sizes[:, 1:, 1:-1] = np.abs(rest).reshape(grids.shape)
        near = walk.near(y, x, slice(None))
        across = np.cumsum(np.abs(rest), -1)
        for part in groups(channels):
            across[..., part] = across[..., part.start - 1 : part.start] if part.start else 0
        near_bounds, across_bounds = _bounds(near, NEAR), _bounds(across, ACROSS)
        width = int((high - low).max()) + 1
        if width > WIDEST:
            raise FileError(f"the numbers of a code spread over {width:,} values, too many for tables")
        found = cls(least, most, low, high, weights, near_bounds, across_bounds, np.zeros((channels, 0, 0), np.int64))
        buckets = found._buckets(near, across, slice(None))
        tables = np.zeros((channels, NEAR * ACROSS, width), np.int64)
        for c in range(channels):
            cells = buckets[..., c] * width + (rest[..., c] - low[c])
            counts = np.bincount(cells.reshape(-1), minlength=NEAR * ACROSS * width).reshape(-1, width)
            tables[c] = _entries(counts, int(high[c] - low[c]) + 1)
        return cls(least, most, low, high, weights, near_bounds, across_bounds, tables)

    def encode(self, grids: Whole) -> tuple[bytes, Whole]:
        """Numbers (n, rows, columns, channels) to bytes, and those that come back: out of range, the nearest in it."""
        writer = RunWriter()
        found = self._walked(writer, grids.shape, grids)
        return writer.done(), found

    def decode(self, data: bytes, shape: tuple[int, ...]) -> Whole:
        """The numbers that came of `encode`, (n, rows, columns, channels)."""
        return self._walked(RunReader(data), shape, None)

    def bits(self, grids: Whole) -> float:
        """How many bits numbers take, reckoned from the tables."""
        counter = RunCounter()
        self._walked(counter, grids.shape, grids)
        return counter.bits

    def _walked(self, coder: RunCoder, shape: tuple[int, ...], grids: Whole | None) -> Whole:
        """Code all numbers; find them where they are not known."""
        n, rows, columns, channels = shape
        walk = _Walk(shape)
        widths = self.high - self.low + 1
        rows_of = [
            np.ascontiguousarray(self.tables[part, :, : int(widths[part].max())], dtype=np.float64)
            for part in groups(channels)
        ]
        for y, x in _lines(rows, columns):
            across = np.zeros((n, len(y), 1), np.int64)
            for part, tables in zip(groups(channels), rows_of, strict=True):
                guess = _guess(self.weights[part], walk.around(walk.values, y, x, part))
                buckets = self._buckets(walk.near(y, x, part), across, part)
                low, high = self.low[part], self.high[part]
                asked = None if grids is None else np.clip(grids[:, y, x, part] - guess, low, high) - low
                rest = _coded(coder, tables, buckets, asked) + low
                if (rest > high).any():
                    raise FileError("a stream of numbers holds one that is out of range")
                walk.values[:, y + 1, x + 1, part] = np.clip(guess + rest, self.least[part], self.most[part])
                walk.sizes[:, y + 1, x + 1, part] = np.abs(rest)
                across = across + np.abs(rest).sum(-1, keepdims=True)
        return walk.values[:, 1:, 1:-1].copy()

    def _buckets(self, near: Whole, across: Whole, part: slice) -> Whole:
        """The bucket of each number, (n, places, channels)."""
        by_near = (near[..., None] > self.near[part]).sum(-1)
        by_across = (across[..., None] > self.across[part]).sum(-1)
        return by_near * ACROSS + by_across

    def to_bytes(self) -> bytes:
        """What `read` reads."""
        out = Writer()
        out.number(len(self.least))
        for numbers in (self.least, self.most, self.low, self.high, self.weights, self.near, self.across):
            out.piece(packed((numbers.reshape(-1) << 1 ^ numbers.reshape(-1) >> 63).view(np.uint64)))
        entries = [self.tables[c, :, : int(width)].reshape(-1) for c, width in enumerate(self.high - self.low + 1)]
        out.piece(packed(np.concatenate(entries).astype(np.uint64)))
        return out.rest(b"")

    @classmethod
    def read(cls, fields: Reader) -> LatentTables:
        """Tables as `to_bytes` wrote them.

        Raises:
            FileError: They are none.
        """
        channels = fields.number(1 << 12)
        columns = (1, 1, 1, 1, NEIGHBOURS, NEAR - 1, ACROSS - 1)
        found = [_signed(fields, channels * width).reshape(channels, width) for width in columns]
        least, most, low, high = (one[:, 0] for one in found[:4])
        ranges = high - low + 1
        limit = 1 << 20
        if not channels or (most < least).any() or max(map(_largest, found)) > limit:
            raise FileError("the tables of a code have numbers that are out of range")
        if ranges.min() < 1 or ranges.max() > WIDEST:
            raise FileError("the tables of a code have ranges that they cannot have")
        entries = unpacked(fields.piece(), int(ranges.sum()) * NEAR * ACROSS).astype(np.int64)
        if entries.min() < 1 or entries.max() > 2 * TOTAL + WIDEST:
            raise FileError("the tables of a code have entries that they cannot have")
        tables = np.zeros((channels, NEAR * ACROSS, int(ranges.max())), np.int64)
        at = 0
        for c, width in enumerate(map(int, ranges)):
            tables[c, :, :width] = entries[at : at + NEAR * ACROSS * width].reshape(-1, width)
            at += NEAR * ACROSS * width
        return cls(least, most, low, high, found[4], found[5], found[6], tables)


class _Walk:
    """What is known on the way: numbers, and how large what was coded was; zeros beyond the edge."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        n, rows, columns, channels = shape
        self.values = np.zeros((n, rows + 1, columns + 2, channels), np.int64)
        self.sizes = np.zeros_like(self.values)

    @staticmethod
    def around(grid: Whole, y: Whole, x: Whole, part: slice) -> list[Whole]:
        """West, north, north-west and north-east of places, (n, places, channels) each."""
        return [grid[:, y + 1, x, part], grid[:, y, x + 1, part], grid[:, y, x, part], grid[:, y, x + 2, part]]

    def near(self, y: Whole, x: Whole, part: slice) -> Whole:
        """How large what was coded was around places."""
        west, north, north_west, north_east = self.around(self.sizes, y, x, part)
        return 2 * (west + north) + north_west + north_east


def _coded(coder: RunCoder, tables: NDArray[np.float64], buckets: Whole, asked: Whole | None) -> Whole:
    """Code numbers (n, places, channels) by the tables of their channels and buckets, in the order of both."""
    channels, several, width = tables.shape
    if width < 2 or not buckets.size:
        return np.zeros_like(buckets)
    keys = (buckets + np.arange(channels) * several).reshape(-1)
    order = np.argsort(keys, kind="stable")
    rows = tables.reshape(-1, width)
    known = None if asked is None else asked.reshape(-1)[order].astype(np.int32)
    if len(keys) <= FEW:
        coded = coder.each(rows[keys[order]], known)
    else:
        many = np.bincount(keys, minlength=len(rows))
        ends = np.cumsum(many)
        runs = [(key, slice(ends[key] - many[key], ends[key])) for key in np.flatnonzero(many)]
        parts = [coder.run(rows[key], None if known is None else known[run], run.stop - run.start) for key, run in runs]
        coded = np.concatenate(parts)
    found = np.empty(len(keys), np.int64)
    found[order] = coded
    return found.reshape(buckets.shape)


def _lines(rows: int, columns: int) -> Iterator[tuple[Whole, Whole]]:
    """The places of every slanted line."""
    for t in range(columns + 2 * (rows - 1)):
        y = np.arange(max(0, (t - columns + 2) // 2), min(rows - 1, t // 2) + 1, dtype=np.int64)
        if len(y):
            yield y, t - 2 * y


def _guess(weights: Whole, around: list[Whole]) -> Whole:
    """Numbers by their neighbours."""
    found = sum(weights[:, place] * known for place, known in enumerate(around))
    return (np.asarray(found) + (1 << (SCALE - 1))) >> SCALE


def _least_squares(around: Whole, asked: Whole) -> Whole:
    """The weights by which neighbours foretell a channel best, none where they do not."""
    x, y = around.reshape(-1, NEIGHBOURS).astype(np.float64), asked.reshape(-1).astype(np.float64)
    ridge = 1e-3 * max(1.0, float((x * x).sum()) / NEIGHBOURS)
    found = np.linalg.solve(x.T @ x + ridge * np.eye(NEIGHBOURS), x.T @ y)
    return np.clip(np.rint(found * (1 << SCALE)), -1024, 1024).astype(np.int64)


def _with_room(least: Whole, most: Whole) -> tuple[Whole, Whole]:
    """A range with room on either side; none where nothing ever happens."""
    room = np.where(most > least, (most - least) // 4 + ROOM, 0)
    return least - room, most + room


def _bounds(found: Whole, several: int) -> Whole:
    """Bounds that part the numbers of each channel evenly, (channels, several - 1)."""
    shares = np.arange(1, several) / several
    return np.quantile(found.reshape(-1, found.shape[-1]), shares, axis=0, method="lower").T.astype(np.int64)


def _entries(counts: Whole, width: int) -> Whole:
    """Entries of the tables of a channel by counts in its buckets, of which those of few lean on those of all."""
    whole = counts[:, :width].sum(0) + 0.5
    smooth = counts[:, :width] + PRIOR * whole / whole.sum()
    found = np.zeros_like(counts)
    found[:, :width] = np.rint(smooth / smooth.sum(1, keepdims=True) * TOTAL).astype(np.int64) + 1
    return found


def _signed(fields: Reader, count: int) -> Whole:
    found = unpacked(fields.piece(), count)
    return ((found >> np.uint64(1)) ^ (np.uint64(0) - (found & np.uint64(1)))).view(np.int64)


def _largest(numbers: Whole) -> int:
    return int(max(abs(int(numbers.max(initial=0))), abs(int(numbers.min(initial=0)))))
