"""Streams: samples that lie on disk and are read from one end to the other, so that memory stays small.

    order of the pieces drawn --read--> blocks --buffer--> shuffled rows --cut--> batches

Training takes the pieces of a data set (row groups of Parquet files, stretches of arrays) in an order that is drawn
anew each epoch, and shuffles their rows through a buffer; everything else takes them as they lie. A background thread
reads while the model works. Rows that judge the model, and a sample of the others, stay in memory (`kept`).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.spec import Kind, Values
from narrows.core.trace import View
from narrows.data.arrays import Array, layout_of
from narrows.data.kept import ROWS, Kept
from narrows.data.readers import Reader
from narrows.data.samples import Samples
from narrows.data.schema import ArraySchema, Schema, Viewer, of_array
from narrows.data.shuffling import ahead, cut, shuffled
from narrows.data.sources import ArraySource, Source, gatherable
from narrows.data.spool import RawFile, spooled
from narrows.data.statistics import Statistics, gaps_in

BUFFER = 1 << 26
"""How many bytes of rows are shuffled together."""
LARGE = 1 << 30
"""From how many bytes on a single file of rows is a stream."""


class StreamSamples(Samples):
    """Samples that lie on disk.

    Args:
        reader: What reads them.
        kept: The rows that stay in memory, where they are known already.

    >>> from narrows.data.readers import SlicedReader
    >>> rows = np.zeros((1000, 3), np.float32)
    >>> StreamSamples(SlicedReader(rows, rows.dtype, identity="zeros"))
    StreamSamples(1,000 x 3, float32, on disk)
    """

    def __init__(self, reader: Reader, kept: Kept | None = None) -> None:
        super().__init__(_columns(reader))
        self.reader = reader
        self.form = reader.dtype
        self.array = np.broadcast_to(np.zeros((), reader.dtype), (len(reader), *reader.shape))
        """Zeros in place of the samples, which take no memory."""
        self.found: Statistics | None = None
        self._kept = kept

    def __len__(self) -> int:
        return len(self.reader)

    def __repr__(self) -> str:
        sizes = " x ".join(f"{size:,}" for size in self.array.shape)
        return f"{type(self).__name__}({sizes}, {self.form.name}, on disk)"

    def blocks(self) -> Iterator[Array]:
        """Raw values in order, a block at a time, for example for `partial_fit`."""
        return (block for _, block in ahead(self.reader.blocks()))

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        by_last = self.array.ndim == 2 or layout_of(self.array, kind) == "tc"
        kept = Kept(self.reader)
        self.found = Statistics.over(self._noted(kept), self.array.shape[-1] if by_last else 1, self.given)
        self._kept = kept
        return ArraySchema.learn(self.array, self.found, values, scaling, kind)

    def check(self, schema: Schema) -> None:
        of_array(schema).check(self.array)

    def source(self, schema: Viewer, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        if rows is None:
            return StreamSource(self, schema, device)
        wanted = rows.numpy()
        found = np.empty((len(wanted), *self.reader.shape), self.form)
        for start, block in ahead(self.reader.blocks()):
            here = np.flatnonzero((wanted >= start) & (wanted < start + len(block)))
            found[here] = block[wanted[here] - start]
        return self._resident(found, schema, device)

    def split(
        self, schema: Viewer, fraction: float, rng: Generator, device: torch.device | None = None
    ) -> tuple[Source, Source]:
        """Rows with the lowest hashes are set aside, at most 20,000; without any, a sample judges."""
        kept, n = self.kept, len(self)
        aside = min(ROWS, len(kept.numbers) // 2, max(1, round(n * fraction))) if fraction > 0 else 0
        judges = kept.values[:aside] if aside else kept.values[:ROWS]
        return StreamSource(self, schema, device, aside), self._resident(judges, schema, device)

    @property
    def kept(self) -> Kept:
        """The rows that stay in memory."""
        if self._kept is None:
            kept = Kept(self.reader)
            for _ in self._noted(kept):
                pass
            self._kept = kept
        return self._kept

    def _noted(self, kept: Kept) -> Iterator[Array]:
        for start, block in ahead(self.reader.blocks()):
            kept.note(start, block)
            yield block

    def _resident(self, values: Array, schema: Viewer, device: torch.device | None) -> ArraySource:
        return ArraySource(values, schema, None, device, gaps_in(values, self.given))

    def like(self, values: Any) -> Any:
        return values

    def collect(self, schema: Schema, blocks: Iterator[Array]) -> Array:
        """Blocks as one memory map of a temporary file."""
        rows = spooled(blocks).rows
        assert isinstance(rows, RawFile)
        return rows.mapped()


class StreamSource(Source):
    """The rows of a stream but those that are set aside.

    Args:
        samples: The stream.
        schema: How rows become tensors.
        device: Where batches go.
        aside: How many rows, those with the lowest hashes, are left out.
    """

    def __init__(
        self, samples: StreamSamples, schema: Viewer, device: torch.device | None = None, aside: int = 0
    ) -> None:
        super().__init__(schema.spec, device)
        self.samples = samples
        self.reader = samples.reader
        self.schema = schema
        self.aside = np.sort(samples.kept.numbers[:aside]) if aside else np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.reader) - len(self.aside)

    def digest(self) -> str:
        return sha256(f"{self.reader.digest()} without {len(self.aside)}".encode()).hexdigest()

    def some(self, most: int, rng: Generator) -> Source:
        kept = self.samples.kept.values[len(self.aside) :][:most]
        return ArraySource(kept, self.schema, None, self.device, gaps_in(kept, self.samples.given))

    def batches(self, size: int, rng: Generator | None = None, start: int = 0) -> Iterator[View]:
        if rng is None:
            rows = self._rows(iter(range(self.reader.pieces)))
        else:
            drawing = np.random.default_rng(int(torch.randint(2**62, (), generator=rng)))
            order = map(int, drawing.permutation(self.reader.pieces))
            buffer = min(len(self), max(2, BUFFER // self.reader.row_bytes))
            rows = shuffled(self._rows(order), buffer, drawing)
        for batch in islice(cut(ahead(rows), size), start, None):
            yield self._view(batch)

    def _rows(self, order: Iterator[int]) -> Iterator[Array]:
        """Blocks of pieces in this order, checked, without the rows that are set aside."""
        for start, block in self.reader.blocks(order):
            gaps_in(block, self.samples.given, start)
            first, last = np.searchsorted(self.aside, (start, start + len(block)))
            yield block if first == last else np.delete(block, self.aside[first:last] - start, axis=0)

    def _view(self, rows: Array) -> View:
        """Raw rows as a batch."""
        gaps = self.schema.spec.gaps or (rows.dtype.kind == "f" and bool(np.isnan(rows).any()))
        return self.schema.view(torch.from_numpy(gatherable(rows)).to(self.device), gaps)


def _columns(reader: Reader) -> Any:
    """A container without rows that says how many columns there are, and what they are called."""
    if reader.names is not None:
        try:
            import pandas as pd  # optional: without it column names are left behind
        except ImportError:
            pass
        else:
            return pd.DataFrame(columns=list(reader.names), dtype=reader.dtype)
    return np.empty((0, *reader.shape), reader.dtype)
