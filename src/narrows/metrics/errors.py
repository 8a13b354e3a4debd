"""Errors of reconstruction, in the units of the data, in float64."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def mean_squared_error(x: Array, y: Array) -> float:
    """Mean of (x - y)^2 over all values, in squared units of the data.

    Args:
        x: Originals, (n, ...).
        y: Reconstructions of the same shape.

    Raises:
        ValueError: The shapes differ.

    >>> import numpy as np
    >>> mean_squared_error(np.array([0, 255], dtype=np.uint8), np.array([2, 255], dtype=np.uint8))
    2.0
    """
    if x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape} and y has shape {y.shape}: they must be the same")
    return float(np.square(np.subtract(x, y, dtype=np.float64)).mean())


def binary_cross_entropy(x: Array, p: Array, clip: float = 1e-3) -> float:
    """Mean of -x log p - (1 - x) log(1 - p) over all values, in nats.

    For x strictly between 0 and 1 its floor is the entropy of x itself, `binary_cross_entropy(x, x)`.

    Args:
        x: Targets in [0, 1], (n, ...).
        p: Predictions of the same shape, clipped to [clip, 1 - clip].
        clip: How near to certainty a prediction may come.

    Raises:
        ValueError: The shapes differ, or x leaves [0, 1].

    >>> import numpy as np
    >>> round(binary_cross_entropy(np.array([0.0, 1.0]), np.array([0.5, 0.5])), 4)
    0.6931
    """
    if x.shape != p.shape:
        raise ValueError(f"x has shape {x.shape} and p has shape {p.shape}: they must be the same")
    if x.min() < 0 or x.max() > 1:
        raise ValueError(f"targets lie in [0, 1], got a range of {x.min()} to {x.max()}")
    q = np.clip(p.astype(np.float64), clip, 1 - clip)
    return float(-(x * np.log(q) + (1 - x) * np.log1p(-q)).mean())
