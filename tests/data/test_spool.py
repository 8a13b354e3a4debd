"""Rows that come only once: written to a temporary file that goes when nobody reads it any more."""

import gc

import numpy as np
import pytest

from narrows.core.errors import FileError, InputError
from narrows.data.spool import RawFile, spooled


def test_blocks_become_rows_that_can_be_read_again():
    rows = np.arange(60.0).reshape(20, 3)
    found = spooled(iter([rows[:7], rows[7:8], rows[8:]]))
    for _ in range(2):
        assert np.array_equal(np.concatenate([block for _, block in found.blocks()]), rows)


def test_the_file_goes_with_the_reader():
    found = spooled([np.zeros((3, 2))])
    path = found.rows.path
    assert path.exists()
    del found
    gc.collect()
    assert not path.exists()


def test_the_digest_is_of_the_rows_not_of_the_blocks():
    rows = np.arange(12.0).reshape(6, 2)
    assert spooled([rows]).digest() == spooled([rows[:1], rows[1:]]).digest()
    assert spooled([rows]).digest() != spooled([rows[::-1]]).digest()


@pytest.mark.parametrize(
    ("blocks", "sentence"),
    [
        ([], "gave no rows"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], r"block 1 has \(4,\), and the first \(3,\)"),
        ([np.zeros((2, 3), "float32"), np.zeros((2, 3))], "block 1 has float64, and the first float32"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(blocks, sentence):
    with pytest.raises(InputError, match=sentence):
        spooled(iter(blocks))


def test_a_block_of_a_narrower_type_is_widened():
    found = spooled([np.zeros((1, 2)), np.ones((1, 2), "float32")])
    assert found.dtype == np.float64
    assert len(found) == 2


def test_a_raw_file_that_is_cut_short_is_named(tmp_path):
    np.arange(10.0).tofile(tmp_path / "rows")
    raw = RawFile(tmp_path / "rows", np.dtype("float64"), (6, 2))
    assert np.array_equal(raw[1:3], [[2, 3], [4, 5]])
    assert raw[2:2].shape == (0, 2)
    with pytest.raises(FileError, match=r"rows is cut short: it has no row 5"):
        raw[4:6]
