"""The level of noise, estimated from noisy pictures alone."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from narrows.tasks.noise import noise_level


@pytest.fixture(scope="module")
def photo():
    return load_sample_images().images[1][:256, :256].astype(float)


@pytest.mark.parametrize("sigma", [5.0, 25.0])
def test_the_level_in_a_photograph_is_found(photo, sigma):
    shown = photo + sigma * np.random.default_rng(0).normal(size=photo.shape)
    assert noise_level(shown[None]) == pytest.approx(sigma, rel=0.15)


def test_clipping_does_not_make_it_nothing():
    dark = np.clip(20 * np.random.default_rng(0).normal(size=(1, 128, 128)) + 100, 0, 255)
    dark[:, :64] = np.clip(dark[:, :64] - 150, 0, 255)  # mostly clipped to black
    assert noise_level(dark) > 10


def test_video_and_small_pictures_have_a_level_too():
    draw = np.random.default_rng(0)
    assert noise_level(3 * draw.normal(size=(2, 4, 32, 32, 1))) == pytest.approx(3, rel=0.15)
    assert noise_level(3 * draw.normal(size=(50, 6, 6))) == pytest.approx(3, rel=0.15)


def test_flat_pictures_have_none():
    assert noise_level(np.ones((2, 40, 40))) == 0
