"""Whole numbers on a grid of several channels, by stored tables: each foretold by its neighbours and earlier channels.

A number y is coded as what it is more than a linear guess from the four neighbours that are known,

    r = y - floor((w_1 W + w_2 N + w_3 NW + w_4 NE + 128) / 256),

by the table of its channel and its bucket. The bucket says how large |r| is to be expected by |r| around it, by the
sums over all channels at W and N, and by |r| here in the channels of earlier groups: a linear guess too, of least
squares. All weights, bounds and tables are whole numbers that are stored, so that whoever reads finds the same ones.
Places are taken along slanted lines, x + 2 y = t, many images at once; channels in groups that double in size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.grid_coder import GridCoder, around_of, groups
from narrows.coding.pictures import slanted
from narrows.coding.runs import RunCoder
from narrows.coding.values import packed, packed_signed, unpacked, unpacked_signed
from narrows.core.errors import FileError

BUCKETS = 30
"""How many tables a channel has."""
NEIGHBOURS = 4
SUMS = 2
"""Sums over all channels that foretell how large a number is."""
STEEPEST = 127
"""The largest weight by which the size of a number is expected; only the order of what is expected counts."""
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


@dataclass(frozen=True)
class LatentTables(GridCoder):
    """What is stored about numbers on a grid.

    Args:
        least, most: Between which the numbers of a channel lie, (channels,).
        low, high: Between which those that are coded lie, (channels,).
        weights: Of the neighbours, (channels, 4).
        sizes: Weights by which the size of a number is expected: of sizes around, of sums, and of sizes in every
            channel, those of the same group and later ones at zero, (channels, 6 + channels).
        bounds: Of what is expected, (channels, BUCKETS - 1).
        tables: Entries from 1 on, 0 beyond a channel's range, (channels, BUCKETS, widest range).
    """

    least: Whole
    most: Whole
    low: Whole
    high: Whole
    weights: Whole
    sizes: Whole
    bounds: Whole
    tables: Whole

    @classmethod
    def learned(cls, grids: Whole) -> LatentTables:
        """Tables by numbers of the same kind as those to come, (n, rows, columns, channels)."""
        channels = grids.shape[-1]
        flat = grids.reshape(len(grids), -1, channels)
        least, most = with_room(flat.min((0, 1)), flat.max((0, 1)))
        walk = _Walk(grids.shape)
        walk.values[:, 1:, 1:-1] = grids
        y, x = (axis.reshape(-1) for axis in np.mgrid[: grids.shape[1], : grids.shape[2]])
        around = around_of(walk.values, y, x, slice(None))
        each = [np.stack([one[..., c] for one in around], -1) for c in range(channels)]
        fitted = [_least_squares(each[c], flat[..., c]) for c in range(channels)]
        weights = np.clip(np.rint(np.array(fitted) * (1 << SCALE)), -1024, 1024).astype(np.int64)
        rest = flat - _guess(weights, around)
        low, high = with_room(rest.reshape(-1, channels).min(0), rest.reshape(-1, channels).max(0))
        width = int((high - low).max()) + 1
        if width > WIDEST:
            raise FileError(f"the numbers of a code spread over {width:,} values, too many for tables")
        walk.note(y, x, slice(None), np.abs(rest))
        walk.add_up(y, x)
        sizes, bounds = np.zeros((channels, NEIGHBOURS + SUMS + channels), np.int64), []
        tables = np.zeros((channels, BUCKETS, width), np.int64)
        for part in groups(channels):
            for c in range(part.start, part.stop):
                one = slice(c, c + 1)
                seen = np.concatenate([walk.seen(y, x, one)[..., 0, :], np.abs(rest[..., : part.start])], -1)
                sizes[c, : seen.shape[-1]] = _steepened(_least_squares(seen, np.abs(rest[..., c])))
                expected = seen @ sizes[c, : seen.shape[-1]]
                bounds.append(np.quantile(expected, np.arange(1, BUCKETS) / BUCKETS, method="lower").astype(np.int64))
                buckets = np.searchsorted(bounds[-1], expected)
                cells = buckets * width + (rest[..., c] - low[c])
                counts = np.bincount(cells.reshape(-1), minlength=BUCKETS * width).reshape(-1, width)
                tables[c] = _entries(counts, int(high[c] - low[c]) + 1)
        return cls(least, most, low, high, weights, sizes, np.array(bounds), tables)

    def _walked(self, coder: RunCoder, shape: tuple[int, ...], grids: Whole | None) -> Whole:
        _, rows, columns, channels = shape
        walk = _Walk(shape)
        widths = self.high - self.low + 1
        rows_of = [
            np.ascontiguousarray(self.tables[part, :, : int(widths[part].max())], dtype=np.float64)
            for part in groups(channels)
        ]
        for y, x in slanted(rows, columns):
            for part, tables in zip(groups(channels), rows_of, strict=True):
                guess = _guess(self.weights[part], around_of(walk.values, y, x, part))
                buckets = self._buckets(walk, y, x, part)
                low, high = self.low[part], self.high[part]
                asked = None if grids is None else np.clip(grids[:, y, x, part] - guess, low, high) - low
                rest = _coded(coder, tables, buckets, asked) + low
                if (rest > high).any():
                    raise FileError("a stream of numbers holds one that is out of range")
                walk.values[:, y + 1, x + 1, part] = np.clip(guess + rest, self.least[part], self.most[part])
                walk.note(y, x, part, np.abs(rest))
            walk.add_up(y, x)
        return walk.values[:, 1:, 1:-1].copy()

    def _buckets(self, walk: _Walk, y: Whole, x: Whole, part: slice) -> Whole:
        """The bucket of each number, (n, places, channels): by how many bounds what is expected exceeds."""
        sizes, first = self.sizes[part], NEIGHBOURS + SUMS
        expected = (walk.seen(y, x, part) * sizes[:, :first]).sum(-1)
        here = walk.sizes[:, y + 1, x + 1, : part.start].astype(np.float64)  # sums that doubles hold exactly
        expected += (here @ sizes[:, first : first + part.start].T.astype(np.float64)).astype(np.int64)
        found = np.empty_like(expected)
        for c, bounds in enumerate(self.bounds[part]):
            found[..., c] = np.searchsorted(bounds, expected[..., c])
        return found

    def to_bytes(self) -> bytes:
        """What `read` reads."""
        out = Writer()
        out.number(len(self.least))
        for numbers in (self.least, self.most, self.low, self.high, self.weights, self.sizes, self.bounds):
            out.piece(packed_signed(numbers))
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
        columns = (1, 1, 1, 1, NEIGHBOURS, NEIGHBOURS + SUMS + channels, BUCKETS - 1)
        found = [unpacked_signed(fields.piece(), channels * width).reshape(channels, width) for width in columns]
        least, most, low, high = (one[:, 0] for one in found[:4])
        ranges = high - low + 1
        limits = (*(1 << 20,) * 4, 1 << 10, STEEPEST, 1 << 40)
        ordered = (least <= most).all() and (np.diff(found[6], axis=1) >= 0).all()
        if not channels or not ordered or any(_largest(one) > most for one, most in zip(found, limits, strict=True)):
            raise FileError("the tables of a code have numbers that are out of range")
        if ranges.min() < 1 or ranges.max() > WIDEST:
            raise FileError("the tables of a code have ranges that they cannot have")
        entries = unpacked(fields.piece(), int(ranges.sum()) * BUCKETS).astype(np.int64)
        if entries.min() < 1 or entries.max() > 2 * TOTAL + WIDEST:
            raise FileError("the tables of a code have entries that they cannot have")
        tables = np.zeros((channels, BUCKETS, int(ranges.max())), np.int64)
        at = 0
        for c, width in enumerate(map(int, ranges)):
            tables[c, :, :width] = entries[at : at + BUCKETS * width].reshape(-1, width)
            at += BUCKETS * width
        return cls(least, most, low, high, found[4], found[5], found[6], tables)


class _Walk:
    """What is known on the way: numbers, and how large what was coded was; zeros beyond the edge."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        n, rows, columns, channels = shape
        self.values = np.zeros((n, rows + 1, columns + 2, channels), np.int64)
        self.sizes = np.zeros_like(self.values)
        self.sums = np.zeros(self.values.shape[:3], np.int64)

    def note(self, y: Whole, x: Whole, part: slice, sizes: Whole) -> None:
        """Keep how large what was coded is."""
        self.sizes[:, y + 1, x + 1, part] = sizes

    def add_up(self, y: Whole, x: Whole) -> None:
        """Note that all channels of places are known."""
        self.sums[:, y + 1, x + 1] = self.sizes[:, y + 1, x + 1].sum(-1)

    def seen(self, y: Whole, x: Whole, part: slice) -> Whole:
        """Sizes around places and sums at W and N, (n, places, channels, 6)."""
        around = around_of(self.sizes, y, x, part)
        sums = [one[..., None] for one in (self.sums[:, y + 1, x], self.sums[:, y, x + 1])]
        return np.stack([*around, *(np.broadcast_to(one, around[0].shape) for one in sums)], -1)


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
        there = np.flatnonzero(many)
        coded = coder.runs((rows[key] for key in there), np.cumsum(many[there]).tolist(), known)
    found = np.empty(len(keys), np.int64)
    found[order] = coded
    return found.reshape(buckets.shape)


