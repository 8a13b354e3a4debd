"""How much of a code is in use: of the symbols of quantised codes, and of the units of plain ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def codebook_use(indices: Array, sizes: Sequence[int]) -> float:
    """Share of the values of symbols that occur at all, the mean over the symbols.

    Args:
        indices: Symbols of samples, (n, symbols), whole numbers.
        sizes: How many values each symbol can take.

    Raises:
        ValueError: The number of symbols differs.

    >>> import numpy as np
    >>> codebook_use(np.array([[0, 1], [0, 0], [1, 1]]), [4, 2])
    0.75
    """
    if indices.ndim != 2 or indices.shape[1] != len(sizes):
        raise ValueError(f"{len(sizes)} sizes need indices of shape (n, {len(sizes)}), got {indices.shape}")
    return float(np.mean([len(np.unique(one)) / size for one, size in zip(indices.T, sizes, strict=True)]))


def perplexity(indices: Array) -> Array:
    """exp(entropy) of each symbol: how many values it takes as if all of them were equally frequent.

    Args:
        indices: Symbols of samples, (n, symbols), whole numbers.

    Returns:
        (symbols,), from 1 to the number of values that occur.

    >>> import numpy as np
    >>> perplexity(np.array([[0, 7], [1, 7], [2, 7], [3, 7]])).round(3)
    array([4., 1.])
    """
    shares = [np.unique(one, return_counts=True)[1] / len(indices) for one in indices.T]
    return np.array([np.exp(-(share * np.log(share)).sum()) for share in shares])


def dead_units(codes: Array, least: float = 1e-6) -> int:
    """How many numbers of a code are the same for all samples.

    Args:
        codes: Codes of samples, (n, d).
        least: The smallest range of a number that is alive.

    >>> import numpy as np
    >>> dead_units(np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 2.0]]))
    2
    """
    return int((np.ptp(codes.astype(np.float64), axis=0) <= least).sum())
