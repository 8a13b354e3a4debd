"""How strong the noise of pictures is, from the noisy pictures alone."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import chi2

from narrows.data.arrays import Array

SIDE = 8
"""How many pixels patches are wide and high, at most, of which the covariance is taken."""
ENOUGH = 20
"""How many patches there are for each of their pixels, at least."""
MOST = 100_000
"""How many of them are looked at, at most."""
BLOCK = 16
"""How many pixels blocks are wide and high, of which the smoothest are taken."""
BLOCKS = 100
"""How many there are at least, for a quantile to say something."""
SMOOTHEST = 0.05
"""Which quantile of the variances of blocks stands for those without detail."""


def noise_level(X: Array) -> float:
    """The standard deviation of normal noise that is independent from pixel to pixel, in units of X.

    The smaller of two guesses, since detail makes either too large.

    Args:
        X: Pictures (n, height, width[, channels]) or video (n, time, height, width, channels).

    >>> draw = np.random.default_rng(0)
    >>> 4.8 < noise_level(np.arange(64.0) + draw.normal(scale=5.0, size=(3, 64, 64))) < 5.2
    True
    """
    frames = X.reshape(-1, *X.shape[2:]) if X.ndim == 5 else X if X.ndim == 4 else X[..., None]
    found = [by_directions(frames)]
    n, height, width, channels = frames.shape
    if n * (height // BLOCK) * (width // BLOCK) * channels >= BLOCKS:
        found.append(by_blocks(frames))
    return float(np.sqrt(min(found)))


def by_directions(frames: Array) -> float:
    """The variance of the noise from directions that small patches do not vary along, but for it.

    Patches lie near a subspace; off it there is only noise, which has the same variance in all directions. So of the
    eigenvalues of their covariance, the smallest are those of the noise: as many as have a mean that does not exceed
    their median.

    Source: Chen, Zhu and Heng (2015), "An Efficient Statistical Method for Image Noise Level Estimation", ICCV.

    Args:
        frames: (n, height, width, channels).
    """
    windows = _patches(frames)
    count = int(np.prod(windows.shape[:-2]))
    chosen = np.random.default_rng(0).integers(0, count, min(MOST, count))
    patches = windows[np.unravel_index(chosen, windows.shape[:-2])].astype(np.float64)
    values = np.linalg.eigvalsh(np.atleast_2d(np.cov(patches.reshape(len(patches), -1), rowvar=False))).clip(min=0)
    means = np.cumsum(values) / np.arange(1, len(values) + 1)
    fits = [k for k in range(1, len(values) + 1) if means[k - 1] <= np.median(values[:k])]
    return float(means[max(fits, default=1) - 1])


def _patches(frames: Array) -> Array:
    """All patches as a view, (n, rows, columns, channels, side, side), as large as there are enough of."""
    for side in range(min(SIDE, *frames.shape[1:3]), 1, -1):
        found = sliding_window_view(frames, (side, side), axis=(1, 2))
        if np.prod(found.shape[:-2]) >= ENOUGH * side**2:
            return found
    return sliding_window_view(frames, (1, 1), axis=(1, 2))


def by_blocks(frames: Array) -> float:
    """The variance of the noise from the smoothest blocks: of diagonal differences, so that slopes do not count.

    A block of pure noise has a variance of sigma^2 chi^2_k / k with k differences, which says what a low quantile of
    many is. Blocks with several values at an end of the range are left out, where noise may be clipped.

    Args:
        frames: (n, height, width, channels).
    """
    x = np.moveaxis(frames, 3, 1).reshape(-1, *frames.shape[1:3])
    rows, columns = (size // BLOCK * BLOCK for size in x.shape[1:])
    blocks = x[:, :rows, :columns].reshape(len(x), rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    blocks = blocks.swapaxes(2, 3).reshape(-1, BLOCK, BLOCK)
    at_ends = ((blocks == x.min()) | (blocks == x.max())).sum((1, 2))
    whole = blocks[at_ends < 2] if (at_ends < 2).any() else blocks
    whole = whole.astype(np.float64)
    differences = (whole[:, ::2, ::2] - whole[:, 1::2, ::2] - whole[:, ::2, 1::2] + whole[:, 1::2, 1::2]) / 2
    k = BLOCK**2 // 4
    variances = np.square(differences).sum((1, 2)) / k
    return float(np.quantile(variances, SMOOTHEST) / (chi2.ppf(SMOOTHEST, k) / k))
