"""Measures of disentanglement on codes whose answer is known."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from narrows.metrics import active_units, bits_per_dimension, disentanglement, mutual_information_gap
from narrows.metrics.causes import _lasso


@pytest.fixture
def factors():
    return np.random.RandomState(0).randint(5, size=(4000, 3))


def test_a_code_of_its_causes_is_disentangled(factors):
    codes = np.column_stack([-2.0 * factors[:, 1], np.zeros(4000), factors[:, [2, 0]] + 1.0])
    assert mutual_information_gap(codes, factors) == pytest.approx(1, abs=0.02)
    found = disentanglement(codes, factors)
    assert all(value == pytest.approx(1, abs=0.02) for value in found.values())


def test_a_rotated_code_is_not(factors):
    turned = factors @ np.linalg.qr(np.random.RandomState(1).randn(3, 3))[0]
    found = disentanglement(turned, factors)
    assert mutual_information_gap(turned, factors) < 0.3
    assert found["disentanglement"] < 0.6
    assert found["informativeness"] > 0.95, "nothing is lost by turning"


def test_two_entries_for_one_cause_cost_completeness(factors):
    codes = np.column_stack([factors[:, 0], factors[:, 0], factors[:, 1], factors[:, 2]]).astype(float)
    noisy = codes + 0.5 * np.random.RandomState(1).randn(*codes.shape)
    assert mutual_information_gap(codes[:, :2], factors[:, :1]) == pytest.approx(0, abs=1e-9)
    found = disentanglement(noisy, factors)
    assert found["disentanglement"] > 0.8
    assert found["completeness"] < 0.9


def test_noise_tells_nothing(factors):
    noise = np.random.RandomState(1).randn(4000, 4)
    assert mutual_information_gap(noise, factors) < 0.02
    assert disentanglement(noise, factors)["informativeness"] < 0.02


def test_the_lasso_is_scikit_learns():
    draw = np.random.RandomState(0)
    z = draw.randn(200, 6)
    z = (z - z.mean(0)) / z.std(0)
    v = z @ np.array([2.0, 0, -1, 0, 0.05, 0]) + 0.3 * draw.randn(200)
    v = v - v.mean()
    theirs = Lasso(alpha=0.1, fit_intercept=False, tol=1e-10).fit(z, v).coef_
    assert np.allclose(_lasso(z, v, 0.1), theirs, atol=1e-5)


def test_units_at_rest_do_not_count():
    codes = np.random.RandomState(0).randn(500, 4) * [1.0, 0.5, 0.05, 0.0]
    assert active_units(codes) == 2
    assert active_units(codes, threshold=0.5) == 1


def test_bits_per_dimension_of_a_fair_coin():
    assert bits_per_dimension(np.full(7, 20 * np.log(0.5)), 20) == pytest.approx(1)


def test_codes_and_factors_come_in_pairs(factors):
    for measure in (mutual_information_gap, disentanglement):
        with pytest.raises(ValueError, match="each sample has a code"):
            measure(np.zeros((3, 2)), factors)
    with pytest.raises(ValueError, match="at least 2"):
        mutual_information_gap(np.zeros((4000, 1)), factors)
