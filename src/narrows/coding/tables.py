"""Symbols by tables of counts, one for each bucket that what is known puts a symbol in: fast, since a table is enough.

Buckets nest. A row of a bucket with counts n_s, inside a wider bucket whose row gives the shares q_s, is

    row_s = 2^12 n_s + floor(2^14 q_s) + 1,

so that a wider bucket counts as four symbols; the widest of all begins with equal shares. Counts grow batch by batch
as symbols become known, so no table is stored, and all of it is integer arithmetic.

Source: back-off from narrow to wide contexts is that of Katz (1987) and of prediction by partial matching (Cleary and
Witten 1984), here for whole batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from narrows.coding.runs import RunCoder, Symbols
from narrows.coding.values import distinct

COUNT = 12
"""A symbol that was counted weighs 2^12."""
WIDER = 14
"""A wider bucket weighs 2^14, as four symbols do."""

Buckets = NDArray[np.int64]


@dataclass(frozen=True)
class Nest:
    """Buckets inside of wider ones.

    Args:
        wider: From the narrowest on: for each bucket the number of the one around it, in order. The last lie in the
            one of all.
        buckets: How many there are of the narrowest.
    """

    wider: tuple[Buckets, ...]
    buckets: int

    @classmethod
    def of(cls, labels: Sequence[Buckets]) -> tuple[Nest, Buckets]:
        """A nest by what is known of every symbol, and the bucket of each.

        Args:
            labels: Labels (n,) from 0 on, the widest first; each narrows down those before it.
        """
        narrow = np.zeros(len(labels[0]), dtype=np.int64) if labels else np.zeros(0, dtype=np.int64)
        wider: list[Buckets] = []
        for label in labels:
            several = int(label.max(initial=0)) + 1
            ids, narrow = distinct(narrow * several + label)
            wider.insert(0, ids // several)
        return cls(tuple(wider), len(wider[0]) if wider else 1), narrow

    @classmethod
    def by_number(cls, *counts: int) -> Nest:
        """Buckets that are numbered: each of the first count, the widest, holds as many as the next count says."""
        total, wider = 1, list[Buckets]()
        for count in counts:
            total *= count
            wider.insert(0, np.arange(total, dtype=np.int64) // count)
        return cls(tuple(wider), total)


class Tables:
    """Counts of the symbols of every bucket.

    Args:
        size: How many symbols there are, at least two.
        nest: The buckets.
        wider: The logarithm of what a wider bucket weighs.
    """

    def __init__(self, size: int, nest: Nest, wider: int = WIDER) -> None:
        self.size, self._nest, self._wider = size, nest, wider
        several = [nest.buckets, *(int(wider.max(initial=0)) + 1 for wider in nest.wider)]
        self._counts = [np.zeros((count, size), dtype=np.int32) for count in several]

    def code(self, coder: RunCoder | None, buckets: Buckets, symbols: Symbols | None) -> Symbols:
        """Code a batch, bucket by bucket, and count it.

        Args:
            coder: Writes or reads; None where both sides know the symbols, which are counted alone.
            buckets: The bucket of each symbol (n,).
            symbols: The symbols (n,), known when writing.
        """
        if not len(buckets):
            return np.zeros(0, dtype=np.int32)
        if coder is None:
            assert symbols is not None
            self._count(buckets, symbols)
            return symbols
        small = buckets.astype(np.uint16) if self._nest.buckets <= 1 << 16 else buckets
        order = np.argsort(small, kind="stable")
        sorted_buckets = buckets[order]
        starts = _starts(sorted_buckets)
        ends = [*starts[1:].tolist(), len(buckets)]
        found = coder.runs(self._rows(sorted_buckets[starts]), ends, None if symbols is None else symbols[order])
        self._count(sorted_buckets, found)
        if symbols is not None:
            return symbols
        back = np.empty_like(found)
        back[order] = found
        return back

    def _count(self, buckets: Buckets, symbols: Symbols) -> None:
        """Count symbols (n,) in their buckets (n,), and in those around."""
        one = np.ones(len(symbols), np.int32)
        for level, counts in enumerate(self._counts):
            buckets = self._nest.wider[level - 1][buckets] if level else buckets
            np.add.at(counts.reshape(-1), buckets * self.size + symbols, one)

    def _rows(self, buckets: Buckets, level: int = 0) -> NDArray[np.float64]:
        """The weights of some buckets of a level, which come in order (n, size)."""
        if level == len(self._nest.wider):
            shares, inside = np.full((1, self.size), (1 << self._wider) // self.size), np.zeros_like(buckets)
        else:
            around = self._nest.wider[level][buckets]
            starts = _starts(around)
            whole = self._rows(around[starts], level + 1).astype(np.int64)
            shares = (whole << self._wider) // whole.sum(axis=1, keepdims=True)
            inside = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(around)))
        rows = np.take(self._counts[level], buckets, axis=0).astype(np.float64) * (1 << COUNT)
        rows += np.take(shares + 1.0, inside, axis=0)
        return rows


def _starts(labels: Buckets) -> Buckets:
    """Where every run of equal labels begins."""
    return np.concatenate([[0], np.flatnonzero(labels[1:] != labels[:-1]) + 1])


def growing(count: int, first: int = 64, share: int = 4) -> Iterator[slice]:
    """Batches that grow with what was counted before them: the first, then a share of all that went before."""
    start, size = 0, first
    while start < count:
        end = min(count, start + size)
        yield slice(start, end)
        start, size = end, max(first, end // share)
