"""Density, coverage and kernel distance against direct counts, and on samples that are known to be good or bad."""

import numpy as np
import pytest

import narrows
from narrows.metrics import density_and_coverage, kernel_distance

draw = np.random.default_rng(0)


def test_density_and_coverage_by_counting():
    real, made, k = draw.normal(size=(30, 3)), draw.normal(size=(20, 3)), 4
    between = np.linalg.norm(real[:, None] - real, axis=2)
    radii = np.sort(between, 1)[:, k]
    within = np.linalg.norm(real[:, None] - made, axis=2) <= radii[:, None]
    expected = within.sum() / (k * len(made)), within.any(1).mean()
    assert density_and_coverage(real, made, k, block=7) == pytest.approx(expected)


def test_samples_of_the_same_distribution_are_dense_and_cover():
    density, coverage = density_and_coverage(draw.normal(size=(1000, 5)), draw.normal(size=(1000, 5)))
    assert density == pytest.approx(1, abs=0.1)
    assert coverage > 0.93, "1 - 2^-5 is expected"


def test_a_lost_mode_costs_coverage_and_outliers_cost_density():
    modes = np.repeat([[0.0], [100.0]], 200, axis=0)
    real = modes + draw.normal(size=(400, 2))
    assert density_and_coverage(real, draw.normal(size=(400, 2)))[1] < 0.55
    outliers = np.concatenate([real[:200], 1e4 + draw.normal(size=(200, 2))])
    assert density_and_coverage(real, outliers)[0] < 0.7


def test_kernel_distance_by_double_sums():
    x, y = draw.normal(size=(6, 2)), draw.normal(size=(5, 2)) + 1
    k = lambda a, b: (a @ b / 2 + 1) ** 3  # noqa: E731
    within = [np.mean([k(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j]) for a in (x, y)]
    across = np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(sum(within) - 2 * across)


def test_kernel_distance_of_the_same_distribution_is_none_on_average():
    found = [kernel_distance(draw.normal(size=(50, 3)), draw.normal(size=(50, 3))) for _ in range(200)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 200**0.5


def test_features_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match="features are of one size, got 3 and 2"):
        kernel_distance(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="neighbours is a whole number from 1 to 3, got 5"):
        density_and_coverage(np.zeros((4, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="at least 2 samples of each kind, got 1 and 4"):
        kernel_distance(np.zeros((1, 3)), np.zeros((4, 3)))


def test_a_function_extracts_features():
    draw = np.random.RandomState(0)
    real, made = draw.rand(60, 4, 4), draw.rand(50, 4, 4)
    for metric in (kernel_distance, density_and_coverage):
        assert metric(real, made, features=lambda x: x[:, 0]) == metric(real[:, 0], made[:, 0])
        assert metric(real, made) == metric(real.reshape(60, 16), made.reshape(50, 16))


@pytest.mark.slow
def test_features_of_a_classifier_see_what_is_no_digit(digits):
    X, y = digits.images[:900], digits.target[:900]
    extract = narrows.PretrainedClassifier(random_state=0, verbose=0).fit(X, y).transform
    rolled = np.roll(digits.images[900:], 3, axis=1)  # as many strokes, of no digit
    real, false = (kernel_distance(X, x, features=extract) for x in (digits.images[900:], rolled))
    assert false > 3 * real
