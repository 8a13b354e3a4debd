"""How much of the order of samples a code keeps: who is near whom, who belongs together, how many directions are used.

Distances of all pairs are formed, so these are for some thousand samples.
"""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

Array = np.ndarray[Any, np.dtype[Any]]


def trustworthiness(x: Array, z: Array, k: int = 10) -> float:
    """How far the neighbours of codes were neighbours as samples already, 0 to 1; 1 where no stranger comes near.

        1 - 2 / (n k (2 n - 3 k - 1)) sum_i sum_j (rank of j around x_i - k),    j among the k nearest of z_i

    Source: Venna and Kaski (2001), https://doi.org/10.1007/3-540-44668-0_68.

    Args:
        x: Samples, (n, d), n more than 2 k.
        z: Their codes, (n, e).
        k: How many neighbours of each.

    Raises:
        ValueError: Samples and codes differ in number, or are too few.

    >>> import numpy as np
    >>> x = np.arange(10.0)[:, None]
    >>> trustworthiness(x, -3 * x, k=2), trustworthiness(x, x % 5, k=2) < 0.7
    (1.0, True)
    """
    n = len(x)
    if len(z) != n or not 1 <= k < n / 2:
        raise ValueError(f"each sample needs one code, and k is less than half their number: got {n}, {len(z)}, k={k}")
    ranks = _order(x).argsort(1)
    near = _order(z)[:, 1 : k + 1]
    late = (np.take_along_axis(ranks, near, 1) - k).clip(min=0)
    return float(1 - 2 * late.sum() / (n * k * (2 * n - 3 * k - 1)))


def continuity(x: Array, z: Array, k: int = 10) -> float:
    """How far the neighbours of samples are neighbours as codes still, 0 to 1; 1 where none is torn away.

    Source: Venna and Kaski (2001), https://doi.org/10.1007/3-540-44668-0_68.

    Args:
        x: Samples, (n, d), n more than 2 k.
        z: Their codes, (n, e).
        k: How many neighbours of each.

    Raises:
        ValueError: Samples and codes differ in number, or are too few.

    >>> import numpy as np
    >>> x = np.arange(10.0)[:, None]
    >>> continuity(x, -3 * x, k=2)
    1.0
    """
    return trustworthiness(z, x, k)


def silhouette(z: Array, labels: Array) -> float:
    """How much nearer codes lie to those of their own label than to those of the next, -1 to 1.

    Source: Rousseeuw (1987), https://doi.org/10.1016/0377-0427(87)90125-7.

    Args:
        z: Codes, (n, e).
        labels: (n,), two different ones at least.

    Raises:
        ValueError: Codes and labels differ in number, or all labels are one.

    >>> import numpy as np
    >>> silhouette(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0, 0, 1, 1]))
    1.0
    """
    kinds, own = np.unique(labels, return_inverse=True)
    if len(labels) != len(z) or len(kinds) < 2:
        raise ValueError("each code needs one label, and there have to be two of those")
    counts = np.bincount(own)
    sums = cdist(z, z) @ np.eye(len(kinds))[own]
    rows = np.arange(len(z))
    within = sums[rows, own] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[rows, own] = np.inf
    between = means.min(1)
    larger = np.maximum(within, between)
    found = np.divide(between - within, larger, out=np.zeros(len(z)), where=larger > 0)
    return float(np.where(counts[own] > 1, found, 0.0).mean())


def used_dimensions(z: Array) -> float:
    """How many directions codes spread in: e to the entropy of the shares of variance along the principal axes.

    Source: Roy and Vetterli (2007), The effective rank.

    Args:
        z: Codes, (n, e).

    >>> import numpy as np
    >>> round(used_dimensions(np.array([[1.0, 0.0, 5.0], [0.0, 1.0, 5.0], [-1.0, 0.0, 5.0], [0.0, -1.0, 5.0]])), 6)
    2.0
    """
    variances = np.square(np.linalg.svd(z - z.mean(0), compute_uv=False))
    shares = variances[variances > 0] / max(variances.sum(), 1e-300)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _order(x: Array) -> Array:
    """All samples by their distance from each, itself first, (n, n)."""
    distances = cdist(x, x)
    np.fill_diagonal(distances, -1.0)
    return np.asarray(distances.argsort(1, kind="stable"))
