"""Codes of images by stored tables."""

from contextlib import suppress

import numpy as np
import pytest

from narrows.coding.fields import Reader
from narrows.coding.latents import FEW, LatentTables
from narrows.core.errors import FileError


def codes(rng, n, rows=5, columns=7, channels=6):
    """Smooth codes in the first channels, sparse ones in the last."""
    scale = np.array([12.0, 5.0, 3.0, 1.0, 0.5, 0.0])[:channels]
    common = rng.gamma(1.0, 1.0, (n, rows, columns, 1))
    found = rng.normal(size=(n, rows, columns, channels)) * scale * common
    found[..., 0] = np.cumsum(found[..., 0], 2) / 2
    return np.rint(found).astype(np.int64)


@pytest.fixture(scope="module")
def tables():
    return LatentTables.learned(codes(np.random.default_rng(0), 400))


@pytest.mark.parametrize("shape", [(0, 3, 3), (1, 1, 1), (1, 1, 9), (2, 8, 1), (3, 5, 7), (60, 4, 6)])
def test_codes_come_back(tables, shape):
    asked = codes(np.random.default_rng(1), *shape)
    data, found = tables.encode(asked)
    assert np.array_equal(tables.decode(data, asked.shape), found)
    assert np.array_equal(found, asked)


def test_many_symbols_make_the_same_stream_as_few(tables, monkeypatch):
    asked = codes(np.random.default_rng(2), 300)
    assert asked[:, 0, :, 2:4].size > FEW // 4
    data, _ = tables.encode(asked)
    monkeypatch.setattr("narrows.coding.latents.FEW", 1 << 30)
    assert tables.encode(asked)[0] == data
    monkeypatch.setattr("narrows.coding.latents.FEW", 0)
    assert tables.encode(asked)[0] == data
    assert np.array_equal(tables.decode(data, asked.shape), asked)


def test_bits_are_those_of_the_stream_and_below_those_of_each_channel_by_itself(tables):
    asked = codes(np.random.default_rng(3), 300)
    size = 8 * len(tables.encode(asked)[0])
    assert abs(tables.bits(asked) - size) < 0.002 * size
    alone = 0.0
    for channel in np.moveaxis(asked, -1, 0):
        _, counts = np.unique(channel, return_counts=True)
        alone -= (counts * np.log2(counts / counts.sum())).sum()
    assert size < 0.95 * alone


def test_what_is_out_of_range_becomes_the_nearest_that_is_not(tables):
    asked = codes(np.random.default_rng(4), 3)
    asked[1, 2, 3] = [10_000, -10_000, 500, -500, 77, 5]
    data, found = tables.encode(asked)
    assert np.array_equal(tables.decode(data, asked.shape), found)
    assert np.array_equal(found[0], asked[0])
    assert (found >= tables.least).all()
    assert (found <= tables.most).all()


def test_tables_come_back_from_bytes(tables):
    again = LatentTables.read(Reader(tables.to_bytes()))
    for name in ("least", "most", "low", "high", "weights", "sizes", "bounds", "tables"):
        assert np.array_equal(getattr(again, name), getattr(tables, name)), name


def test_damaged_tables_and_streams_are_refused_or_read_within_bounds(tables):
    plain, rng = tables.to_bytes(), np.random.default_rng(5)
    asked = codes(rng, 4)
    data, _ = tables.encode(asked)
    for _ in range(30):
        place = int(rng.integers(len(plain)))
        damaged = plain[:place] + bytes([plain[place] ^ 1 << int(rng.integers(8))]) + plain[place + 1 :]
        with suppress(FileError):
            LatentTables.read(Reader(damaged))
        place = int(rng.integers(len(data)))
        damaged = data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :]
        try:
            found = tables.decode(damaged, asked.shape)
        except FileError:
            continue
        assert (found >= tables.least).all()
        assert (found <= tables.most).all()
