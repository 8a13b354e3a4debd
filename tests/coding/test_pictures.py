"""Images by their neighbours: pixels come back, with and without a primer, and cost less than by generic codecs."""

import lzma

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from narrows.coding import pictures
from narrows.core.errors import FileError


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)),
    st.integers(1, 256),
    st.integers(0, 10),
    st.integers(0, 2**32 - 1),
)
def test_pixels_come_back(shape, levels, primed, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, levels, shape)
    primer = rng.integers(0, levels, (primed, *shape[1:])) if primed else None
    assert (pictures.decode(pictures.encode(images, primer), shape, primer) == images).all()


def test_every_pixel_is_on_one_line():
    for height, width in [(1, 1), (1, 7), (7, 1), (5, 8), (9, 2)]:
        seen = np.zeros((height, width), dtype=int)
        for y, x in pictures.slanted(height, width):
            seen[y, x] += 1
        assert (seen == 1).all()


def test_digits_cost_less_than_by_a_generic_codec_and_less_again_with_a_primer():
    digits = load_digits().images.astype(np.int64)[:700, ..., None]
    made = pictures.encode(digits[500:], None)
    primed = pictures.encode(digits[500:], digits[:500])
    assert (pictures.decode(primed, digits[500:].shape, digits[:500]) == digits[500:]).all()
    generic = len(lzma.compress(digits[500:].astype(np.uint8).tobytes(), lzma.FORMAT_ALONE, preset=9))
    assert len(made) < 0.92 * generic
    assert len(primed) < 0.95 * len(made)


def test_another_primer_is_refused():
    images = np.zeros((3, 4, 4, 1), np.int64)
    made = pictures.encode(images, images)
    with pytest.raises(FileError, match="primer of other images"):
        pictures.decode(made, images.shape, np.full((3, 4, 4, 1), 200))
    with pytest.raises(FileError, match="primer of other images"):
        pictures.decode(made, images.shape, np.zeros((3, 4, 5, 1), np.int64))


def test_only_small_whole_numbers_are_pixels():
    assert pictures.numbers(np.array([[0.0, 255.0]])) is not None
    for odd in ([-0.0], [0.5], [256.0], [-1.0], [np.nan], [np.inf]):
        assert pictures.numbers(np.array([odd])) is None
