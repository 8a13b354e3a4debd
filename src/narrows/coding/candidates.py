"""Candidates for a chunk: what each method makes of its values, and what some promise before they make it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narrows.coding import borrowed, columns, medians, pictures, rows, smooth
from narrows.coding.causal import CausalImages
from narrows.coding.efforts import Effort
from narrows.coding.fields import Writer
from narrows.coding.learned import as_stack
from narrows.coding.mapping import cost, own_cost, ways
from narrows.coding.promises import Promise
from narrows.coding.rows import Known
from narrows.coding.values import Array, Map, Symbols
from narrows.core.errors import FileError

GENERIC, ROWS, SMOOTH, PICTURES, TABLES, BORROWED, LEARNED, MEDIANS, CAUSAL = range(9)
"""The methods, by the numbers that files keep."""
MOST_IN_A_ROW = 1 << 22
"""More values than this are left to the other methods, so that memory stays within bounds."""
LIKELY = 2
"""Differences, or values, that cost more than so many times the others are foretold by no column well enough."""
Mapped = Sequence[tuple[Map, Symbols]]


class Foreteller(Protocol):
    """What codes images by a model that whoever decodes will have too."""

    @property
    def model(self) -> CausalImages:
        """What decodes them."""

    def encode(self, images: pictures.Pixels) -> bytes | None:
        """Images (n, height, width, channels) as bytes; None where it knows no such images."""


@dataclass(frozen=True)
class Seen:
    """Values as the methods see them.

    Args:
        values: (n, ...).
        missing: Which of them are; None if none is.
        bound: How far they may come back from what they were.
        images: They as images of small whole numbers; None if they are none.
        mapped: They in a row as symbols, by the most promising ways first.
    """

    values: Array
    missing: NDArray[np.bool_] | None
    bound: float
    images: pictures.Pixels | None
    mapped: Mapped

    @classmethod
    def of(cls, values: Array, missing: NDArray[np.bool_] | None, bound: float, effort: Effort) -> "Seen | None":
        """Values, as far as an effort looks at them; None where it does not."""
        if not values.size or not (effort.modelled or bound > 0):
            return None
        images = _pixels(values) if effort.modelled and missing is None else None
        few = values.size <= MOST_IN_A_ROW and (images is None or effort.mixed or bound > 0)
        return cls(values, missing, bound, images, ways(values.reshape(-1), missing, bound) if few else [])

    def promises(self, candidates: dict[int, Known], primer: Array | None = None) -> list[Promise]:
        """Candidates of the quick methods: tables, interpolation, and medians of pixels.

        Args:
            candidates: Columns that may foretell this one, by number.
            primer: Rows of the same kind, which whoever decodes will have.
        """
        found = [_by_tables(self.mapped, candidates)] if self.mapped else []
        neighbours = sum(length > 1 for length in self.values.shape) > 1 and self.values.dtype.itemsize > 1
        if self.missing is None and (self.bound > 0 or neighbours):
            field = smooth.promise(self.values, self.bound)
            found += [] if field is None else [_numbered(SMOOTH, field)]
        if self.images is not None:
            first = None if primer is None else as_primer(primer)
            alike = first is not None and first.shape[1:] == self.images.shape[1:]
            found.append(_numbered(MEDIANS, medians.promise(self.images, first if alike else None)))
        return found

    def in_a_row(self, candidates: dict[int, Known], known: Sequence[Known | None], effort: Effort) -> list[bytes]:
        """Candidates by mixed contexts of values in a row.

        Args:
            candidates: Columns that may foretell this one, by number.
            known: All columns there are.
            effort: How many ways and columns are tried.
        """
        if self.bound > 0 and self.values.ndim > 1:  # a field within a bound takes far more
            return []
        found = []
        for how, symbols in self.mapped[: effort.ways]:
            contexts = rows.choose(symbols, candidates, effort.parents)
            found.append(_mapped(ROWS, how, rows.encode(symbols, contexts, known)))
        return found

    def in_pictures(self, primer: Array | None) -> list[bytes]:
        """A candidate by mixed contexts of pixels, with or without a primer."""
        stack = None if self.images is None else pictures.as_images(self.values)
        if self.images is None or stack is None:
            return []
        made = pictures.encode(self.images.reshape(stack.shape), None if primer is None else as_primer(primer))
        return [bytes([PICTURES, int(primer is not None)]) + made]

    def by_others(self, effort: Effort) -> list[bytes]:
        """Candidates by codecs of another library."""
        if not effort.borrowed or self.missing is not None:
            return []
        made = borrowed.bounded(self.values, self.bound)
        made += borrowed.planes(self.values) if effort.thorough else []
        return [bytes([BORROWED]) + one for one in made]


def by_model(values: Array, foreteller: Foreteller) -> list[bytes]:
    """A candidate by what was learned of other images, for images of small whole numbers."""
    stack = as_stack(values) if values.size else None
    images = None if stack is None else pictures.numbers(stack)
    made = None if images is None else foreteller.encode(images)
    return [] if made is None else [bytes([CAUSAL]) + made]


def _by_tables(mapped: Mapped, candidates: dict[int, Known]) -> Promise:
    """A candidate by tables, of values or of their differences, whichever promise less."""
    tried = {how.running: (how, symbols) for how, symbols in reversed(mapped)}
    alone = {running: cost(symbols) + own_cost(how) for running, (how, symbols) in tried.items()}
    near = [tried[running] for running, bits in alone.items() if bits <= LIKELY * min(alone.values())]
    found = [(how, columns.scheme(symbols, candidates)) for how, symbols in near]
    how, scheme = min(found, key=lambda one: one[1].cost + own_cost(one[0]))
    return Promise(scheme.cost + own_cost(how), lambda: _mapped(TABLES, how, columns.encode(scheme)))


def _mapped(method: int, how: Map, made: bytes) -> bytes:
    out = Writer()
    out.number(method)
    out.piece(how.to_bytes())
    return out.rest(made)


def _numbered(method: int, promise: Promise) -> Promise:
    return Promise(promise.bits, lambda: bytes([method]) + promise.make())


def as_primer(primer: Array) -> pictures.Pixels:
    """A primer as pixels."""
    images = pictures.as_images(primer)
    found = None if images is None else pictures.numbers(images)
    if found is None:
        raise FileError("it was made with a primer of other images")
    return found


def _pixels(values: Array) -> pictures.Pixels | None:
    """Values as images of small whole numbers; None if they are none."""
    images = medians.as_images(values)
    return None if images is None else pictures.numbers(images)
