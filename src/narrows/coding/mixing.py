"""Symbols bit by bit, each foretold by the counts of several contexts whose log-odds are mixed by learned weights.

A symbol is a walk down a binary tree (see `trees`). Context k has counted n0 zeros and n1 ones at its node, and

    st_k = ln((n1 + 0.4) / (n0 + 0.4)),    P(one) = logistic(sum_k w_k(n0 + n1) st_k)

with a weight for each context and level of its counts. Counts grow as symbols become known, batch by batch, so no table
is stored; the weights are learned on the side that writes, and stored as bytes. All of it is integer arithmetic.

Source: the mixing of counts in the logistic domain is that of Mahoney's PAQ family (2005), here for whole batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from narrows.coding.bits import BitCoder, Bits
from narrows.coding.logistic import FURTHEST, MOST, logarithms, logistic
from narrows.coding.trees import Tree

LEVELS = 16
"""A weight for each: 8 levels of how much was counted, and the same where all of it was alike."""
STEP = 1 << 5
"""What one unit of a stored weight is worth: 1/32."""
FINE = 10
"""Weights inside are in units of 2^-10."""
LARGEST_TABLE = 22
"""The logarithm of the size that no table exceeds."""
LARGEST_BATCH = 1 << 14
GOLDEN = np.uint32(0x9E3779B1)

_BOUNDS = np.array([1, 2, 3, 5, 9, 21, 81])
Words = NDArray[np.uint32]


def hashed(seed: int, *parts: NDArray[np.uint64] | NDArray[np.int64]) -> Words:
    """One well mixed word for each combination of values.

    Args:
        seed: Another one for another context.
        parts: Arrays of one shape; their lowest 32 bits count.
    """
    shape = parts[0].shape if parts else (1,)
    found = np.full(shape, (seed * 0x85EBCA6B + 0x27D4EB2F) & 0xFFFFFFFF, dtype=np.uint32)
    for part in parts:
        found = (found ^ part.astype(np.uint32)) * np.uint32(0x85EBCA6B)
        found ^= found >> np.uint32(13)
        found *= np.uint32(0xC2B2AE35)
        found ^= found >> np.uint32(16)
    return found


@dataclass
class Memories:
    """What was seen at every decision, for the weights to be learned from."""

    most: int = 16_000
    seen: list[NDArray[np.int32]] = field(default_factory=list)
    bits: list[Bits] = field(default_factory=list)


class Mixer:
    """The counts of several contexts, and what they foretell together.

    Args:
        sizes: For each context the logarithm of the size of its table, see `table_size`.
        tree: How symbols are walks.
        weights: As they are stored (contexts, 16) int8, in units of 1/32; None for those that nobody learned.
        memories: Where to note what was seen.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        tree: Tree,
        weights: NDArray[np.int8] | None = None,
        memories: Memories | None = None,
    ) -> None:
        self.tree, self.memories = tree, memories
        used = default_weights(len(sizes)) if weights is None else weights
        self._weights = (used.astype(np.int32) * STEP).reshape(-1)
        self._shifts = np.array([[32 - size] for size in sizes], dtype=np.uint32)
        ends = np.cumsum([1 << size for size in sizes])
        self._starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)[:, None]
        self._rows = np.arange(len(sizes), dtype=np.int32)[:, None] * LEVELS
        self._counts = np.zeros(int(ends[-1]), dtype=np.int32)  # ones in the upper half, zeros in the lower

    def code(self, coder: BitCoder, contexts: Words, symbols: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Code symbols, and count them; as if in batches of at most 16,384.

        Args:
            coder: Writes or reads.
            contexts: A well mixed word for each context and symbol (contexts, n).
            symbols: The symbols (n,), known when writing.
        """
        count = contexts.shape[1]
        if count <= LARGEST_BATCH:
            return self._batch(coder, contexts, symbols)
        pieces = [slice(start, start + LARGEST_BATCH) for start in range(0, count, LARGEST_BATCH)]
        return np.concatenate(
            [self._batch(coder, contexts[:, at], None if symbols is None else symbols[at]) for at in pieces]
        )

    def _batch(self, coder: BitCoder, contexts: Words, symbols: NDArray[np.int64] | None) -> NDArray[np.int64]:
        count, deepest = contexts.shape[1], self.tree.depth
        kept = slice(None, None, max(1, int(count * self.tree.mean) // 2048))
        found, rows = np.empty(count, dtype=np.int64), np.arange(count)
        node, walks = np.ones(count, dtype=np.uint32), None if symbols is None else self.tree.walks[symbols]
        for depth, (first, leaves, symbol) in enumerate(self.tree.levels(), 1):
            bits = None if walks is None else ((walks >> deepest - depth) & 1).astype(np.int32)
            node = node << np.uint32(1) | self._turn(coder, contexts, node, bits, kept).view(np.uint32)
            if not leaves:
                continue
            place = node.astype(np.int64) - ((1 << depth) + first)
            done = place < leaves
            found[rows[done]] = place[done] + symbol
            if depth < deepest:
                rest = np.flatnonzero(~done)
                rows, node, contexts = rows[rest], node[rest], contexts[:, rest]
                walks = None if walks is None else walks[rest]
        return found

    def _turn(self, coder: BitCoder, contexts: Words, node: Words, bits: Bits | None, kept: slice) -> Bits:
        """Code where walks go from the nodes that they are at, and count it.

        Large arrays are made as seldom as goes: most of the time is that of memory.
        """
        words = contexts + node * GOLDEN
        words >>= self._shifts
        places = words.view(np.int32)  # no table is larger than 2^22, and there are at most 64
        places += self._starts
        seen = self._look(places)
        entries = seen & (LEVELS - 1)
        entries += self._rows
        said = self._weights.take(entries, mode="clip")
        said *= seen >> 4
        odds = (np.add.reduce(said, axis=0, dtype=np.int32) + (1 << (FINE - 1))) >> FINE
        ones = logistic()[np.clip(odds, -FURTHEST, FURTHEST) + FURTHEST]
        bits = coder.code(bits, ones)
        if self.memories is not None:
            self.memories.seen.append(seen[:, kept])
            self.memories.bits.append(bits[kept])
        more = np.tile(np.where(bits, np.int32(1 << 16), np.int32(1)), len(places))
        np.add.at(self._counts, places.reshape(-1).astype(np.int64), more)
        return bits

    def _look(self, places: NDArray[np.int32]) -> NDArray[np.int32]:
        """What was counted at some nodes, as log-odds times 16 plus level; counts that are too large are halved."""
        ones = self._counts.take(places, mode="clip")
        zeros = ones & 0xFFFF
        ones >>= 16
        if (zeros + ones).max(initial=0) > MOST:
            while (over := zeros + ones > MOST).any():
                zeros, ones = np.where(over, zeros >> 1, zeros), np.where(over, ones >> 1, ones)
            self._counts[places] = ones << 16 | zeros
        ones <<= 10
        ones |= zeros
        return _seen().take(ones, mode="clip")


@cache
def _seen() -> NDArray[np.int32]:
    """Log-odds times 16 plus level, for every pair of counts."""
    counts = np.arange(MOST + 1)
    zeros, ones = counts[None, :], counts[:, None]
    odds = logarithms()[:, None] - logarithms()[None, :]
    level = np.searchsorted(_BOUNDS, zeros + ones, side="right") + 8 * ((zeros == 0) | (ones == 0))
    return (odds * LEVELS + level).astype(np.int32).reshape(-1)


def table_size(contexts: Words, symbols: NDArray[np.int64], bits: int) -> int:
    """The logarithm of the size of a context's table: room for the nodes that will be visited, within bounds.

    Args:
        contexts: The context's word for each symbol (n,).
        symbols: The symbols (n,).
        bits: How many bits a symbol has.
    """
    leaves = len(np.unique(contexts.astype(np.uint64) << np.uint64(32) | symbols.astype(np.uint64)))
    nodes = min(leaves * bits, len(np.unique(contexts)) << bits) * 3
    return min(max(nodes - 1, 255).bit_length(), LARGEST_TABLE)


def default_weights(contexts: int) -> NDArray[np.int8]:
    """Weights that are right for nothing in particular: what was counted more often weighs more."""
    trust = np.array([0, 3, 4, 5, 6, 7, 8, 9, 0, 6, 8, 10, 12, 14, 16, 18])
    return np.tile(trust * 5 // (contexts + 1), (contexts, 1)).astype(np.int8)


def learned_weights(memories: Memories, contexts: int) -> NDArray[np.int8]:
    """The weights that foretell best what was seen, drawn towards those that nobody learned.

    A logistic regression by Newton's method: it is convex, and its result need not be the same everywhere, as it is
    stored.
    """
    seen = np.concatenate(memories.seen, axis=1)
    bits = np.concatenate(memories.bits).astype(np.float32)
    step = max(1, len(bits) // memories.most)
    seen, bits = seen[:, ::step], bits[::step]
    odds, levels = (seen >> 4) / 256.0, seen & (LEVELS - 1)
    design = np.zeros((len(bits), contexts * LEVELS), dtype=np.float32)
    rows = np.arange(len(bits))
    for k in range(contexts):
        design[rows, k * LEVELS + levels[k]] = odds[k]
    prior = default_weights(contexts).reshape(-1) / STEP
    pull = 4.0 / step

    def loss(weights: NDArray[np.float64]) -> float:
        said = np.clip((design @ weights.astype(np.float32)).astype(np.float64), -12, 12)
        return float(np.logaddexp(0, np.where(bits > 0, -said, said)).sum() + pull / 2 * ((weights - prior) ** 2).sum())

    weights, least = prior, loss(prior)
    for _ in range(8):
        said = np.clip(design @ weights.astype(np.float32), -12, 12)
        likely = 1 / (1 + np.exp(-said))
        slope = (design.T @ (likely - bits)).astype(np.float64) + pull * (weights - prior)
        bend = ((design * (likely * (1 - likely))[:, None]).T @ design).astype(np.float64)
        bend[np.diag_indices_from(bend)] += pull + 1e-6 * np.trace(bend) / len(bend)
        moved = np.linalg.solve(bend, slope)
        tried = min(((loss(weights - share * moved), share) for share in (1.0, 0.5, 0.1)), default=(least, 0.0))
        if not tried[0] < least - 1e-3:
            break
        weights, least = weights - tried[1] * moved, tried[0]
    return np.clip(np.rint(weights * STEP), -127, 127).reshape(contexts, LEVELS).astype(np.int8)
