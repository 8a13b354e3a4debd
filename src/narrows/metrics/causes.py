"""How far the entries of a code stand for single causes, and how many of them are in use."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def active_units(codes: Array, threshold: float = 0.01) -> int:
    """How many entries of mean codes vary over the samples: those with a variance above a threshold.

    Source: Burda, Grosse and Salakhutdinov (2016), https://arxiv.org/abs/1509.00519.

    Args:
        codes: Mean codes of samples, (n, d).
        threshold: In units of the prior's variance.

    >>> active_units(np.array([[0.0, 1.0], [0.0, -1.0]]))
    1
    """
    return int((np.var(np.asarray(codes, np.float64), axis=0) > threshold).sum())


def mutual_information_gap(codes: Array, factors: Array, bins: int = 20) -> float:
    r"""How much more the most informative entry of a code says of each factor than the next, the mean over factors.

        MIG = 1/K sum_k (I(z_{j(k)}; v_k) - max_{j != j(k)} I(z_j; v_k)) / H(v_k)

    From 0, where every factor is told by two entries alike, to 1, where one entry tells it and no other knows.

    Source: Chen, Li, Grosse and Duvenaud (2018), https://arxiv.org/abs/1802.04942, with codes in equal bins as in
    Locatello et al. (2019).

    Args:
        codes: Mean codes of samples, (n, d), d of at least 2.
        factors: What samples were made of, (n, k): labels, such as whole numbers. One that never varies is left out.
        bins: Into how many equal intervals each entry is put.

    Raises:
        ValueError: Different numbers of samples, or a code of one entry.

    >>> factors = np.random.RandomState(0).randint(4, size=(1000, 2))
    >>> round(mutual_information_gap(factors + 0.0, factors), 2)
    1.0
    """
    codes, factors = _pair(codes, factors)
    if codes.shape[1] < 2:
        raise ValueError("a gap between entries needs a code of at least 2")
    binned = np.stack([np.digitize(z, np.histogram_bin_edges(z, bins)[1:-1]) for z in codes.T], 1)
    gaps = []
    for v in factors.T:
        values, labels = np.unique(v, return_inverse=True)
        if len(values) == 1:
            continue
        shares = np.bincount(labels) / len(labels)
        told = np.sort([_mutual_information(z, labels) for z in binned.T])
        gaps.append((told[-1] - told[-2]) / -(shares * np.log(shares)).sum())
    return float(np.mean(gaps))


def _mutual_information(a: Array, b: Array) -> float:
    """Mutual information of two whole numbers, in nats."""
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / len(a))
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())


def disentanglement(codes: Array, factors: Array, penalty: float = 0.01) -> dict[str, float]:
    r"""Disentanglement, completeness and informativeness of a code, by sparse linear regressions of the factors.

        R_jk = |w_jk|,    D = sum_j rho_j (1 - H_K(R_j.)),    C = mean_k (1 - H_d(R_.k)),    I = mean_k R2_k

    D is 1 where each entry tells one factor, C where each factor is told by one entry, I where all factors are told.
    Half of the samples are learned from, and I is of the other half.

    Source: Eastwood and Williams (2018), A framework for the quantitative evaluation of disentangled representations,
    with the lasso of their section 4.

    Args:
        codes: Mean codes of samples, (n, d).
        factors: What samples were made of, (n, k) numbers. One that never varies is left out.
        penalty: Of the lasso, on standardised codes and factors.

    Returns:
        `disentanglement`, `completeness` and `informativeness`, at most 1 each.

    Raises:
        ValueError: Different numbers of samples.

    >>> factors = np.random.RandomState(0).randn(1000, 3)
    >>> {name: round(value, 2) for name, value in disentanglement(2 * factors[:, ::-1], factors).items()}
    {'disentanglement': 1.0, 'completeness': 1.0, 'informativeness': 1.0}
    """
    codes, factors = _pair(codes, factors)
    factors = factors[:, np.ptp(factors, axis=0) > 0].astype(np.float64)
    half = len(codes) // 2
    z, v = _standardised(codes, half), _standardised(factors, half)
    weights = np.stack([_lasso(z[:half], target, penalty) for target in v[:half].T], 1)
    left = np.square(v[half:] - z[half:] @ weights).mean(0) / np.square(v[half:] - v[half:].mean(0)).mean(0)
    importance = np.abs(weights)
    by_entry, by_factor = importance.sum(1), importance.sum(0)
    purity = 1 - _entropy(importance, 1)
    return {
        "disentanglement": float((purity * by_entry).sum() / max(by_entry.sum(), 1e-12)),
        "completeness": float(np.where(by_factor > 0, 1 - _entropy(importance, 0), 0).mean()),
        "informativeness": float((1 - left).mean()),
    }


def _entropy(importance: Array, axis: int) -> Array:
    """Entropy of shares along an axis, in units of its greatest value; 0 where there is one place alone."""
    shares = importance / np.maximum(importance.sum(axis, keepdims=True), 1e-12)
    found = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis)
    return np.asarray(found / max(np.log(importance.shape[axis]), 1e-12))


def _standardised(values: Array, rows: int) -> Array:
    """Columns with mean 0 and variance 1 over the first rows; those that never vary are 0."""
    spread = values[:rows].std(0)
    return np.asarray((values - values[:rows].mean(0)) / np.where(spread > 0, spread, 1.0))


def _lasso(z: Array, v: Array, penalty: float, sweeps: int = 200) -> Array:
    """The weights that minimise |v - z w|^2 / (2 n) + penalty |w|_1, by coordinate descent on standardised columns."""
    gram, target = z.T @ z / len(z), z.T @ v / len(z)
    w = np.zeros(z.shape[1])
    for _ in range(sweeps):
        before = w.copy()
        for j in np.flatnonzero(np.diag(gram) > 0):
            alone = target[j] - gram[j] @ w + gram[j, j] * w[j]
            w[j] = np.sign(alone) * max(0.0, abs(alone) - penalty) / gram[j, j]
        if np.abs(w - before).max(initial=0) < 1e-8:
            break
    return w


def bits_per_dimension(log_likelihood: Array, values: int) -> float:
    """The mean of -log2 p(x) for each value of a sample.

    Args:
        log_likelihood: Of samples in nats, (n,). Of a density of raw whole numbers, such as pixels, this is that of
            intervals of one.
        values: How many values a sample has.

    >>> round(bits_per_dimension(np.array([-8 * np.log(256)]), 8), 6)
    8.0
    """
    return float(-np.mean(log_likelihood) / (values * np.log(2)))


def _pair(codes: Array, factors: Array) -> tuple[Array, Array]:
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors)
    factors = factors[:, None] if factors.ndim == 1 else factors
    if codes.ndim != 2 or len(codes) != len(factors):
        raise ValueError(f"each sample has a code and factors, got shapes {codes.shape} and {factors.shape}")
    return codes, factors
