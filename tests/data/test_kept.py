"""Which rows of a stream are kept: those with the lowest hashes, however the rows come in blocks."""

import numpy as np
import pytest

from narrows.data.kept import Kept, hashes, lowest
from narrows.data.readers import SlicedReader


def reader(rows):
    return SlicedReader(rows, rows.dtype, "rows")


@pytest.mark.parametrize(("n", "k"), [(1, 1), (10, 3), (1000, 999), (1000, 1000), (3_000_000, 50)])
def test_the_lowest_are_those_of_a_full_sort(n, k):
    assert np.array_equal(lowest(n, k), np.argsort(hashes(np.arange(n)))[:k])


def test_the_choice_is_spread_over_the_rows():
    quarters = np.bincount(lowest(100_000, 4_000) // 25_000, minlength=4)
    assert (abs(quarters - 1000) < 5 * np.sqrt(1000 * 0.75)).all()


@pytest.mark.parametrize("size", [1, 7, 100, 500])
def test_rows_are_kept_whatever_the_blocks(size, monkeypatch):
    monkeypatch.setattr("narrows.data.kept.ROWS", 20)
    rows = np.arange(500.0).reshape(250, 2)
    kept = Kept(reader(rows))
    for start in range(0, 250, size):
        kept.note(start, rows[start : start + size])
    assert np.array_equal(kept.numbers, lowest(250, 40))
    assert np.array_equal(kept.values, rows[kept.numbers])


def test_rows_that_are_known_need_no_pass():
    rows = np.arange(60.0).reshape(30, 2)
    known = rows[lowest(30, 12)]
    kept = Kept(reader(rows), known)
    assert np.array_equal(kept.values, rows[kept.numbers])


def test_no_more_bytes_than_allowed(monkeypatch):
    monkeypatch.setattr("narrows.data.kept.BYTES", 10 * 16)
    assert len(Kept(reader(np.zeros((1000, 2)))).numbers) == 10


def test_hashes_take_any_whole_numbers():
    assert len({hashes(np.arange(5, dtype=kind)).tobytes() for kind in ("int32", "int64", "uint64")}) == 1
