"""Clips of video: how they are cut, and what masks they take."""

import numpy as np
import pytest

from narrows.core.errors import InputError
from narrows.data import clips


def test_long_and_large_clips_are_cut_and_all_is_covered():
    video = np.arange(20 * 60 * 50).reshape(1, 20, 60, 50, 1)
    cut = clips.to_learn(video)
    assert cut.shape[1:] == (16, 48, 48, 1)
    assert len(np.unique(cut)) == video.size


def test_short_and_small_clips_are_learned_from_as_they_are():
    video = np.zeros((3, 8, 20, 20, 3))
    assert clips.to_learn(video) is video


@pytest.mark.parametrize("shape", [(6,), (2, 6), (6, 8, 9), (2, 6, 8, 9)])
def test_masks_may_be_of_frames_or_of_pixels(shape):
    video = np.zeros((2, 6, 8, 9, 3))
    mask = np.zeros(shape, bool)
    mask[..., 2] = True
    assert clips.masks_of(video, mask).shape == video.shape[:4]


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros(6), "hides nothing"),
        (np.ones(6), "hides everything"),
        (np.ones(5), r"has the shape \(5,\)"),
        (np.ones((6, 9, 8)), r"has the shape \(6, 9, 8\)"),
        (None, "hides nothing"),
    ],
)
def test_masks_that_make_no_sense_are_refused(mask, said):
    with pytest.raises(InputError, match=said):
        clips.masks_of(np.zeros((2, 6, 8, 9, 3)), mask)


def test_other_arrays_and_gaps_are_refused():
    with pytest.raises(InputError, match="fitted on video"):
        clips.all_of(np.zeros((6, 8, 9)))
    with pytest.raises(InputError, match="Inpainter fills"):
        clips.all_of(np.full((1, 6, 8, 9, 1), np.nan))
