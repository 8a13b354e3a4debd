"""How commands show things: aligned columns on standard output, and progress on a terminal."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T", bound=Sized)


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A line of a table: the first cell to the left, the others to the right.

    >>> aligned(["deep", "0.012"], [8, 7])
    'deep        0.012'
    """
    first, *rest = cells
    return "  ".join(
        [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
    )


def show_pairs(pairs: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        print(f"{name.ljust(width)}  {value}")


def progress(blocks: Iterable[T], rows: int) -> Iterator[T]:
    """The same blocks, with a bar of the rows where standard error is a terminal."""
    with tqdm(total=rows, unit="row", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        for block in blocks:
            yield block
            bar.update(len(block))
