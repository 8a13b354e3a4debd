"""Pictures of many sizes as pictures of one: the size all are brought to, and how each one is fitted into it.

Sizes are (height, width) everywhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import sqrt
from operator import index
from typing import Any, Literal, get_args

import numpy as np

from narrows.core.errors import ChoiceError, unknown
from narrows.data.arrays import Array

Size = tuple[int, int]
Fit = Literal["crop", "pad", "stretch"]
Mode = Literal["auto", "grey", "rgb", "rgba"]
CHANNELS = {"grey": 1, "rgb": 3, "rgba": 4}
"""How many channels a mode has."""
MULTIPLE = 8
"""What the sides of an automatic, reduced size are multiples of, so that strided networks divide them evenly."""


@dataclass(frozen=True)
class Frame:
    """The size that pictures are brought to, and how.

    Args:
        height, width: The size.
        fit: `"crop"` cuts the middle out to the frame's aspect, `"pad"` keeps the whole picture on black, `"stretch"`
            ignores the aspect.
    """

    height: int
    width: int
    fit: Fit = "crop"

    @property
    def size(self) -> Size:
        return self.height, self.width

    def scaled(self, height: int, width: int) -> Size:
        """The size that a whole picture is scaled to, before anything is cut off or padded.

        >>> [Frame(10, 10, fit).scaled(20, 40) for fit in ("crop", "pad", "stretch")]
        [(10, 20), (5, 10), (10, 10)]
        """
        ratios = self.height / height, self.width / width
        if self.fit == "stretch":
            return self.size
        scale = max(ratios) if self.fit == "crop" else min(ratios)
        return max(1, round(height * scale)), max(1, round(width * scale))

    def box(self, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of a picture that is kept, as (left, top, right, bottom).

        >>> Frame(10, 10).box(20, 40)
        (10.0, 0.0, 30.0, 20.0)
        """
        if self.fit != "crop":
            return 0.0, 0.0, float(width), float(height)
        scale = max(self.height / height, self.width / width)
        high, wide = min(height, self.height / scale), min(width, self.width / scale)
        left, top = (width - wide) / 2, (height - high) / 2
        return left, top, left + wide, top + high

    def centred(self, pixels: Array) -> Array:
        """A scaled picture, (height, width, ...), with its middle cut out or with black around it."""
        if pixels.shape[:2] == self.size:
            return pixels
        placed = np.zeros((*self.size, *pixels.shape[2:]), pixels.dtype)
        here, there = zip(*map(_overlap, self.size, pixels.shape[:2]), strict=True)
        placed[here] = pixels[there]
        return placed


def automatic(sizes: Collection[Size], keep: int, most: int) -> Size:
    """The size for pictures that were given none.

    Pictures of one size of at most `keep` pixels keep it. Otherwise it is the median height and the median width,
    reduced to at most about `most` pixels, in multiples of 8.

    Args:
        sizes: Those of the pictures.
        keep: How many pixels a picture may have to stay as it is.
        most: How many a reduced picture has at most.

    >>> automatic([(28, 28)], 4096, 1024), automatic([(480, 640), (640, 480), (480, 640)], 65536, 16384)
    ((28, 28), (112, 144))
    """
    height, width = (float(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    if len(set(sizes)) == 1 and height * width <= keep:
        return int(height), int(width)
    if height * width <= most:
        return max(1, int(height)), max(1, int(width))
    scale = sqrt(most / (height * width))
    return _rounded(height * scale), _rounded(width * scale)


def check_picture(size: Any, fit: Any, mode: Any) -> None:
    """Refuse options that no picture can be read with.

    Raises:
        ChoiceError: With what would work.
    """
    if fit not in get_args(Fit):
        raise unknown("fit", fit, get_args(Fit))
    if mode not in get_args(Mode):
        raise unknown("mode", mode, get_args(Mode))
    target(size)


def target(size: Any) -> Size | None:
    """The size that was asked for; None where it is `None`, `"original"` or `"each"`.

    >>> target(64), target((48, 64)), target("original")
    ((64, 64), (48, 64), None)
    """
    if size is None or (isinstance(size, str) and size in ("original", "each")):
        return None
    try:
        pair = size if isinstance(size, Sequence) and not isinstance(size, str) else (size, size)
        height, width = map(index, pair)
    except (TypeError, ValueError):
        height = width = 0
    if not (0 < height < 1 << 16 and 0 < width < 1 << 16) or isinstance(size, bool):
        raise ChoiceError(f"size is a number of pixels, (height, width), 'original' or 'each', got {size!r}")
    return height, width


def words(size: Size) -> str:
    """A size as a message has it.

    >>> words((48, 64))
    '48 x 64'
    """
    return f"{size[0]} x {size[1]}"


def _rounded(side: float) -> int:
    return max(MULTIPLE, int(side / MULTIPLE + 0.5) * MULTIPLE)


def _overlap(wanted: int, given: int) -> tuple[slice, slice]:
    """Where a side of one length lies in the middle of a side of another, in either."""
    length = min(wanted, given)
    here, there = (wanted - length) // 2, (given - length) // 2
    return slice(here, here + length), slice(there, there + length)
