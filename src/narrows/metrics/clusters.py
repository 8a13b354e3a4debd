"""Groups among codes, and how well they agree with labels."""

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

Array = np.ndarray[Any, np.dtype[Any]]

STARTS = 10
"""From how many beginnings k-means runs."""
STEPS = 100
"""How many steps each run takes, at most."""


def k_means(z: Array, k: int, seed: int = 0) -> Array:
    """The group of each code, (n,), of the best of ten runs of k-means from k-means++ beginnings.

    Source: Lloyd (1982); Arthur and Vassilvitskii (2007), k-means++.

    Args:
        z: Codes, (n, e).
        k: How many groups.
        seed: What the beginnings are drawn by.

    Raises:
        ValueError: More groups than codes.

    >>> import numpy as np
    >>> groups = k_means(np.array([[0.0], [0.1], [5.0], [5.1]]), 2)
    >>> bool(groups[0] == groups[1] != groups[2] == groups[3])
    True
    """
    if not 1 <= k <= len(z):
        raise ValueError(f"k lies within 1 and the number of codes, {len(z)}, got {k!r}")
    z = np.asarray(z, np.float64)
    rng = np.random.default_rng(seed)
    best, least = np.zeros(len(z), np.int64), np.inf
    for _ in range(STARTS):
        groups, spread = _lloyd(z, _plus_plus(z, k, rng))
        if spread < least:
            best, least = groups, spread
    return best


def _lloyd(z: Array, centres: Array) -> tuple[Array, float]:
    """Groups (n,) when they no longer change, and the sum of squared distances from their means."""
    groups = np.full(len(z), -1)
    for _ in range(STEPS):
        squares = cdist(z, centres, "sqeuclidean")
        nearest = squares.argmin(1)
        if np.array_equal(nearest, groups):
            break
        groups = nearest
        sums = np.zeros_like(centres)
        np.add.at(sums, groups, z)
        counts = np.bincount(groups, minlength=len(centres))[:, None]
        centres = np.where(counts > 0, sums / np.maximum(counts, 1), centres)  # an empty group stays where it was
    return groups, float(np.square(z - centres[groups]).sum())


def _plus_plus(z: Array, k: int, rng: np.random.Generator) -> Array:
    """Centres to begin with, each drawn by its squared distance from those before, (k, e)."""
    centres = [z[rng.integers(len(z))]]
    nearest = np.square(z - centres[0]).sum(1)
    for _ in range(k - 1):
        total = nearest.sum()
        shares = nearest / total if total > 0 else np.full(len(z), 1 / len(z))
        centres.append(z[rng.choice(len(z), p=shares)])
        nearest = np.minimum(nearest, np.square(z - centres[-1]).sum(1))
    return np.stack(centres)


def v_measure(labels: Array, groups: Array) -> float:
    """How well groups agree with labels, 0 to 1: the harmonic mean of homogeneity and completeness.

        2 h c / (h + c),    h = 1 - H(label | group) / H(label),    c = 1 - H(group | label) / H(group)

    Source: Rosenberg and Hirschberg (2007), V-measure.

    Args:
        labels: (n,).
        groups: (n,).

    Raises:
        ValueError: They differ in number.

    >>> import numpy as np
    >>> v_measure(np.array(["a", "a", "b"]), np.array([1, 1, 0]))
    1.0
    """
    if len(labels) != len(groups):
        raise ValueError("each sample needs one label and one group")
    (_, a), (_, b) = (np.unique(one, return_inverse=True) for one in (labels, groups))
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / len(a))
    together, of_labels, of_groups = (_entropy(p) for p in (joint.ravel(), joint.sum(1), joint.sum(0)))
    homogeneity = 1.0 if of_labels == 0 else 1 - (together - of_groups) / of_labels
    completeness = 1.0 if of_groups == 0 else 1 - (together - of_labels) / of_groups
    total = homogeneity + completeness
    return float(np.clip(2 * homogeneity * completeness / total, 0, 1)) if total > 0 else 0.0


def _entropy(p: Array) -> float:
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())
