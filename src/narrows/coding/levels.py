"""The points of a field level by level: from a coarse grid to finer ones, in classes that know those before them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrows.coding.taps import Whole


@dataclass(frozen=True)
class Class:
    """The points of a level that have the same coordinates odd.

    Args:
        odd: Axes whose coordinates are odd, in steps of the level.
        places: The coordinates of the points along every axis.
        spacing: The distance between the points of a level.
    """

    odd: tuple[int, ...]
    places: tuple[Whole, ...]
    spacing: int

    @property
    def shape(self) -> tuple[int, ...]:
        """How many points there are along every axis."""
        return tuple(len(place) for place in self.places)

    @property
    def cut(self) -> tuple[slice, ...]:
        """The points as a part of the field."""
        return tuple(
            slice(int(place[0]), int(place[-1]) + 1, int((place[1:2] - place[:1]).max(initial=1)))
            for place in self.places
        )

    def around(self, field: NDArray[Any], axes: Sequence[int]) -> list[NDArray[Any]]:
        """What lies around every point: nearest along the odd axes, further along them, then diagonally."""
        h = self.spacing
        near = [self._moved(field, {a: d}) for a in self.odd for d in (-h, h)]
        far = [self._moved(field, {a: d}) for a in self.odd for d in (-3 * h, 3 * h)]
        diagonal = []
        for a, b in combinations(axes, 2):
            first, other = (a, b) if a in self.odd else (b, a)
            if first in self.odd:
                step = h if other in self.odd else 2 * h
                diagonal += [self._moved(field, {first: d, other: e}) for d in (-h, h) for e in (-step, step)]
        return near + far + diagonal

    def _moved(self, field: NDArray[Any], offsets: dict[int, int]) -> NDArray[Any]:
        """The field at points some way off, or the nearest known ones where the field ends."""
        cut, asked = list(self.cut), {}
        for axis, offset in offsets.items():
            step = 2 * self.spacing
            moved = self.places[axis] + offset
            start = int(moved[0]) % step
            cut[axis] = slice(start, None, step)
            asked[axis] = np.clip((moved - start) // step, 0, max(0, (field.shape[axis] - 1 - start) // step))
        found = field[tuple(cut)]
        for axis, places in asked.items():
            found = found.take(places, axis)
        return found


def classes(shape: Sequence[int], axes: Sequence[int]) -> Iterator[Class]:
    """All classes but the first points, the coarsest first.

    Args:
        shape: Of the field.
        axes: Those along which points are interpolated; along the others every point is known by itself.
    """
    levels = max((shape[axis] - 1).bit_length() for axis in axes) if axes else 0
    for level in range(levels - 1, -1, -1):
        h = 1 << level
        for count in range(1, len(axes) + 1):
            for odd in combinations(axes, count):
                places = [np.arange(length, dtype=np.int64) for length in shape]
                for axis in axes:
                    places[axis] = np.arange(h if axis in odd else 0, shape[axis], 2 * h, dtype=np.int64)
                if all(len(place) for place in places):
                    yield Class(odd, tuple(places), h)
