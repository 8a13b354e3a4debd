"""How near pictures are: peak signal-to-noise ratio and structural similarity."""

from typing import Any

import numpy as np
from scipy.ndimage import correlate1d, uniform_filter

from narrows.metrics.errors import mean_squared_error

Array = np.ndarray[Any, np.dtype[Any]]

SHARES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""What each scale counts in multi-scale structural similarity, from the finest on."""
WINDOW, WIDTH = 11, 1.5
"""Taps and standard deviation of its windows, in pixels."""


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


def multi_scale_structural_similarity(x: Array, y: Array, span: float = 255.0) -> float:
    r"""The product over scales of (mean contrast and structure)^w_j, times (mean lightness)^w_M of the coarsest one.

    Each scale has half the size of the one before. Windows are normal, of 11 pixels and standard deviation 1.5. There
    are five scales, or as many as windows fit into, whose shares then add up to one; smaller pictures have smaller
    windows.

    Source: Wang, Simoncelli and Bovik (2003), https://doi.org/10.1109/ACSSC.2003.1292216.

    Args:
        x: One picture, (height, width[, channels]), or several, (n, height, width, channels).
        y: As many pictures of the same shape.
        span: The distance from black to white.

    Returns:
        The mean over pictures and channels; 1 for pictures that are the same.

    Raises:
        ValueError: The shapes differ, or are none of pictures.

    >>> x = np.arange(4096.0).reshape(64, 64) % 200
    >>> multi_scale_structural_similarity(x, x), bool(multi_scale_structural_similarity(x, 0.9 * x) < 1)
    (1.0, True)
    """
    if x.shape != y.shape or x.ndim not in (2, 3, 4) or not x.size:
        raise ValueError(f"pictures of one shape (height, width[, channels]), got {x.shape} and {y.shape}")
    whole = x.shape if x.ndim == 4 else (1, *x.shape, 1)[:4]
    x, y = (values.reshape(whole).astype(np.float64) for values in (x, y))
    scales = sum(min(whole[1:3]) >> scale >= WINDOW for scale in range(len(SHARES))) or 1
    shares = np.array(SHARES[:scales]) / sum(SHARES[:scales])
    found = np.ones((whole[0], whole[3]))
    for scale, share in enumerate(shares):
        lightness, structure = _lightness_and_structure(x, y, span)
        last = scale == scales - 1
        seen = (lightness * structure if last else structure).mean((1, 2))
        found *= np.maximum(seen, 0) ** share
        x, y = _halved(x), _halved(y)
    return float(found.mean())


def _lightness_and_structure(x: Array, y: Array, span: float) -> tuple[Array, Array]:
    """Both factors of structural similarity, in every window that fits, (n, rows, columns, channels) each."""
    radius = (min(WINDOW, *x.shape[1:3]) - 1) // 2
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / WIDTH) ** 2)
    taps /= taps.sum()
    inside = np.s_[:, radius : x.shape[1] - radius, radius : x.shape[2] - radius]

    def mean(values: Array) -> Array:
        found: Array = correlate1d(correlate1d(values, taps, 1), taps, 2)[inside]
        return found

    m_x, m_y = mean(x), mean(y)
    s_x, s_y, s_xy = mean(x * x) - m_x * m_x, mean(y * y) - m_y * m_y, mean(x * y) - m_x * m_y
    c_1, c_2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    return (2 * m_x * m_y + c_1) / (m_x**2 + m_y**2 + c_1), (2 * s_xy + c_2) / (s_x + s_y + c_2)


def _halved(x: Array) -> Array:
    """Pictures (n, height, width, channels) of half the size, by the means of four pixels."""
    n, height, width, channels = x.shape
    rows, columns = max(1, height // 2), max(1, width // 2)
    if min(height, width) < 2:
        return x
    found: Array = x[:, : 2 * rows, : 2 * columns].reshape(n, rows, 2, columns, 2, channels).mean((2, 4))
    return found
