"""Looking codes up: the nearest to others, and those that are nearly the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from narrows.core.errors import ChoiceError, InputError
from narrows.data.arrays import Array, as_array
from narrows.metrics.neighbours import Neighbours, nearest_neighbours, neighbours_of_each

MEASURED = 100_000
"""Up to so many codes all distances are measured; beyond, faiss does it faster, where it is installed."""


def search(Z: Any, queries: Any, k: int = 10) -> Neighbours:
    """The k nearest codes to each query (Euclidean), nearest first, exactly.

    Up to 100,000 codes distances are measured block by block; beyond, faiss finds candidates, where the package
    `faiss-cpu` is installed, and they are measured again in double precision.

    Args:
        Z: Codes to look among, (n, d), such as `transform` gives.
        queries: Codes to look up, (m, d).
        k: How many; at most n.

    Returns:
        `distances` (m, k) float64, and `indices` (m, k) into Z.

    Raises:
        InputError: Codes of another size, or with NaN or inf among them.
        ChoiceError: A k that is no whole number within 1 and n.

    >>> import numpy as np
    >>> found = search(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]]), k=2)
    >>> found.indices, found.distances
    (array([[0, 1]]), array([[0., 5.]]))
    """
    known, asked = _codes(Z, "Z"), _codes(queries, "queries")
    if known.shape[1] != asked.shape[1]:
        raise InputError(f"queries have {asked.shape[1]} columns, but Z has {known.shape[1]}")
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= len(known):
        raise ChoiceError(f"k is a whole number within 1 and the number of codes, {len(known)}, got {k!r}")
    if len(known) > MEASURED:
        return _by_faiss(known, asked, int(k))
    return nearest_neighbours(known, asked, int(k))


def duplicates(Z: Any, distance: float = 0.0, k: int = 10) -> Array:
    """Pairs of samples whose codes are no farther apart than a distance.

    Among the k nearest of each sample; at distance 0 the codes are the same.

    Args:
        Z: Codes, (n, d).
        distance: How far apart two may be.
        k: How many neighbours of each sample are looked at, at most.

    Returns:
        Numbers of the two samples, the lower first, and sorted, (pairs, 2).

    Raises:
        InputError: Codes with NaN or inf among them, or fewer than two.
        ChoiceError: A negative distance.

    >>> import numpy as np
    >>> duplicates(np.array([[0.0], [2.0], [0.0], [2.1]]), distance=0.2)
    array([[0, 2],
           [1, 3]])
    """
    codes = _codes(Z, "Z")
    if len(codes) < 2:
        raise InputError(f"duplicates needs at least two codes, got {len(codes)}")
    if not distance >= 0:
        raise ChoiceError(f"distance is a number of at least 0, got {distance!r}")
    found = neighbours_of_each(codes, min(k, len(codes) - 1))
    one, place = np.nonzero(found.distances <= distance)
    pairs = np.stack([one, found.indices[one, place]], 1)
    return np.unique(np.sort(pairs, 1), axis=0)


def _codes(Z: Any, name: str) -> Array:
    """Codes as float64."""
    array = as_array(Z)
    if array.ndim != 2:
        raise InputError(f"{name} holds codes, (n, d), got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or inf, and nothing is near those")
    return array.astype(np.float64)


def _by_faiss(known: Array, asked: Array, k: int) -> Neighbours:
    """Candidates from an exact index of faiss, measured again; without the package, all distances."""
    try:
        import faiss  # optional
    except ImportError:
        return nearest_neighbours(known, asked, k)
    index = faiss.IndexFlatL2(known.shape[1])
    centre = known.mean(0)
    index.add((known - centre).astype(np.float32))
    _, candidates = index.search((asked - centre).astype(np.float32), min(k + 8, len(known)))
    candidates.sort(1)
    measured = np.stack(
        [np.sqrt(np.square(known[row] - query).sum(1)) for row, query in zip(candidates, asked, strict=True)]
    )
    order = measured.argsort(1, kind="stable")[:, :k]
    return Neighbours(np.take_along_axis(measured, order, 1), np.take_along_axis(candidates, order, 1))
