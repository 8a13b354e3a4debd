"""Which rows of a stream stay in memory: those whose numbers have the lowest hashes.

    rank(row) = splitmix64(row)

The choice depends on nothing but how many rows there are, so that two runs over the same data set aside the same rows.

Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators.
"""

from __future__ import annotations

import numpy as np

from narrows.data.arrays import Array
from narrows.data.readers import Reader

ROWS = 20_000
"""How many rows are set aside to judge a model, and how many as a sample of the others, at most."""
BYTES = 1 << 27
"""How many bytes both take, at most."""
SPAN = 1 << 20
"""How many numbers are hashed at once."""


def hashes(numbers: Array) -> Array:
    """Hashes of whole numbers, uint64.

    >>> [hex(int(h)) for h in hashes(np.arange(2))]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def lowest(n: int, k: int) -> Array:
    """The k of the numbers 0 to n - 1 with the lowest hashes, lowest first.

    >>> lowest(1_000_000_000_000, 0).tolist(), sorted(lowest(5, 9).tolist())
    ([], [0, 1, 2, 3, 4])
    """
    if k == 0:
        return np.empty(0, np.int64)
    share = min(1.0, (k + 8 * k**0.5 + 32) / n)  # more than k fall below it, but for one run in 10^14
    limit = np.uint64(int(share * (2**64 - 2048)))
    found = []
    for first in range(0, n, SPAN):
        numbers = np.arange(first, min(n, first + SPAN))
        found.append(numbers if share == 1 else numbers[hashes(numbers) < limit])
    candidates = np.concatenate(found)
    return np.asarray(candidates[np.argsort(hashes(candidates))][:k])


class Kept:
    """The rows of a stream that stay in memory, lowest hash first.

    Args:
        reader: Where the rows lie; `note` is told of every block.
        known: Rows, those with the lowest hashes first, where enough of them are known already.
    """

    def __init__(self, reader: Reader, known: Array | None = None) -> None:
        most = max(2, min(2 * ROWS, BYTES // reader.row_bytes))
        if known is not None:
            most = min(most, len(known))
        self.numbers = lowest(len(reader), most)
        empty = np.empty((len(self.numbers), *reader.shape), reader.dtype)
        self.values = empty if known is None else known[:most]
        self._places = np.argsort(self.numbers)
        self._sorted = self.numbers[self._places]

    def note(self, start: int, block: Array) -> None:
        """Keep what is to be kept of rows number `start` and so on."""
        first, last = np.searchsorted(self._sorted, (start, start + len(block)))
        self.values[self._places[first:last]] = block[self._sorted[first:last] - start]
