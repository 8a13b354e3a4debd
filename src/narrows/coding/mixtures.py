r"""Levels by mixtures of logistic distributions whose numbers are whole, so that every machine finds the same ones.

    F(t) = sum_k e^(l_k - max l) S((t - 1/2 - m_k) / s_k) + t / 2^24,     F(0) = 0, nothing lies above F(2^bits)

Bits of a level are walked from the highest: between `low` and `high`, with `middle` between them, the next bit is a one
with probability (F(high) - F(middle)) / (F(high) - F(low)), so that the weights need not add up to one.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

from narrows.coding.bits import BitCoder
from narrows.coding.logistic import FURTHEST, PRECISION, UNIT, logistic

FINE = 5
"""Locations are in units of 2^-5 levels."""
BELOW = 64
"""What is added to a location, so that it is no less than 0."""
NATS = 256
"""Scales and weights are in units of 1/256 nat."""
COARSE_SCALES, COARSE_WEIGHTS = 4, 3
"""So many of their lowest bits do not count."""
NARROWEST, WIDEST = "0.05", 215
"""The scale whose number is 0, and the number of the widest without the bits that do not count."""
EVEN = 16
"""What is added to a weight in nats, so that its number is no less than 0."""
MOST = (1 << 15) - 1
"""The largest number of any of them."""
COMPONENTS = 8
"""No mixture has more, so that nothing exceeds 2^62."""
SHIFT = 16
HEAVIEST = 14
FLOOR = 1 << 12
"""What every value has at least."""
AT_ONCE = 1 << 13
"""So many levels are coded together, so that what is looked at stays near."""

Whole = NDArray[np.int64]


def code(coder: BitCoder, numbers: Whole, bits: int, values: Whole | None) -> Whole:
    """Code levels, each by a mixture of its own.

    Args:
        coder: Writes or reads.
        numbers: Locations, scales and weights of the components, as whole numbers, (n, 3, components).
        bits: Levels are whole numbers of so many bits, at most 8.
        values: The levels (n,), known when writing.
    """
    found = np.empty(len(numbers), np.int64)
    for start in range(0, len(numbers), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        found[part] = _some(coder, numbers[part], bits, None if values is None else values[part])
    return found


def _some(coder: BitCoder, numbers: Whole, bits: int, values: Whole | None) -> Whole:
    places = np.ascontiguousarray(numbers[:, 0].T) - ((BELOW << FINE) - (1 << FINE >> 1))
    steepness = _steepness()[np.minimum(numbers[:, 1].T >> COARSE_SCALES, WIDEST)]
    lighter = (numbers[:, 2].max(1) - numbers[:, 2].T) >> COARSE_WEIGHTS
    weights = _exponentials()[np.minimum(lighter, len(_exponentials()) - 1)]
    low, width = np.zeros(len(numbers), np.int64), 1 << bits
    below, above = np.zeros(len(numbers), np.int64), (weights.sum(0) << PRECISION) + FLOOR * width
    while width > 1:
        width >>= 1
        middle = low + width
        odds = (((middle << FINE) - places) * steepness) >> SHIFT
        np.clip(odds, -FURTHEST, FURTHEST, out=odds)
        odds += FURTHEST
        upto = (weights * logistic().take(odds)).sum(0) + FLOOR * middle
        ones = ((above - upto) << PRECISION) // (above - below)
        known = None if values is None else ((values & width) > 0).astype(np.int32)
        higher = coder.code(known, np.clip(ones, 1, (1 << PRECISION) - 1).astype(np.int32)) > 0
        low = np.where(higher, middle, low)
        below, above = np.where(higher, upto, below), np.where(higher, above, upto)
    return low


@cache
def _steepness() -> Whole:
    """Log-odds of a unit of distance, times 2^16, of every scale."""
    with localcontext() as context:
        context.prec = 30
        one = Decimal(UNIT << SHIFT) / (1 << FINE) / Decimal(NARROWEST)
        found = [
            int((one * (-Decimal(n << COARSE_SCALES) / NATS).exp()).to_integral_value()) for n in range(WIDEST + 1)
        ]
    return np.array(found, np.int64)


@cache
def _exponentials() -> Whole:
    """round(2^14 exp(-n / 32)), up to where it is 0."""
    with localcontext() as context:
        context.prec = 30
        found = [
            int((Decimal(1 << HEAVIEST) * (-Decimal(n << COARSE_WEIGHTS) / NATS).exp()).to_integral_value())
            for n in range(341)
        ]
    return np.array(found, np.int64)