def _guess(weights: Whole, around: list[Whole]) -> Whole:
    """Numbers by their neighbours."""
    found = sum(weights[:, place] * known for place, known in enumerate(around))
    return (np.asarray(found) + (1 << (SCALE - 1))) >> SCALE


def _least_squares(seen: Whole, asked: Whole) -> NDArray[np.float64]:
    """The weights by which what is seen foretells numbers best, none where it does not."""
    x, y = seen.reshape(-1, seen.shape[-1]).astype(np.float64), asked.reshape(-1).astype(np.float64)
    ridge = 1e-3 * max(1, len(x))
    return np.asarray(np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y), np.float64)


def _steepened(weights: NDArray[np.float64]) -> Whole:
    """Weights in the same proportions, as whole numbers of a few bits."""
    steepest = np.abs(weights).max()
    return np.rint(weights * (STEEPEST / steepest if steepest > 0 else 0)).astype(np.int64)


def with_room(least: Whole, most: Whole) -> tuple[Whole, Whole]:
    """A range with room on either side; none where nothing ever happens."""
    room = np.where(most > least, (most - least) // 4 + ROOM, 0)
    return least - room, most + room


def _entries(counts: Whole, width: int) -> Whole:
    """Entries of the tables of a channel by counts in its buckets, of which those of few lean on those of all."""
    whole = counts[:, :width].sum(0) + 0.5
    smooth = counts[:, :width] + PRIOR * whole / whole.sum()
    found = np.zeros_like(counts)
    found[:, :width] = np.rint(smooth / smooth.sum(1, keepdims=True) * TOTAL).astype(np.int64) + 1
    return found


def _largest(numbers: Whole) -> int:
    return int(max(abs(int(numbers.max(initial=0))), abs(int(numbers.min(initial=0)))))
