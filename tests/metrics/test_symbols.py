"""How much of a code is in use, on codes of which that is known."""

import numpy as np
import pytest
from scipy.stats import entropy

from narrows import metrics


def test_ideal_and_collapsed_codebooks():
    ideal, collapsed = np.arange(64).reshape(-1, 1) % 8, np.zeros((64, 1), int)
    assert metrics.codebook_use(ideal, [8]) == 1.0
    assert metrics.codebook_use(collapsed, [8]) == 1 / 8
    assert metrics.perplexity(ideal) == pytest.approx(8.0)
    assert metrics.perplexity(collapsed) == pytest.approx(1.0)


def test_perplexity_is_the_exponential_of_the_entropy():
    indices = np.random.RandomState(0).poisson(3.0, (500, 3))
    expected = [np.exp(entropy(np.bincount(one))) for one in indices.T]
    assert metrics.perplexity(indices) == pytest.approx(expected)


def test_dead_units_are_counted():
    codes = np.random.RandomState(0).randn(50, 6)
    codes[:, [1, 4]] = 0.3
    assert metrics.dead_units(codes) == 2


def test_sizes_and_symbols_must_agree():
    with pytest.raises(ValueError, match="2 sizes need indices of shape"):
        metrics.codebook_use(np.zeros((5, 3), int), [2, 2])
