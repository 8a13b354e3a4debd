"""Symbols as walks down a binary tree: short ones for symbols that are frequent, so that little is decided for each.

The leaves are the symbols in their order, and no leaf is higher than one before it. Such a tree is known by how many
leaves there are at each depth. At depth d the nodes from the left are its leaves, then those that go on:

    first(d) = 2 (first(d-1) + leaves(d-1)),    first(0) = leaves(0) = 0

is the first node of depth d, counted from the left of the whole tree. In it the walk to a symbol is a number of d bits.

Source: canonical codes of Huffman's (1952) trees, as in Schwartz and Kallick (1964).
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from narrows.coding.fields import Reader, Writer
from narrows.core.errors import FileError

DEEPEST = 16
Symbols = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """A tree by its leaves.

    Args:
        leaves: How many there are at depth 1, 2, ...
    """

    leaves: tuple[int, ...]

    @classmethod
    def flat(cls, depth: int) -> "Tree":
        """The tree with all leaves at one depth."""
        return cls((*(0 for _ in range(depth - 1)), 1 << depth))

    @classmethod
    def fitted(cls, counts: NDArray[np.int64]) -> "Tree":
        """The tree in which the walks of symbols are shortest in sum, but for the order of the leaves.

        Args:
            counts: How often each symbol occurs; those after the last that does get no leaf.

        >>> Tree.fitted(np.array([9, 4, 2, 1, 0])).leaves
        (1, 1, 2)
        """
        there = counts[: max(2, int(np.flatnonzero(counts).max(initial=0)) + 1)]
        falling = np.maximum.accumulate(there[::-1])[::-1]
        least = 1
        while True:
            depths = _depths(np.maximum(falling, least).tolist())
            if max(depths) <= DEEPEST:
                return cls(tuple(np.bincount(depths)[1:].tolist()))
            least *= 2

    def write(self, out: Writer) -> None:
        """Write it so that `read` reads it."""
        out.number(len(self.leaves))
        for many in self.leaves:
            out.number(many)

    @classmethod
    def read(cls, fields: Reader) -> "Tree":
        """A tree as `write` wrote it.

        Raises:
            FileError: What was written is no tree.
        """
        found = cls(tuple(fields.number(1 << DEEPEST) for _ in range(fields.number(DEEPEST))))
        depth = len(found.leaves)
        if not depth or sum(many << depth - place for place, many in enumerate(found.leaves, 1)) != 1 << depth:
            raise FileError("the symbols of a stream are no tree")
        return found

    @property
    def depth(self) -> int:
        """That of the lowest leaves."""
        return len(self.leaves)

    @property
    def mean(self) -> float:
        """How long walks are on average where all turns are alike."""
        return sum(depth * many / (1 << depth) for depth, many in enumerate(self.leaves, 1))

    def levels(self) -> Iterator[tuple[int, int, int]]:
        """For each depth the first node, how many leaves there are, and the symbol of the first."""
        first = symbol = 0
        for many in self.leaves:
            first *= 2
            yield first, many, symbol
            first, symbol = first + many, symbol + many

    @cached_property
    def walks(self) -> Symbols:
        """The walk to every symbol, its first turn as the highest of `depth` bits."""
        found = [
            (first + np.arange(many, dtype=np.int64)) << self.depth - depth
            for depth, (first, many, _) in enumerate(self.levels(), 1)
        ]
        return np.concatenate(found)


def _depths(counts: list[int]) -> list[int]:
    """The depths of Huffman's tree for counts that fall; no symbol gets a higher leaf than one before it."""
    heap: list[tuple[int, int, list[int]]] = [(count, -place, [0]) for place, count in enumerate(counts)]
    heapq.heapify(heap)
    while len(heap) > 1:
        few, _, low = heapq.heappop(heap)
        many, place, high = heapq.heappop(heap)
        heapq.heappush(heap, (few + many, place, [depth + 1 for depth in (*low, *high)]))
    return sorted(heap[0][2])
