"""Streams of rows: every row once, in an order that a seed decides, in a buffer of bounded size."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrows.data.shuffling import ahead, cut, shuffled

lengths = st.lists(st.integers(1, 40), max_size=12)


def numbered(sizes):
    """Blocks of these lengths, their rows numbered from 0 on."""
    ends = np.cumsum([0, *sizes])
    return [np.arange(a, b) for a, b in pairwise(ends)]


@given(lengths, st.integers(1, 60), st.integers(0, 3))
def test_shuffling_loses_and_doubles_nothing(sizes, rows, seed):
    rounds = list(shuffled(iter(numbered(sizes)), rows, np.random.default_rng(seed)))
    again = list(shuffled(iter(numbered(sizes)), rows, np.random.default_rng(seed)))
    found = np.concatenate(rounds) if rounds else np.empty(0)
    assert sorted(found) == list(range(sum(sizes)))
    assert all(np.array_equal(a, b) for a, b in zip(rounds, again, strict=True))


def test_rows_travel_beyond_their_block():
    found = np.concatenate(list(shuffled(iter(numbered([10] * 50)), 100, np.random.default_rng(0))))
    assert np.abs(found - np.arange(500)).max() > 100


@given(lengths, st.integers(1, 60))
def test_cutting_keeps_the_order_and_fills_all_batches_but_the_last(sizes, size):
    batches = list(cut(iter(numbered(sizes)), size))
    assert all(len(batch) == size for batch in batches[:-1])
    assert np.array_equal(np.concatenate([np.empty(0, int), *batches]), np.arange(sum(sizes)))


def test_a_block_that_is_a_batch_is_not_copied():
    (block,) = numbered([8])
    assert np.shares_memory(next(cut(iter([block]), 4)), block)


def test_items_are_made_in_another_thread_one_ahead():
    made = []

    def items():
        for i in range(4):
            made.append((i, threading.current_thread().name))
            yield i

    for i in ahead(items()):
        assert len(made) <= i + 2
    assert [i for i, _ in made] == [0, 1, 2, 3]
    assert all(name.startswith("narrows-reader") for _, name in made)


def test_what_goes_wrong_in_the_thread_arrives():
    def items():
        yield 1
        raise OSError("no more")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(OSError, match="no more"):
        next(found)
