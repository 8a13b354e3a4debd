r"""Numbers on a grid of several channels, by a network of whole numbers that sees those around them.

    m, t = network(W, N, NW, NE, the edges)            for all channels of a place
    m_c += floor(sum_j A_cj (y_j - m_j) / 2^8),    t_c += floor(sum_j B_cj g(y_j - m_j) / 2^8)      j in earlier groups

m, where a number is expected, is in units of 1/16; t, the logarithm of how far from there, in sixteenths of a nat; g
tells how large a number is on a scale of logarithms. A number is coded as what it is more than floor(m), by the table
of a logistic distribution of the scale that t says, around the fraction of m. All are whole numbers, so that whoever
reads finds the same tables. Places are taken along slanted lines, x + 2 y = t, many images at once; the first channels
one by one, the others in groups.

Source: networks that foretell codes from their neighbours, Minnen, Ballé and Toderici (2018), Joint autoregressive and
hierarchical priors for learned image compression; here without the hierarchy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.coding.grid_coder import GridCoder, around_of
from narrows.coding.integers import IntegerNetwork
from narrows.coding.logistic import FURTHEST, PRECISION, UNIT, logistic
from narrows.coding.pictures import slanted
from narrows.coding.runs import RunCoder
from narrows.coding.values import packed_signed, unpacked_signed
from narrows.core.errors import FileError

FINE = 4
"""Where a number is expected is in units of 2^-4."""
OFFSET = 1 << 15
"""What the network adds to that, so that it is no less than 0."""
NATS = 16
"""The logarithm of a scale is in units of 1/16 nat."""
TOP = (1 << 16) - 1
"""The network gives no larger number."""
SHARE = 8
"""What earlier channels add is out of 2^8."""
STEEPEST = 1 << 14
"""A larger share is refused."""
NARROWEST = Decimal("0.06")
"""The scale whose logarithm is 0."""
SCALES, PHASES = 64, 8
"""A table for each of so many scales, an eighth of a nat apart, and each of so many fractions."""
REACH = 14
"""Numbers lie no further off than so many scales."""
ALONE, TOGETHER = 16, 8
"""So many channels are coded one by one, and of the others so many at a time."""
EDGES = 2
"""Whether a place is in the first row, and in the first column."""

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class LatentNetwork(GridCoder):
    """What is known of the numbers of a kind of grids.

    Args:
        least, most: Between which the numbers of a channel lie, (channels,).
        network: From what is seen to what is expected of all channels, and the logarithms of their scales.
        means, scales: A and B, what earlier channels add to them, (channels, channels).
    """

    least: Whole
    most: Whole
    network: IntegerNetwork
    means: Whole
    scales: Whole

    def __post_init__(self) -> None:
        channels, (least, most) = len(self.least), seen_bounds(self.least, self.most)
        fits = len(self.network.least) == len(least) and self.network.outputs == 2 * channels
        if not fits or (self.network.least > least).any() or (self.network.most < most).any():
            raise FileError("the parts of a model of codes do not fit one another")
        if (self.least > self.most).any() or max(-int(self.least.min()), int(self.most.max())) >= 1 << 20:
            raise FileError("a model of codes has ranges that cannot be")
        if self.network.layers[-1].most > TOP or max(np.abs(self.means).max(), np.abs(self.scales).max()) > STEEPEST:
            raise FileError("a model of codes has numbers that are out of range")

    def _walked(self, coder: RunCoder, shape: tuple[int, ...], grids: Whole | None) -> Whole:
        n, rows, columns, channels = shape
        values = np.zeros((n, rows + 1, columns + 2, channels), np.int64)
        for y, x in slanted(rows, columns):
            told = self.network(seen_of(values, y, x)[None])[0]
            expected, logs = told[..., :channels] - OFFSET, told[..., channels:]
            beyond, sizes = np.zeros((2, n, len(y), channels))
            for part in groups(channels):
                means = expected[..., part] + _added(beyond, self.means, part)
                scales = logs[..., part] + _added(sizes, self.scales, part)
                asked = None if grids is None else grids[:, y, x, part]
                found = np.clip(_coded(coder, means, scales, asked), self.least[part], self.most[part])
                values[:, y + 1, x + 1, part] = found
                beyond[..., part] = (found << FINE) - expected[..., part]
                sizes[..., part] = size_of(beyond[..., part])
        return values[:, 1:, 1:-1].copy()

    def to_bytes(self) -> bytes:
        """What `read` reads."""
        out = Writer()
        out.number(0)
        out.number(len(self.least))
        for numbers in (self.least, self.most, self.means, self.scales):
            out.piece(packed_signed(numbers))
        return out.rest(self.network.to_bytes())

    @classmethod
    def read(cls, fields: Reader) -> LatentNetwork:
        """What `to_bytes` wrote.

        Raises:
            FileError: It is none.
        """
        fields.number(0)
        channels = fields.number(1 << 12)
        if not channels:
            raise FileError("a model of codes has no channels")
        several = [unpacked_signed(fields.piece(), channels * width) for width in (1, 1, channels, channels)]
        least, most, means, scales = several
        network = IntegerNetwork.read(Reader(fields.rest()), 1)
        return cls(least, most, network, means.reshape(channels, -1), scales.reshape(channels, -1))


def groups(channels: int) -> Iterator[slice]:
    """Channels that are coded together: each of the first by itself, then some at a time.

    >>> [part.stop - part.start for part in groups(30)][-4:]
    [1, 1, 8, 6]
    """
    start = 0
    while start < channels:
        stop = min(channels, start + (1 if start < ALONE else TOGETHER))
        yield slice(start, stop)
        start = stop


def seen_of(values: Whole, y: Whole, x: Whole) -> Whole:
    """What the network sees of places: the numbers around, of all channels, and the edges, (n, places, inputs)."""
    around = around_of(values, y, x)
    edges = np.broadcast_to(np.stack([y == 0, x == 0], 1).astype(np.int64), (*around[0].shape[:2], EDGES))
    return np.concatenate([*around, edges], 2)


def seen_bounds(least: Whole, most: Whole) -> tuple[Whole, Whole]:
    """Between which what the network sees lies: numbers of four places, zeros beyond the edge, and the edges."""
    low, high = np.tile(np.minimum(least, 0), 4), np.tile(np.maximum(most, 0), 4)
    return np.concatenate([low, np.zeros(EDGES, np.int64)]), np.concatenate([high, np.ones(EDGES, np.int64)])


def size_of(beyond: NDArray[np.float64]) -> NDArray[np.float64]:
    """How large numbers are, in half octaves; 0 of 0."""
    mantissa, exponent = np.frexp(np.abs(beyond))  # exact: no rounding is in it
    return np.where(beyond != 0, 2.0 * exponent + (mantissa >= 0.75), 0.0)


def _added(known: NDArray[np.float64], weights: Whole, part: slice) -> Whole:
    """What earlier channels add to those of a group, in sums that doubles hold exactly."""
    sums = known[..., : part.start] @ weights[part, : part.start].T.astype(np.float64)
    return np.floor((sums + (1 << SHARE >> 1)) * 2.0**-SHARE).astype(np.int64)


def _coded(coder: RunCoder, means: Whole, scales: Whole, asked: Whole | None) -> Whole:
    """Code numbers (n, places, channels), each by the table of its scale and the fraction of its mean."""
    if not means.size:
        return np.zeros_like(means)
    places = (np.clip(scales >> 1, 0, SCALES - 1) * PHASES + (means >> 1 & PHASES - 1)).reshape(-1)
    order = np.argsort(places.astype(np.uint16), kind="stable")
    keys, starts = np.unique(places[order], return_index=True)
    ends = [*starts[1:].tolist(), len(order)]
    base, far = (means >> FINE).reshape(-1)[order], _tables()[1][places[order] // PHASES]
    known = None if asked is None else (np.clip(asked.reshape(-1)[order] - base, -far, far) + far).astype(np.int32)
    coded = coder.runs((_tables()[0][key] for key in keys), ends, known)
    found = np.empty(len(order), np.int64)
    found[order] = base + coded - far
    return found.reshape(means.shape)


@cache
def _tables() -> tuple[list[NDArray[np.float64]], Whole]:
    """The table of every scale and fraction, and how far those of a scale reach."""
    tables, reach = [], []
    with localcontext() as context:
        context.prec = 30
        for number in range(SCALES):
            scale = NARROWEST * (Decimal(number) / 8).exp()
            steepness = int((Decimal(UNIT << 16) / (1 << FINE) / scale).to_integral_value())
            reach.append(2 + int(REACH * scale))
            edges = np.arange(-reach[-1], reach[-1], dtype=np.int64) * (1 << FINE) + (1 << FINE - 1)
            for phase in range(PHASES):
                odds = np.clip(((edges - (2 * phase + 1)) * steepness) >> 16, -FURTHEST, FURTHEST)
                below = np.concatenate([[0], logistic()[odds + FURTHEST], [1 << PRECISION]]).astype(np.float64)
                tables.append(np.diff(below) + 1.0)
    return tables, np.array(reach)
