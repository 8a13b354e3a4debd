"""Metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neighbors import KNeighborsClassifier

from narrows import metrics


def test_mean_squared_error_of_bytes_does_not_wrap():
    x, y = np.random.RandomState(0).randint(0, 256, (2, 30, 5)).astype(np.uint8)
    assert metrics.mean_squared_error(x, y) == pytest.approx(mean_squared_error(x.astype(float), y.astype(float)))


def test_binary_cross_entropy():
    draw = np.random.RandomState(0)
    x, p = draw.randint(0, 2, 500), draw.uniform(0.01, 0.99, 500)
    assert metrics.binary_cross_entropy(x, p) == pytest.approx(log_loss(x, p))
    grey = draw.rand(500)
    assert metrics.binary_cross_entropy(grey, p) > metrics.binary_cross_entropy(grey, grey)


@pytest.mark.parametrize("k", [3, 40])
def test_nearest_neighbours(digits, k):
    X, y = digits.data[:, :k], digits.target
    ours = metrics.nearest_neighbour_accuracy(X[:1000], y[:1000], X[1000:], y[1000:])
    theirs = KNeighborsClassifier(1, algorithm="brute").fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    assert ours == pytest.approx(theirs, abs=0.02 if k == 3 else 0.005), "ties aside"


def test_a_vote_of_five_is_that_of_scikit_learn(digits):
    X, y = digits.data, digits.target
    ours = metrics.nearest_neighbour_accuracy(X[:1000], y[:1000], X[1000:], y[1000:], k=5)
    theirs = KNeighborsClassifier(5, algorithm="brute").fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    assert ours == pytest.approx(theirs, abs=0.01), "ties aside"


def test_shapes_that_differ():
    for metric in (metrics.mean_squared_error, metrics.binary_cross_entropy):
        with pytest.raises(ValueError, match="must be the same"):
            metric(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="each code needs one label"):
        metrics.nearest_neighbour_accuracy(np.zeros((2, 1)), np.zeros(3), np.zeros((2, 1)), np.zeros(2))
    with pytest.raises(ValueError, match="targets lie in"):
        metrics.binary_cross_entropy(np.array([2.0]), np.array([0.5]))
