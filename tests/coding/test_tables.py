"""Columns by tables: every symbol comes back, at about the bits that an adaptive code takes, and damage is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from narrows.coding import columns
from narrows.coding.rows import Known
from narrows.coding.runs import RunReader, RunWriter
from narrows.coding.tables import Nest, Tables, growing
from narrows.coding.tokens import Alphabet
from narrows.core.errors import FileError

SYMBOLS = hn.arrays(np.uint64, st.integers(0, 200), elements=st.integers(0, 2**64 - 1) | st.integers(0, 40))


@settings(max_examples=60, deadline=None)
@given(SYMBOLS, st.data())
def test_columns_come_back(symbols, data):
    count = len(symbols)
    parents = [
        Known.of(data.draw(hn.arrays(np.uint64, count, elements=st.integers(0, 9))))
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    made = columns.encode(columns.scheme(symbols, dict(enumerate(parents))))
    assert np.array_equal(columns.decode(made, count, parents), symbols)


@given(st.integers(0, 64), st.data())
def test_tokens_and_open_bits_are_numbers(width, data):
    alphabet = Alphabet.of(width)
    numbers = data.draw(hn.arrays(np.uint64, 20, elements=st.integers(0, 2**width - 1)))
    tokens = alphabet.tokens(numbers)
    low = numbers & ((np.uint64(1) << alphabet.open_bits(tokens).astype(np.uint64)) - np.uint64(1))
    assert tokens.max() < alphabet.size
    assert np.array_equal(alphabet.numbers(tokens, low), numbers)


def test_the_cost_is_that_of_the_distribution():
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    symbols = rng.choice(4, 20_000, p=shares).astype(np.int32)
    coder, tables = RunWriter(), Tables(4, Nest((), 1))
    for batch in growing(len(symbols)):
        tables.code(coder, np.zeros(len(symbols), np.int64)[batch], symbols[batch])
    entropy = 1.75 / 8 * len(symbols)
    assert 0.97 * entropy < len(coder.done()) < 1.02 * entropy


def test_what_another_column_says_is_used():
    rng = np.random.default_rng(0)
    parent = rng.integers(0, 8, 5000).astype(np.uint64)
    known = {0: Known.of(parent)}
    alone, given_it = (len(columns.encode(columns.scheme(parent * np.uint64(3), them))) for them in ({}, known))
    assert given_it < 0.1 * alone


@given(st.lists(hn.arrays(np.int64, 30, elements=st.integers(0, 5)), min_size=1, max_size=3))
def test_buckets_are_rows_of_equal_labels(labels):
    nest, buckets = Nest.of(labels)
    rows = np.stack(labels, 1)
    assert nest.buckets == len(np.unique(rows, axis=0))
    assert all((rows[buckets == b] == rows[buckets == b][0]).all() for b in range(nest.buckets))


def test_damage_is_refused():
    with pytest.raises(FileError, match="four bytes"):
        RunReader(b"123")
    made = columns.encode(columns.scheme(np.arange(50, dtype=np.uint64), {0: Known.of(np.arange(50, dtype=np.uint64))}))
    with pytest.raises(FileError):
        columns.decode(made[:3], 50, [])
