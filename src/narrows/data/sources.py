"""Sources of batches. Rows that can be had in any order are gathered; a stream, in `streams`, is read as it lies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.schema import Viewer

GATHERED = {np.dtype(t) for t in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")}
"""Types that torch can gather where they lie."""

BLOCK = 1 << 22
"""How many bytes are hashed at once."""
AT_ONCE = 1 << 16
"""How many values are gathered at once for several batches of narrow rows."""
ALIGNED = 16
"""Batches of a multiple of so many rows begin, within what is gathered at once, where a tensor of their own would."""


class Source(ABC):
    """Samples as batches that a model takes.

    Args:
        spec: What one sample is.
        device: Where batches go.
    """

    def __init__(self, spec: SampleSpec, device: torch.device | None = None) -> None:
        self.spec = spec
        self.device = device or torch.device("cpu")

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def digest(self) -> str:
        """What tells these samples from others: a hash of their type, shape, values and rows."""

    @abstractmethod
    def batches(self, size: int, rng: Generator | None = None, start: int = 0) -> Iterator[View]:
        """All samples once, `size` at a time: shuffled by `rng`, or in order; from batch number `start` on."""

    @abstractmethod
    def some(self, most: int, rng: Generator) -> Source:
        """At most so many of the samples, drawn at random, that can be gone over many times."""


class GatheredSource(Source):
    """Samples that can be had in any order, so that a batch is one gather.

    Args:
        spec: What one sample is.
        count: How many there are where they lie.
        rows: Which of them are meant; None for all.
        device: Where batches go.
    """

    def __init__(
        self, spec: SampleSpec, count: int, rows: Tensor | None = None, device: torch.device | None = None
    ) -> None:
        super().__init__(spec, device)
        self.count = count
        self.rows = rows

    def __len__(self) -> int:
        return self.count if self.rows is None else len(self.rows)

    @abstractmethod
    def gather(self, rows: Tensor) -> View:
        """The samples that lie at these places."""

    def take(self, positions: Tensor) -> View:
        """The samples at these positions of the source."""
        return self.gather(self._places(positions))

    def batches(self, size: int, rng: Generator | None = None, start: int = 0) -> Iterator[View]:
        n, step = len(self), size * self._together(size)
        places = self._places(torch.arange(n) if rng is None else torch.randperm(n, generator=rng))
        for first in range(start * size // step * step, n, step):
            gathered = self.gather(places[first : first + step])
            for begin in range(max(first, start * size), min(first + step, n), size):
                view = gathered if step == size else gathered.part(begin - first, begin - first + size)
                yield view if rng is None else self.to_train_on(view, rng.initial_seed() + begin)

    def _together(self, size: int) -> int:
        """How many batches of this size are gathered at once: of narrow dense rows many, in the same places always."""
        narrow = 0 if self.spec.sparse or size % ALIGNED else AT_ONCE // (size * self.spec.size)
        return max(1, narrow)

    def to_train_on(self, view: View, seed: int) -> View:
        """A batch as a step of training shall see it, with a seed of its own, so that any batch can come first."""
        return view

    def some(self, most: int, rng: Generator) -> Source:
        return Chosen(self, torch.randperm(len(self), generator=rng)[:most].sort().values)

    def _places(self, positions: Tensor) -> Tensor:
        return positions if self.rows is None else self.rows.index_select(0, positions)


class Chosen(GatheredSource):
    """Some samples of another source, by their positions."""

    def __init__(self, of: GatheredSource, positions: Tensor) -> None:
        super().__init__(of.spec, len(of), positions, of.device)
        self.of = of
        self.positions = positions

    def digest(self) -> str:
        return sha256(self.of.digest().encode() + self.positions.numpy().tobytes()).hexdigest()

    def gather(self, rows: Tensor) -> View:
        return self.of.take(rows)


class ArraySource(GatheredSource):
    """Some rows of an array.

    The array keeps its type until the batch: uint8 images stay uint8, a memmap is read as far as it is needed.

    Args:
        array: Raw values, (n, ...).
        schema: How they become tensors.
        rows: Which rows; None for all.
        device: Where batches go. Data that fits lies there as a whole.
        gaps: Whether values may be missing.
    """

    def __init__(
        self,
        array: Array,
        schema: Viewer,
        rows: Tensor | None = None,
        device: torch.device | None = None,
        gaps: bool = False,
    ) -> None:
        super().__init__(schema.spec, len(array), rows, device)
        self.schema = schema
        self.array = array
        self.gaps = gaps
        self.resident: Tensor | None = None
        plain = array.dtype in GATHERED and array.flags.writeable and min(array.strides, default=0) >= 0
        if plain and not isinstance(array, np.memmap) and array.dtype.isnative:
            self.resident = torch.from_numpy(array)
            if self.device.type == "cuda" and array.nbytes < torch.cuda.mem_get_info(self.device)[0] // 2:
                self.resident = self.resident.to(self.device)

    def digest(self) -> str:
        found = sha256(f"{self.array.dtype.str}{self.array.shape}".encode())
        step = max(1, BLOCK // max(1, self.array[:1].nbytes))
        for first in range(0, len(self.array), step):
            found.update(np.ascontiguousarray(self.array[first : first + step]).view(np.uint8).data)
        if self.rows is not None:
            found.update(self.rows.numpy().data)
        return found.hexdigest()

    def gather(self, rows: Tensor) -> View:
        if self.resident is not None:
            raw = self.resident.index_select(0, rows.to(self.resident.device))
        else:
            raw = torch.from_numpy(gatherable(self.array[rows.numpy()]))
        return self.schema.view(raw.to(self.device, non_blocking=True), self.gaps)


def gatherable(array: Array) -> Array:
    """Values that lie side by side, in a type that torch knows."""
    if array.dtype not in GATHERED:
        return array.astype(np.float64)
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


class TensorSource(GatheredSource):
    """Samples that are tensors already, NaN where a value is missing.

    Args:
        x: Values, (n, *spec.shape).
        spec: What one sample is.
        device: Where they lie, all of them.
    """

    def __init__(self, x: Tensor, spec: SampleSpec, device: torch.device | None = None) -> None:
        super().__init__(spec, len(x), device=device)
        self.x = x.to(self.device)
        self.gaps = bool(x.isnan().any())

    def digest(self) -> str:
        found = sha256(f"{tuple(self.x.shape)}".encode())
        found.update(self.x.cpu().contiguous().numpy().view(np.uint8).data)
        return found.hexdigest()

    def gather(self, rows: Tensor) -> View:
        x = self.x.index_select(0, rows.to(self.device))
        return View.with_gaps(x) if self.gaps else View(x)


def split(n: int, fraction: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Rows to train on and rows to validate on, drawn at random, each in order.

    >>> train, held_out = split(10, 0.2, Generator().manual_seed(0))
    >>> len(train), len(held_out)
    (8, 2)
    """
    held_out = min(n - 1, max(1, round(n * fraction))) if fraction > 0 else 0
    order = torch.randperm(n, generator=rng)
    return order[held_out:].sort().values, order[:held_out].sort().values
