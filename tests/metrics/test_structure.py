"""How much of the order of samples a code keeps, against scikit-learn's figures."""

import numpy as np
import pytest
from sklearn import manifold
from sklearn import metrics as theirs
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from narrows import metrics


@pytest.fixture(scope="module")
def codes(digits):
    return digits.data[:300], digits.data[:300, ::7] + 0.0, digits.target[:300]


def test_trustworthiness_and_continuity(codes):
    x, z, _ = codes
    x = x + 1e-3 * np.random.default_rng(0).normal(size=x.shape)  # no two distances the same
    z = z + 1e-3 * np.random.default_rng(1).normal(size=z.shape)
    assert metrics.trustworthiness(x, z, 7) == pytest.approx(manifold.trustworthiness(x, z, n_neighbors=7))
    assert metrics.continuity(x, z, 7) == pytest.approx(manifold.trustworthiness(z, x, n_neighbors=7))


def test_silhouette(codes):
    _, z, y = codes
    assert metrics.silhouette(z, y) == pytest.approx(theirs.silhouette_score(z, y))


def test_groups_and_their_agreement_with_labels(codes):
    x, _, y = codes
    groups = metrics.k_means(x, 10)
    peer = KMeans(10, n_init=10, random_state=0).fit(x)
    spread = sum(np.square(x[groups == g] - x[groups == g].mean(0)).sum() for g in range(10))
    assert spread < 1.02 * peer.inertia_
    assert metrics.v_measure(y, groups) == pytest.approx(theirs.v_measure_score(y, groups))
    assert metrics.v_measure(y, np.zeros(300)) == pytest.approx(0, abs=1e-9)


def test_a_linear_probe_is_logistic_regression(codes):
    x, _, y = codes
    mean, scale = x[:200].mean(0), np.where(x[:200].std(0) > 0, x[:200].std(0), 1.0)
    peer = LogisticRegression(C=1 / (1e-3 * 200), max_iter=2000).fit((x[:200] - mean) / scale, y[:200])
    ours = metrics.linear_probe_accuracy(x[:200], y[:200], x[200:], y[200:])
    assert ours == pytest.approx(peer.score((x[200:] - mean) / scale, y[200:]), abs=0.021)


def test_used_dimensions_do_not_turn_with_the_axes():
    draw = np.random.default_rng(0)
    flat = np.column_stack([draw.normal(size=(500, 3)), np.zeros((500, 4))])
    turned = flat @ np.linalg.qr(draw.normal(size=(7, 7)))[0]
    assert metrics.used_dimensions(flat) == pytest.approx(metrics.used_dimensions(turned))
    assert 2.9 < metrics.used_dimensions(turned) <= 3


def test_what_cannot_be_measured_is_refused():
    z = np.zeros((4, 2))
    for wrong in (
        lambda: metrics.trustworthiness(z, z, 2),
        lambda: metrics.silhouette(z, np.zeros(4)),
        lambda: metrics.v_measure(np.zeros(3), np.zeros(4)),
        lambda: metrics.k_means(z, 5),
        lambda: metrics.linear_probe_accuracy(z, np.zeros(3), z, np.zeros(4)),
    ):
        with pytest.raises(ValueError, match=r"needs? one|k lies within"):
            wrong()
