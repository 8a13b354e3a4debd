"""Pictures to learn from: patches of files of any sizes, of few pictures, and of streams."""

import numpy as np
import pytest
from PIL import Image

from narrows import open_data
from narrows.core.errors import ChoiceError
from narrows.data.pictures import ENOUGH, WAYS, to_learn
from narrows.data.readers import SlicedReader
from narrows.data.streams import StreamSamples


def test_a_folder_of_any_sizes_is_read_one_image_at_a_time(tmp_path):
    draw = np.random.default_rng(0)
    shapes = [(40, 30), (90, 120), (64, 64)]
    (tmp_path / "kind").mkdir()
    whole = [draw.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    for number, picture in enumerate(whole):
        Image.fromarray(picture).save(tmp_path / "kind" / f"{number}.png")
    found = open_data(tmp_path, size="each")
    assert [picture.shape for picture in found] == shapes
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(found, whole, strict=True))
    assert np.array_equal(to_learn(found), to_learn(whole))
    with pytest.raises(ChoiceError, match="one size"):
        open_data(tmp_path, size="each", labels=True)


def test_patches_of_one_picture_overlap_where_they_would_be_few():
    picture = np.arange(200 * 150, dtype=np.uint16).reshape(1, 200, 150)
    found = to_learn(picture)
    assert found.shape[1:] == (64, 64)
    assert len(found) >= ENOUGH
    assert len({patch.tobytes() for patch in found}) == len(found), "no patch comes twice"
    assert len(found) % WAYS == 0, "all ways that each can be turned and mirrored"
    assert np.array_equal(np.unique(found), np.unique(picture)), "and every pixel is in one"


def test_many_small_pictures_stay_whole_and_what_is_all_missing_is_left_out():
    small = np.zeros((12, 20, 24))
    assert to_learn(small).shape == small.shape
    holes = np.zeros((1, 256, 256), np.float32)
    holes[:, :128] = np.nan
    assert not np.isnan(to_learn(holes)).all((1, 2)).any()


def test_large_pictures_of_a_stream_are_cut_as_those_in_memory():
    rows = np.random.default_rng(0).random((3, 100, 130), dtype=np.float32)
    stream = StreamSamples(SlicedReader(rows, rows.dtype, identity="rows"))
    assert np.array_equal(to_learn(stream), to_learn(rows))
    narrow = StreamSamples(SlicedReader(rows[:, :32, :32], rows.dtype, identity="narrow"))
    assert to_learn(narrow) is narrow
