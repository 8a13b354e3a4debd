r"""Labels of few samples spread over many, along the graph of nearest neighbours of their codes.

    F = (1 - a) (1 - a S)^-1 Y,    S = D^-1/2 W D^-1/2

with Y the labels that are known, and W large between near neighbours (Zhou et al. 2004). A sample takes the label that
reaches it most, and that is trusted by how far the shares of all labels are from equal (Iscen et al. 2019).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array, eye_array
from scipy.sparse.linalg import cg

from narrows.data.arrays import Array
from narrows.metrics.neighbours import neighbours_of_each

NEIGHBOURS = 10
"""How many neighbours of a sample are connected with it."""
REACH = 0.99
"""How much of a label a neighbour hands on, the a of the equation."""


def neighbour_graph(codes: Array, k: int) -> csr_matrix:
    """Weights between near neighbours, (n, n), symmetric: a normal density of the distance, as wide as neighbours are.

    Args:
        codes: (n, d).
        k: How many neighbours of each.
    """
    n = len(codes)
    found = neighbours_of_each(codes, k)
    width = np.maximum(found.distances.mean(1), 1e-12)
    weights = np.exp(-np.square(found.distances) / (width[:, None] * width[found.indices]))
    rows = np.repeat(np.arange(n), k)
    graph = csr_matrix((weights.ravel(), (rows, found.indices.ravel())), (n, n))
    return graph.maximum(graph.T)


def graph_system(codes: Array) -> csr_matrix:
    """The matrix 1 - a S of the equation, (n, n).

    Args:
        codes: (n, d).
    """
    n = len(codes)
    graph = neighbour_graph(codes, min(NEIGHBOURS, n - 1))
    inverse_root = diags_array(1 / np.sqrt(np.maximum(np.asarray(graph.sum(1)).ravel(), 1e-12)))
    return csr_matrix(eye_array(n) - REACH * (inverse_root @ graph @ inverse_root))


def shares(system: csr_matrix, rows: Array, labels: Array) -> Array:
    """What reaches each sample of each label, as shares that sum to 1, (n, c); equal ones where nothing does.

    Args:
        system: What `graph_system` gave, (n, n).
        rows: Which samples have labels, (m,).
        labels: Those, as a one for the class and zeros for the others, (m, c).
    """
    n, classes = system.shape[0], labels.shape[1]
    known = np.zeros((n, classes))
    known[rows] = labels
    reached = np.stack([cg(system, column, rtol=1e-6, maxiter=500)[0] for column in known.T], 1).clip(min=0)
    total = reached.sum(1, keepdims=True)
    return np.where(total > 0, reached / np.maximum(total, 1e-300), 1 / classes)


def spread(codes: Array, rows: Array, labels: Array) -> tuple[Array, Array]:
    """Labels for all samples, and how much each is trusted.

    Args:
        codes: (n, d).
        rows: Which samples have labels, (m,).
        labels: Those, as a one for the class and zeros for the others, (m, c).

    Returns:
        Labels in the same form, (n, c), and trust between 0 and 1, (n,).
    """
    found, classes = shares(graph_system(codes), rows, labels), labels.shape[1]
    entropy = -(found * np.log(np.maximum(found, 1e-12))).sum(1)
    trust = (1 - entropy / np.log(classes)).clip(0, 1)
    return np.eye(classes)[found.argmax(1)], trust / max(trust.max(), 1e-12)
