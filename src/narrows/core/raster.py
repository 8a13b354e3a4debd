"""The order in which pixels are foretold: each after those above it and to its left.

Pixels of a slanted line, x + (reach + 1) y = t, see only pixels of lines before, so that all of them are done at once.
"""

from collections.abc import Iterator
from typing import Any

TURN = 128
"""A place along an axis is a whole number of so many parts of half the axis."""


def steps(reach: int) -> list[tuple[int, int]]:
    """What is seen around a pixel, as steps downwards and to the right.

    >>> steps(1)
    [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
    """
    return [(y, x) for y in range(-reach, 1) for x in range(-reach, reach + 1) if y < 0 or x < 0]


def slanted(height: int, width: int, reach: int = 1) -> Iterator[tuple[range, range]]:
    """The pixels of every slanted line, as their rows and columns.

    >>> [(list(y), list(x)) for y, x in slanted(2, 3)]
    [([0], [0]), ([0], [1]), ([0, 1], [2, 0]), ([1], [1]), ([1], [2])]
    """
    slant = reach + 1
    for t in range(width + slant * (height - 1)):
        y = range(max(0, -((width - 1 - t) // slant)), min(height - 1, t // slant) + 1)
        if y:
            yield y, range(t - slant * y.start, t - slant * y.stop, -slant)


def part(places: Any, length: int) -> Any:
    """Places along an axis, whole numbers or arrays of them, from its middle, in 128ths of half of it.

    >>> [part(place, 4) for place in range(4)]
    [-192, -64, 64, 192]
    """
    return (2 * TURN * (2 * places + 1 - length)) // length
