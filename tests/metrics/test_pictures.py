"""Metrics of pictures against scikit-image, and by hand."""

import numpy as np
import pytest

from narrows import metrics


def pair():
    draw = np.random.default_rng(0)
    x = np.cumsum(draw.normal(size=(32, 40)), 0)
    return x, x + draw.normal(size=x.shape)


def test_the_same_picture_is_infinitely_near():
    x, _ = pair()
    assert metrics.peak_signal_to_noise_ratio(x, x) == np.inf
    assert metrics.structural_similarity(x, x) == pytest.approx(1)


def test_similarity_of_one_window_is_its_formula():
    x, y = (picture[:7, :7] for picture in pair())
    c_1, c_2 = (0.01 * 10) ** 2, (0.03 * 10) ** 2
    covariance = np.cov(x.ravel(), y.ravel())
    means = x.mean(), y.mean()
    light = (2 * means[0] * means[1] + c_1) / (means[0] ** 2 + means[1] ** 2 + c_1)
    shape = (2 * covariance[0, 1] + c_2) / (covariance[0, 0] + covariance[1, 1] + c_2)
    assert metrics.structural_similarity(x, y, span=10) == pytest.approx(light * shape)


def test_both_agree_with_scikit_image():
    theirs = pytest.importorskip("skimage.metrics")
    x, y = pair()
    ours = metrics.peak_signal_to_noise_ratio(x, y, span=10)
    assert ours == pytest.approx(theirs.peak_signal_noise_ratio(x, y, data_range=10))
    assert metrics.structural_similarity(x, y, 10) == pytest.approx(theirs.structural_similarity(x, y, data_range=10))


@pytest.mark.parametrize("shapes", [((8, 8), (8, 9)), ((5, 5), (5, 5)), ((64,), (64,))])
def test_shapes_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="pictures"):
        metrics.structural_similarity(*map(np.zeros, shapes))
