"""What one affine map of a code says about a label."""

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

Array = np.ndarray[Any, np.dtype[Any]]


def linear_probe_accuracy(known: Array, labels: Array, asked: Array, truth: Array, ridge: float = 1e-3) -> float:
    """Share of samples whose label a multinomial logistic regression on standardised codes finds.

        min_A  mean -log softmax(A z)_y + ridge |A|^2 / 2

    Source: Alain and Bengio (2016), https://arxiv.org/abs/1610.01644, for probes.

    Args:
        known: Codes with known labels, (n, d).
        labels: Their labels, (n,).
        asked: Codes to ask about, (m, d).
        truth: Their labels, (m,).
        ridge: What a squared weight costs.

    Raises:
        ValueError: Codes and labels differ in number.

    >>> import numpy as np
    >>> z, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["a", "a", "b", "b"])
    >>> linear_probe_accuracy(z, y, z, y)
    1.0
    """
    if len(known) != len(labels) or len(asked) != len(truth):
        raise ValueError("each code needs one label")
    kinds, y = np.unique(labels, return_inverse=True)
    known = np.asarray(known, np.float64)
    shift, scale = known.mean(0), known.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    z = np.column_stack([(known - shift) / scale, np.ones(len(known))])
    one = np.eye(len(kinds))[y]
    penalised = np.append(np.ones(z.shape[1] - 1), 0.0)[:, None] * ridge

    def cost(flat: Array) -> tuple[float, Array]:
        a = flat.reshape(z.shape[1], -1)
        log_p = log_softmax(z @ a, axis=1)
        gradient = z.T @ (np.exp(log_p) - one) / len(z) + penalised * a
        return float(-(one * log_p).sum() / len(z) + 0.5 * (penalised * a * a).sum()), gradient.ravel()

    found = minimize(cost, np.zeros(z.shape[1] * len(kinds)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    a = found.x.reshape(z.shape[1], -1)
    answers = np.column_stack([(asked - shift) / scale, np.ones(len(asked))]) @ a
    return float((kinds[answers.argmax(1)] == truth).mean())
