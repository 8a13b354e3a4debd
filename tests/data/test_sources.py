"""Sources: every row once, in an order that a seed decides."""

import numpy as np
import pytest
import torch

from narrows.data.schema import ArraySchema
from narrows.data.sources import ArraySource, split
from narrows.data.statistics import Statistics


def source(X, rows=None):
    return ArraySource(X, ArraySchema.learn(X, Statistics.of(X), "real", "none"), rows)


def values(source, *args, **kwargs):
    return [view.x for view in source.batches(*args, **kwargs)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize("size", [1, 3, 20, 50])
def test_every_row_once(size):
    seen = torch.cat(values(source(X), size, seeded()))
    assert sorted(seen[:, 0].tolist()) == X[:, 0].tolist()


def test_in_order_without_a_generator():
    assert torch.equal(torch.cat(values(source(X), 7)), torch.from_numpy(X).float())


def test_start_skips_what_was_seen():
    whole = values(source(X), 3, seeded())
    rest = values(source(X), 3, seeded(), start=4)
    assert all(torch.equal(a, b) for a, b in zip(whole[4:], rest, strict=True))


@pytest.mark.parametrize("start", [0, 1, 5, 6, 13])
def test_batches_gathered_together_are_those_gathered_alone(start, monkeypatch):
    wide = np.arange(200 * 3.0).reshape(200, 3)
    wide[3, 1] = np.nan
    given = ArraySource(wide, ArraySchema.learn(wide, Statistics.of(wide), "real", "column"), gaps=True)
    monkeypatch.setattr("narrows.data.sources.AT_ONCE", 0)
    alone = list(given.batches(16, seeded(), start))
    monkeypatch.setattr("narrows.data.sources.AT_ONCE", 16 * 3 * 5)
    together = list(given.batches(16, seeded(), start))
    assert len(alone) == len(together) == 13 - start
    for a, b in zip(alone, together, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.scored, b.scored)


def test_only_the_rows_asked_for():
    rows = torch.tensor([1, 5, 7])
    assert torch.equal(torch.cat(values(source(X, rows), 2)), torch.from_numpy(X[[1, 5, 7]]).float())
    assert len(source(X, rows)) == 3


@pytest.mark.parametrize("dtype", ["uint16", "uint32", ">f8", "float32", "uint8", "bool"])
def test_types_that_torch_cannot_gather(dtype):
    found = torch.cat(values(source(X.astype(dtype)), 6))
    assert torch.equal(found, torch.from_numpy(X.astype(dtype).astype(np.float32)))


def test_memory_maps_are_read_by_the_batch(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = source(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert mapped.resident is None
    assert torch.equal(torch.cat(values(mapped, 6)), torch.from_numpy(X).float())


def test_arrays_in_memory_are_not_copied():
    mine = X.copy()
    assert source(mine).resident.data_ptr() == mine.ctypes.data


def test_gaps_are_masked_and_read_zero():
    holed = np.where(np.arange(2) == 1, np.nan, X)
    found = Statistics.of(holed)
    assert found.gaps
    view = ArraySource(holed, ArraySchema.learn(holed, found, "real", "none"), gaps=True).take(torch.tensor([3, 4]))
    assert view.x.tolist() == [[6, 0], [8, 0]]
    for mask in (view.present, view.visible, view.scored):
        assert mask.tolist() == [[True, False]] * 2


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5])
def test_split_parts_the_rows(fraction):
    train, held_out = split(100, fraction, seeded())
    assert sorted(torch.cat([train, held_out]).tolist()) == list(range(100))
    assert len(held_out) == 100 * fraction
