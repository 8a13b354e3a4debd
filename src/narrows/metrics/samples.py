"""How good made samples are, by features of them and of real ones.

Distances between pixels say little about what is to be seen. Any function from samples to rows of numbers can extract
features: a network that was trained elsewhere, or on the spot `PretrainedClassifier().fit(X, y).transform`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Features = Callable[[Array], Array]
"""From samples (n, ...) to features (n, d)."""


def density_and_coverage(
    real: Array, made: Array, neighbours: int = 5, block: int = 1024, *, features: Features | None = None
) -> tuple[float, float]:
    r"""How near made samples lie to real ones, and how many real ones have a made one near.

        density  = 1 / (k M) sum_j sum_i [|y_j - x_i| <= r_k(x_i)]
        coverage = 1 / N sum_i [some |y_j - x_i| <= r_k(x_i)]

    where r_k(x_i) is the distance from x_i to its k-th nearest real neighbour. Samples of the same distribution have a
    density of 1 and a coverage of 1 - 2^-k or more; coverage falls where kinds of sample are never made.

    Source: Naeem, Oh, Uh, Choi and Yoo (2020), https://arxiv.org/abs/2002.09797.

    Args:
        real: Features of real samples, (n, d).
        made: Features of made samples, (m, d).
        neighbours: k, less than n.
        block: How many rows are compared at once.
        features: What extracts features, where samples are given instead of them.

    Raises:
        ValueError: Features of different sizes, or no more real samples than neighbours.

    >>> x = np.arange(20.0)[:, None]
    >>> density_and_coverage(x, x + 0.1), density_and_coverage(x, x + 100)
    ((1.17, 1.0), (0.0, 0.0))
    """
    real, made = _rows(real, made, features)
    if not 1 <= neighbours < len(real):
        raise ValueError(f"neighbours is a whole number from 1 to {len(real) - 1}, got {neighbours}")
    near, covered = 0, 0
    for first in range(0, len(real), block):
        some = real[first : first + block]
        radii = np.partition(_squared(some, real), neighbours, axis=1)[:, neighbours, None]  # the nearest is itself
        within = _squared(some, made) <= radii
        near += int(within.sum())
        covered += int(within.any(1).sum())
    return near / (neighbours * len(made)), covered / len(real)


def kernel_distance(real: Array, made: Array, *, features: Features | None = None) -> float:
    r"""The squared maximum mean discrepancy of two sets of features under a cubic kernel, without bias.

        k(x, y) = (x . y / d + 1)^3

    It may be slightly negative for samples of the same distribution. On features of Inception it is the kernel
    inception distance.

    Source: Binkowski, Sutherland, Arbel and Gretton (2018), https://arxiv.org/abs/1801.01401.

    Args:
        real: Features of real samples, (n, d), n at least 2.
        made: Features of made samples, (m, d), m at least 2.
        features: What extracts features, where samples are given instead of them.

    Raises:
        ValueError: Features of different sizes, or fewer than two of a kind.

    >>> x = np.random.default_rng(0).normal(size=(400, 3))
    >>> round(kernel_distance(x[:200], x[200:]), 1), round(kernel_distance(x[:200], 2 + x[200:]), 0)
    (0.1, 154.0)
    """
    real, made = _rows(real, made, features)
    n, m, d = len(real), len(made), real.shape[1]
    if min(n, m) < 2:
        raise ValueError(f"a distance without bias needs at least 2 samples of each kind, got {n} and {m}")

    def within(x: Array) -> float:
        k = (x @ x.T / d + 1) ** 3
        return float((k.sum() - np.trace(k)) / (len(x) * (len(x) - 1)))

    return within(real) + within(made) - 2 * float(((real @ made.T / d + 1) ** 3).mean())


def _rows(real: Array, made: Array, features: Features | None) -> tuple[Array, Array]:
    extract = features or np.asarray
    rows = (np.asarray(extract(x), dtype=np.float64) for x in (real, made))
    real, made = (x.reshape(len(x), -1) for x in rows)
    if real.shape[1] != made.shape[1]:
        raise ValueError(f"features are of one size, got {real.shape[1]} and {made.shape[1]}")
    return real, made


def _squared(x: Array, y: Array) -> Array:
    """Squared distances of all pairs, (n, m)."""
    found: Array = np.maximum(np.square(x).sum(1)[:, None] + np.square(y).sum(1) - 2 * x @ y.T, 0)
    return found
