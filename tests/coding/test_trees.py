"""Trees of symbols: every symbol has a walk of its own, and frequent ones have short walks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.coding.bits import BitReader, BitWriter
from narrows.coding.fields import Reader, Writer
from narrows.coding.mixing import Mixer, hashed
from narrows.coding.trees import DEEPEST, Tree
from narrows.core.errors import FileError

COUNTS = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 10**12)), min_size=2, max_size=128)


def lengths(tree):
    return np.repeat(np.arange(1, tree.depth + 1), tree.leaves)


@given(COUNTS)
def test_walks_are_complete_and_tell_symbols_apart(counts):
    tree = Tree.fitted(np.array(counts, dtype=np.int64))
    assert tree.depth <= DEEPEST
    assert len(tree.walks) >= np.flatnonzero(counts).max(initial=0) + 1
    assert (np.diff(tree.walks) > 0).all()
    after = tree.walks + (1 << (tree.depth - lengths(tree)))
    assert (after == [*tree.walks[1:], 1 << tree.depth]).all()
    out = Writer()
    tree.write(out)
    assert Tree.read(Reader(out.rest(b""))) == tree


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=128))
def test_walks_take_less_than_a_bit_more_than_the_entropy(counts):
    falling = np.sort(counts)[::-1].astype(np.int64)
    share = falling / falling.sum()
    tree = Tree.fitted(falling)
    assert tree.depth == DEEPEST or (share * lengths(tree)).sum() < -(share * np.log2(share)).sum() + 1


@settings(max_examples=20, deadline=None)
@given(COUNTS, st.integers(0, 2**32 - 1))
def test_symbols_come_back_by_any_tree(counts, seed):
    tree = Tree.fitted(np.array(counts, dtype=np.int64))
    symbols = np.random.default_rng(seed).integers(0, len(tree.walks), 300)
    words = np.stack([hashed(k, np.arange(300) // (k + 1)) for k in range(3)])
    writer = BitWriter()
    Mixer([8, 6, 10], tree).code(writer, words, symbols)
    assert (Mixer([8, 6, 10], tree).code(BitReader(writer.done()), words, None) == symbols).all()


@pytest.mark.parametrize("leaves", [(), (0,), (1,), (3,), (1, 1), (1, 3), (0,) * 15 + (1,), (2, 0, 1)])
def test_leaves_that_are_no_tree_are_refused(leaves):
    out = Writer()
    Tree(leaves).write(out)
    with pytest.raises(FileError, match="no tree"):
        Tree.read(Reader(out.rest(b"")))
