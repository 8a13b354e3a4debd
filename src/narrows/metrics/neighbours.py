"""What the neighbours of a code say about its label."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def nearest_neighbour_accuracy(known: Array, labels: Array, asked: Array, truth: Array, block: int = 1024) -> float:
    """Share of samples whose nearest neighbour (Euclidean) among the known ones bears the same label.

    Args:
        known: Codes with known labels, (n, d).
        labels: Their labels, (n,).
        asked: Codes to look up, (m, d).
        truth: Their labels, (m,).
        block: How many look-ups run at once.

    Raises:
        ValueError: Codes and labels differ in number.

    >>> import numpy as np
    >>> known, labels = np.array([[0.0], [1.0]]), np.array(["a", "b"])
    >>> nearest_neighbour_accuracy(known, labels, np.array([[0.1], [0.2], [0.9]]), np.array(["a", "b", "b"]))
    0.6666666666666666
    """
    if len(known) != len(labels) or len(asked) != len(truth):
        raise ValueError("each code needs one label")
    known, asked = known.astype(np.float64), asked.astype(np.float64)
    norms = np.square(known).sum(1)
    nearest = [(norms - 2 * asked[i : i + block] @ known.T).argmin(1) for i in range(0, len(asked), block)]
    return float((labels[np.concatenate(nearest)] == truth).mean())
