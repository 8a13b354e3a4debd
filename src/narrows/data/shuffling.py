"""Streams of rows: read ahead, shuffled through a buffer of bounded size, cut into batches.

    blocks --ahead--> blocks --shuffled--> rounds --cut--> batches

Nothing here depends on how fast a thread runs: the same blocks and seed give the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np

from narrows.data.arrays import Array

T = TypeVar("T")


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in a background thread while the one before it is used.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, "narrows-reader") as reader:
        waiting = reader.submit(lambda: list(islice(items, 1)))
        while found := waiting.result():
            waiting = reader.submit(lambda: list(islice(items, 1)))
            yield found.pop()


def shuffled(blocks: Iterator[Array], rows: int, rng: np.random.Generator) -> Iterator[Array]:
    """The rows of blocks, shuffled: a pool fills, hands over a random half, and fills again in the same places.

    So a row may travel far beyond its block, while no more than `rows`, those handed over and one block are held.

    Args:
        blocks: Rows, (n, ...) each.
        rows: How many the pool holds.
        rng: What draws the order.
    """
    pool, free = None, np.arange(rows)
    for block in blocks:
        if pool is None:
            pool = np.empty((rows, *block.shape[1:]), block.dtype)
        while len(block):
            taken, free = free[: len(block)], free[len(block) :]
            pool[taken], block = block[: len(taken)], block[len(taken) :]
            if not len(free):
                free = rng.permutation(rows)[: max(1, rows // 2)]
                yield pool.take(free, 0)
    if pool is not None:
        left = np.setdiff1d(np.arange(rows), free)
        yield pool.take(rng.permutation(left), 0)


def cut(blocks: Iterator[Array], size: int) -> Iterator[Array]:
    """The same rows in order, `size` at a time.

    >>> [len(batch) for batch in cut(iter([np.zeros(3), np.zeros(5)]), 4)]
    [4, 4]
    """
    waiting: list[Array] = []
    missing = size
    for block in blocks:
        first = 0
        while len(block) - first >= missing:
            part = block[first : first + missing]
            first += missing
            yield np.concatenate([*waiting, part]) if waiting else part
            waiting, missing = [], size
        if first < len(block):
            waiting.append(block[first:])
            missing -= len(block) - first
    if waiting:
        yield np.concatenate(waiting)
