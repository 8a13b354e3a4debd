"""Logarithms and the logistic function as tables of integers, the same on every machine.

A probability p is kept as its log-odds in units of 1/256 nat. The tables come from Python's `decimal`, whose results
are correctly rounded by its specification; nothing on the way from a file to values calls a library's exp or log.
"""

from decimal import Decimal, localcontext
from functools import cache

import numpy as np
from numpy.typing import NDArray

UNIT = 256
"""Steps to one nat of log-odds."""
FURTHEST = 12 * UNIT
"""Log-odds are clamped to this, 12 nats."""
PRECISION = 22
"""Probabilities are whole numbers out of 2^22."""
MOST = 1023
"""Counts are halved before they grow larger than this in sum."""


@cache
def logarithms() -> NDArray[np.int32]:
    """round(256 ln(n + 0.4)) for n = 0..1023."""
    with localcontext() as context:
        context.prec = 30
        found = [int((Decimal(UNIT) * (n + Decimal("0.4")).ln()).to_integral_value()) for n in range(MOST + 1)]
    return np.array(found, dtype=np.int32)


@cache
def logistic() -> NDArray[np.int32]:
    """round(2^22 / (1 + exp(-s/256))) for s = -3072..3072; entry s + 3072."""
    with localcontext() as context:
        context.prec = 30
        half = [
            int((Decimal(1 << PRECISION) / (1 + (-Decimal(s) / UNIT).exp())).to_integral_value())
            for s in range(FURTHEST + 1)
        ]
    upper = np.array(half, dtype=np.int32)
    return np.concatenate([(1 << PRECISION) - upper[:0:-1], upper])
