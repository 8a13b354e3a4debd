"""Images by the median of neighbours: pixels come back, cost less than by generic codecs, and damage is refused."""

import lzma
from contextlib import suppress
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from narrows.coding import chunks, medians
from narrows.coding.chunks import Content
from narrows.coding.efforts import EFFORTS
from narrows.core.errors import FileError


def scheme_of(values):
    """The writer codes pixels as values, or else as differences."""
    return patch.object(medians, "_cost", lambda _tiles, scheme: float(scheme.values != values))


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4)),
    st.integers(1, 256),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_pixels_come_back(shape, levels, values, seed):
    images = np.random.default_rng(seed).integers(0, levels, shape)
    with scheme_of(values):
        made = medians.encode(images)
    assert (medians.decode(made, shape) == images).all()


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 300, 1, 1), (1, 1, 300, 2), (3, 70, 65, 3), (1, 130, 200, 1)])
def test_large_and_narrow_images_come_back_in_tiles(shape, values):
    images = np.random.default_rng(0).integers(0, 40, shape).cumsum(1) % 251
    with scheme_of(values):
        made = medians.encode(images)
    assert (medians.decode(made, shape) == images).all()


def test_the_groups_that_tiles_come_in_have_no_gaps():
    images = load_digits().images.astype(np.int64)[..., None]
    sizes = []
    for most, largest in ((50, 50), (50, 900), (len(images), 900)):
        with patch.multiple(medians, FIRST=3, MOST=most, LARGEST=largest):
            made = medians.encode(images)
            assert (medians.decode(made, images.shape) == images).all()
            sizes.append(made)
    assert len(set(sizes)) == 3


@pytest.mark.parametrize("values", [False, True])
def test_a_primer_makes_few_images_smaller_and_is_needed_to_read_them(values):
    images = load_digits().images.astype(np.int64)[..., None]
    primer, few = images[100:], images[:100]
    with scheme_of(values):
        made, alone = medians.encode(few, primer), medians.encode(few)
    assert len(made) < 0.95 * len(alone)
    assert (medians.decode(made, few.shape, primer) == few).all()
    assert (medians.decode(alone, few.shape, primer) == few).all()
    for other in (None, primer[:, :7], primer * 4):
        with pytest.raises(FileError, match="primer"):
            medians.decode(made, few.shape, other)


@pytest.mark.parametrize("smooth", [False, True])
def test_images_cost_less_than_by_a_generic_codec(smooth):
    images = load_digits().images.astype(np.int64)[..., None]
    if smooth:
        y, x = np.mgrid[:48, :64]
        waves = [np.sin(y / (7 + k)) + np.cos(x / (9 + k)) for k in range(30)]
        noise = np.random.default_rng(0).normal(size=(30, 48, 64, 3))
        images = (np.stack(waves)[..., None] * 50 + 110 + noise).astype(int)
    made = medians.encode(images)
    generic = len(lzma.compress(images.astype(np.uint8).tobytes(), lzma.FORMAT_ALONE, preset=9))
    assert made[1] == (not smooth)
    assert len(made) < (0.85 if smooth else 0.95) * generic


def test_one_photo_has_channels_and_a_stack_of_images_has_none():
    photo = np.zeros((50, 60, 3), np.uint8)
    assert medians.as_images(photo).shape == (1, 50, 60, 3)
    assert medians.as_images(photo[..., 0]).shape == (1, 50, 60, 1)
    assert medians.as_images(photo.reshape(3, 50, 60)).shape == (3, 50, 60, 1)
    assert medians.as_images(photo.reshape(2, 25, 60, 3)).shape == (2, 25, 60, 3)
    assert medians.as_images(photo.reshape(-1)) is None


def test_damage_is_an_error_or_other_pixels_of_the_same_shape():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 9, (20, 9, 8, 3)).cumsum(2).astype(np.uint8)
    payload, back = chunks.encode(Content(images), [], {}, 0.0, EFFORTS["default"])
    assert chunks.in_words(payload, images.dtype, images.size) == "pixels by the median of their neighbours"
    assert (back.values == images).all()
    for _ in range(200):
        spoiled = bytearray(payload)
        spoiled[rng.integers(2, len(payload))] = rng.integers(256)
        del spoiled[len(payload) - int(rng.integers(0, 9)) :]
        with suppress(FileError):
            assert chunks.decode(bytes(spoiled), images.dtype, images.shape, []).values.shape == images.shape
    for head in (b"\0\0\0\x09\x08", b"\x05\0\0\0\x08", b"\x09\0\0\x09\x08", b"\x05\0\0\x0a\x08", b"\x05\x04\0\x09\x08"):
        with pytest.raises(FileError):
            medians.decode(head, images.shape)
