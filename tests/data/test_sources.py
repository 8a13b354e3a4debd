"""Sources: every row once, in an order that a seed decides."""

import numpy as np
import pytest
import torch

from narrows.data.schema import ArraySchema, Statistics
from narrows.data.sources import ArraySource, split


def source(X, rows=None):
    return ArraySource(X, ArraySchema.learn(X, Statistics.of(X), "real", "none"), rows)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


X = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize("size", [1, 3, 20, 50])
def test_every_row_once(size):
    seen = torch.cat(list(source(X).batches(size, seeded())))
    assert sorted(seen[:, 0].tolist()) == X[:, 0].tolist()


def test_in_order_without_a_generator():
    assert torch.equal(torch.cat(list(source(X).batches(7))), torch.from_numpy(X).float())


def test_start_skips_what_was_seen():
    whole = list(source(X).batches(3, seeded()))
    rest = list(source(X).batches(3, seeded(), start=4))
    assert all(torch.equal(a, b) for a, b in zip(whole[4:], rest, strict=True))


def test_only_the_rows_asked_for():
    rows = torch.tensor([1, 5, 7])
    assert torch.equal(torch.cat(list(source(X, rows).batches(2))), torch.from_numpy(X[[1, 5, 7]]).float())
    assert len(source(X, rows)) == 3


@pytest.mark.parametrize("dtype", ["uint16", "uint32", ">f8", "float32", "uint8", "bool"])
def test_types_that_torch_cannot_gather(dtype):
    found = torch.cat(list(source(X.astype(dtype)).batches(6)))
    assert torch.equal(found, torch.from_numpy(X.astype(dtype).astype(np.float32)))


def test_memory_maps_are_read_by_the_batch(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = source(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert mapped.resident is None
    assert torch.equal(torch.cat(list(mapped.batches(6))), torch.from_numpy(X).float())


def test_arrays_in_memory_are_not_copied():
    mine = X.copy()
    assert source(mine).resident.data_ptr() == mine.ctypes.data


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5])
def test_split_parts_the_rows(fraction):
    train, held_out = split(100, fraction, seeded())
    assert sorted(torch.cat([train, held_out]).tolist()) == list(range(100))
    assert len(held_out) == 100 * fraction
