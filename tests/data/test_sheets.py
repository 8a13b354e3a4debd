"""Contact sheets: every image stands where it belongs, whatever its type."""

import numpy as np
import pytest

from narrows.data.sheets import GAP, contact_sheet


@pytest.mark.parametrize("shape", [(60, 50), (60, 50, 3)])
def test_images_stand_in_rows(shape):
    images = np.random.RandomState(0).randint(0, 256, (5, *shape), dtype=np.uint8)
    sheet = contact_sheet(images, columns=2)
    assert sheet.shape == (3 * 62 - GAP, 2 * 52 - GAP, *shape[2:])
    assert np.array_equal(sheet[:60, 52:], images[1])
    assert np.array_equal(sheet[62:122, :50], images[2])
    assert (sheet[124:, 52:] == 255).all(), "nothing stands where images are lacking"


def test_small_images_are_enlarged_by_whole_numbers():
    images = np.arange(4, dtype=np.uint8).reshape(1, 2, 2)
    assert np.array_equal(contact_sheet(images), images[0].repeat(24, 0).repeat(24, 1))


def test_numbers_of_any_range_fill_the_scale():
    sheet = contact_sheet(np.array([[[-3.0, 0.0], [1.0, 3.0]]]))
    assert sheet.dtype == np.uint8
    assert sorted(np.unique(sheet)) == [0, 128, 170, 255]
    assert (contact_sheet(np.zeros((2, 4, 4))) >= 0).all(), "one value everywhere has no range"


def test_channels_may_come_first():
    images = np.random.RandomState(0).randint(0, 256, (1, 3, 48, 50), dtype=np.uint8)
    assert np.array_equal(contact_sheet(images), images[0].transpose(1, 2, 0))
