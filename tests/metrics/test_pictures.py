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


def test_multi_scale_similarity_of_one_scale_is_that_of_normal_windows(rng):
    x = np.random.RandomState(0).rand(21, 17, 3)
    y = x + 0.1 * np.random.RandomState(1).randn(*x.shape)
    theirs = pytest.importorskip("skimage.metrics").structural_similarity(
        x, y, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2
    )
    assert metrics.multi_scale_structural_similarity(x, y, 1.0) == pytest.approx(theirs, abs=1e-9)


def test_multi_scale_similarity_by_hand_at_two_scales():
    x = np.random.RandomState(0).rand(40, 30)
    y = np.clip(x + 0.2 * np.random.RandomState(1).randn(40, 30), 0, 1)

    def parts(a, b):
        taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
        window = np.outer(taps, taps) / np.outer(taps, taps).sum()
        cut = np.lib.stride_tricks.sliding_window_view
        u, v = cut(a, (11, 11)), cut(b, (11, 11))
        m, n = (u * window).sum((2, 3)), (v * window).sum((2, 3))
        s, t = (u * u * window).sum((2, 3)) - m * m, (v * v * window).sum((2, 3)) - n * n
        st = (u * v * window).sum((2, 3)) - m * n
        return (2 * m * n + 1e-4) / (m * m + n * n + 1e-4), (2 * st + 9e-4) / (s + t + 9e-4)

    half = [a.reshape(20, 2, 15, 2).mean((1, 3)) for a in (x, y)]
    fine, (light, coarse) = parts(x, y)[1].mean(), parts(*half)
    shares = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
    wanted = fine ** shares[0] * (light * coarse).mean() ** shares[1]
    assert metrics.multi_scale_structural_similarity(x, y, 1.0) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7, 3), (5, 2), (3, 9, 12, 1), (2, 200, 180, 1)])
def test_multi_scale_similarity_of_any_size_is_one_of_the_same_and_less_of_others(shape):
    x = np.random.RandomState(0).rand(*shape)
    assert metrics.multi_scale_structural_similarity(x, x, 1.0) == pytest.approx(1)
    assert metrics.multi_scale_structural_similarity(x, 1 - x, 1.0) < 1
