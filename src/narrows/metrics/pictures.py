"""How near pictures are: peak signal-to-noise ratio and structural similarity."""

from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter

from narrows.metrics.errors import mean_squared_error

Array = np.ndarray[Any, np.dtype[Any]]


def peak_signal_to_noise_ratio(x: Array, y: Array, span: float = 255.0) -> float:
    """10 log10(span^2 / mean squared error), in decibels; infinite for pictures that are the same.

    Args:
        x: Originals, of any shape.
        y: Pictures of the same shape.
        span: The distance from black to white.

    Raises:
        ValueError: The shapes differ.

    >>> round(peak_signal_to_noise_ratio(np.zeros((2, 2)), np.full((2, 2), 25.5)), 6)
    20.0
    """
    error = mean_squared_error(x, y)
    return float("inf") if error == 0 else float(10 * np.log10(span**2 / error))


def structural_similarity(x: Array, y: Array, span: float = 255.0, window: int = 7) -> float:
    r"""The mean over windows of (2 m_x m_y + c_1)(2 s_xy + c_2) / ((m_x^2 + m_y^2 + c_1)(s_x^2 + s_y^2 + c_2)).

    Source: Wang, Bovik, Sheikh and Simoncelli (2004), https://doi.org/10.1109/TIP.2003.819861.

    Args:
        x: One picture, (height, width[, channels]).
        y: A picture of the same shape.
        span: The distance from black to white.
        window: How many pixels the square windows are wide, odd.

    Raises:
        ValueError: The shapes differ, or are smaller than a window.

    >>> x = np.arange(81.0).reshape(9, 9)
    >>> structural_similarity(x, x)
    1.0
    """
    if x.shape != y.shape or x.ndim not in (2, 3):
        raise ValueError(f"pictures of one shape (height, width[, channels]), got {x.shape} and {y.shape}")
    if min(x.shape[:2]) < window:
        raise ValueError(f"pictures are at least as large as a window of {window}, got {x.shape}")
    size = (window, window) + (1,) * (x.ndim - 2)

    def mean(values: Array) -> Array:
        found: Array = uniform_filter(values, size)
        return found

    x, y = x.astype(np.float64), y.astype(np.float64)
    m_x, m_y = mean(x), mean(y)
    unbiased = window**2 / (window**2 - 1)
    s_x, s_y, s_xy = (
        unbiased * (mean(a * b) - m * n) for a, b, m, n in ((x, x, m_x, m_x), (y, y, m_y, m_y), (x, y, m_x, m_y))
    )
    c_1, c_2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    found = (2 * m_x * m_y + c_1) * (2 * s_xy + c_2) / ((m_x**2 + m_y**2 + c_1) * (s_x + s_y + c_2))
    edge = window // 2
    return float(found[edge : x.shape[0] - edge, edge : x.shape[1] - edge].mean())
