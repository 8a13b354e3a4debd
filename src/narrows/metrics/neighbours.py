"""Nearest neighbours (Euclidean), exactly and block by block, and what they say about a label."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK_DISTANCES = 1 << 25
"""How many distances are held at once."""
SPARE = 8
"""How many more candidates than wanted are measured again in double precision."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest of some points to each of others, nearest first.

    Args:
        distances: Euclidean, (m, k) float64.
        indices: Which of the points, (m, k).
    """

    distances: Array
    indices: Array


def nearest_neighbours(known: Array, asked: Array, k: int) -> Neighbours:
    """The k nearest known points to each point that is asked about, found by measuring all distances.

    Candidates are found in single precision around the mean, and measured again in double, so that a point is at
    distance 0 from itself. Of points at one distance the first comes first.

    Args:
        known: Points to look among, (n, d).
        asked: Points to look up, (m, d).
        k: How many; at most n.

    Raises:
        ValueError: Points of another number of dimensions, or fewer than k of them.

    >>> import numpy as np
    >>> found = nearest_neighbours(np.array([[0.0], [1.0], [5.0]]), np.array([[0.9]]), k=2)
    >>> found.indices, found.distances.round(1)
    (array([[1, 0]]), array([[0.1, 0.9]]))
    """
    if known.ndim != 2 or asked.ndim != 2 or known.shape[1] != asked.shape[1]:
        raise ValueError(f"points of the same dimension are needed, got shapes {known.shape} and {asked.shape}")
    if not 1 <= k <= len(known):
        raise ValueError(f"k lies within 1 and the number of known points, {len(known)}, got {k!r}")
    exact, looked_up = np.asarray(known, np.float64), np.asarray(asked, np.float64)
    centre = exact.mean(0)
    near = torch.from_numpy((exact - centre).astype(np.float32))
    queries = torch.from_numpy((looked_up - centre).astype(np.float32))
    norms = near.square().sum(1)
    distances, indices = np.empty((len(asked), k)), np.empty((len(asked), k), np.int64)
    step = max(1, BLOCK_DISTANCES // len(known))
    for first in range(0, len(asked), step):
        block = slice(first, first + step)
        scores = torch.addmm(norms, queries[block], near.T, alpha=-2)
        candidates = scores.topk(min(k + SPARE, len(known)), largest=False).indices.sort(1).values.numpy()
        measured = np.sqrt(np.square(exact[candidates] - looked_up[block, None]).sum(2))
        order = measured.argsort(1, kind="stable")[:, :k]
        distances[block] = np.take_along_axis(measured, order, 1)
        indices[block] = np.take_along_axis(candidates, order, 1)
    return Neighbours(distances, indices)


def neighbours_of_each(points: Array, k: int) -> Neighbours:
    """The k nearest other points of each point.

    Args:
        points: (n, d).
        k: How many; fewer than n.

    Raises:
        ValueError: Not more than k points.

    >>> import numpy as np
    >>> neighbours_of_each(np.array([[0.0], [1.0], [5.0]]), k=1).indices.ravel()
    array([1, 0, 1])
    """
    if not 1 <= k < len(points):
        raise ValueError(f"k lies within 1 and the number of other points, {len(points) - 1}, got {k!r}")
    found = nearest_neighbours(points, points, k + 1)
    itself = found.indices == np.arange(len(points))[:, None]
    itself[~itself.any(1), -1] = True  # among many copies a point need not find itself
    others = ~itself
    return Neighbours(found.distances[others].reshape(-1, k), found.indices[others].reshape(-1, k))


def nearest_neighbour_accuracy(known: Array, labels: Array, asked: Array, truth: Array, k: int = 1) -> float:
    """Share of samples that bear the label of most of their k nearest neighbours among the known ones.

    Of labels that are equally frequent the one with the nearest neighbour counts.

    Args:
        known: Codes with known labels, (n, d).
        labels: Their labels, (n,).
        asked: Codes to look up, (m, d).
        truth: Their labels, (m,).
        k: How many neighbours vote.

    Raises:
        ValueError: Codes and labels differ in number.

    >>> import numpy as np
    >>> known, labels = np.array([[0.0], [1.0]]), np.array(["a", "b"])
    >>> nearest_neighbour_accuracy(known, labels, np.array([[0.1], [0.2], [0.9]]), np.array(["a", "b", "b"]))
    0.6666666666666666
    """
    if len(known) != len(labels) or len(asked) != len(truth):
        raise ValueError("each code needs one label")
    classes, votes = np.unique(labels, return_inverse=True)
    cast = votes[nearest_neighbours(known, asked, min(k, len(known))).indices]
    counts = np.zeros((len(asked), len(classes)))
    for place in range(cast.shape[1]):  # the nearest a little more, so that they decide where votes are equal
        np.add.at(counts, (np.arange(len(asked)), cast[:, place]), 1 + 1e-6 * 0.5**place)
    return float((classes[counts.argmax(1)] == truth).mean())
