"""Sparse samples: matrices of mostly zeros (words of texts, genes of cells), which never become dense as a whole.

tensor = raw / scale        zero stays zero, so nothing is shifted
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any, get_args

import numpy as np
import torch
from scipy import sparse
from torch import Generator, Tensor

from narrows.core.errors import InputError, unknown
from narrows.core.spec import Kind, SampleSpec, Values
from narrows.core.trace import Share, View, csr
from narrows.data.arrays import Array
from narrows.data.csr import Rows, SparseForm, as_rows
from narrows.data.samples import Samples
from narrows.data.schema import ArraySchema, Scaling, of_array
from narrows.data.sources import GATHERED, GatheredSource, Source

SCORED = 2_500
"""How many zeros of a row a step of training scores, at least; a larger share of them costs too much."""
BLOCK = 1 << 16
"""How many entries one look takes in."""
MOST_PARTS = 8
"""How many zeros one that is scored may stand for."""


class SparseSamples(Samples):
    """Rows of a sparse matrix.

    Whole numbers from 0 on count as counts, zeros and ones as coins, everything else as real numbers.

    Args:
        given: A sparse matrix or array of scipy's, in any of its formats.
        least_rows: How many rows there have to be.

    Raises:
        InputError: See `as_rows`.
    """

    def __init__(self, given: Any, least_rows: int = 1) -> None:
        super().__init__(given)
        self.rows = as_rows(given, least_rows)
        self.form = SparseForm(self.rows.dtype, _least(self.rows.data))

    def __len__(self) -> int:
        return int(self.rows.shape[0])

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        if scaling not in get_args(Scaling):
            raise unknown("scaling", scaling, get_args(Scaling))
        if kind not in (None, "vector"):
            raise InputError(f"a sparse matrix holds vectors, and this recipe takes samples of kind {kind!r}")
        entries = self.rows.data
        whole = entries.dtype.kind in "biu" or all((entries[b] == np.rint(entries[b])).all() for b in _blocks(entries))
        low, high = (float(entries.min()), float(entries.max())) if len(entries) else (0.0, 0.0)
        if values is None:
            counts: Values = "count" if whole and low >= 0 else "real"
            values = "unit" if all((entries[b] == 1).all() for b in _blocks(entries)) else counts
        _check_range(values, min(low, 0.0), high, whole)
        scale = self._scale(scaling) if values == "real" else np.ones(1)
        step = 1.0 if entries.dtype.kind in "biu" else 0.0
        resolution = max(1e-3, 0.25 * step / float(scale.min()))
        spec = SampleSpec("vector", (int(self.rows.shape[1]),), values, sparse=True)
        nothing = np.full(1, np.nan)
        return ArraySchema(
            spec, "values", self.rows.dtype, np.zeros(1), scale, nothing, resolution, least=self.form.least
        )

    def _scale(self, scaling: str) -> Array:
        """The root of the mean square of all values, or of those of each column."""
        if scaling == "none":
            return np.ones(1)
        squares, width = np.zeros(self.rows.shape[1]), self.rows.shape[1]
        for b in _blocks(self.rows.data):
            entries = np.square(self.rows.data[b], dtype=np.float64)
            squares += np.bincount(self.rows.indices[b], entries, width) / len(self)
        if not squares.any():
            return np.ones(1)
        return np.sqrt(np.where(squares > 0, squares, 1) if scaling == "column" else squares.mean(keepdims=True))

    def check(self, schema: Any) -> None:
        of_array(schema).check(self.rows)

    def source(self, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        return SparseSource(self.rows, schema, rows, device)

    def like(self, values: Any) -> Any:
        """In the format that was given, and of matrices a matrix."""
        made = sparse.csr_matrix(values) if isinstance(self.given, sparse.spmatrix) else values
        return made.asformat(self.given.format)


class SparseSource(GatheredSource):
    """Some rows of a CSR matrix; a model that was made for dense rows gets them dense, a batch at a time.

    Shuffled batches, which are there to train on, say at which share of the columns their zeros are scored.

    Args:
        array: Raw values.
        schema: How they become tensors.
        rows: Which rows; None for all.
        device: Where batches go.
    """

    def __init__(
        self, array: Rows, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None
    ) -> None:
        super().__init__(schema.spec, int(array.shape[0]), rows, device)
        self.array = array
        self.schema = schema
        self.parts = parts(schema.spec)

    def digest(self) -> str:
        found = sha256(f"{self.array.dtype.str}{self.array.shape}csr".encode())
        for part in (self.array.indptr, self.array.indices, self.array.data):
            found.update(np.ascontiguousarray(part).view(np.uint8).data)
        if self.rows is not None:
            found.update(self.rows.numpy().data)
        return found.hexdigest()

    def gather(self, rows: Tensor) -> View:
        block = self.array[rows.numpy()]
        if not self.schema.spec.sparse:
            known = block if block.dtype in GATHERED else block.astype(np.float64)
            return self.schema.view(torch.from_numpy(known.toarray()).to(self.device))
        scale = self.schema.scale if len(self.schema.scale) == 1 else self.schema.scale[block.indices]
        values = torch.from_numpy((block.data / scale).astype(np.float32))
        indices = (torch.from_numpy(part.astype(np.int64)) for part in (block.indptr, block.indices))
        starts, columns = (part.to(self.device) for part in indices)
        return View(csr(starts, columns, values.to(self.device), block.shape[1]))

    def to_train_on(self, view: View, seed: int) -> View:
        if self.parts == 1:
            return view
        rng = Generator().manual_seed(seed)
        return replace(view, share=Share(self.parts, int(torch.randint(self.parts, (), generator=rng))))


def parts(spec: SampleSpec) -> int:
    """How many zeros of a row one that is scored stands for in training: 8 from 20,000 columns on, 1 of dense samples.

    >>> [parts(SampleSpec("vector", (d,), sparse=True)) for d in (1_000, 10_000, 50_000)]
    [1, 4, 8]
    """
    return max(1, min(MOST_PARTS, spec.size // SCORED)) if spec.sparse else 1


def _blocks(entries: Array) -> Iterator[slice]:
    """Entries a look at a time, so that what is worked out of them takes little memory."""
    return (slice(first, first + BLOCK) for first in range(0, len(entries), BLOCK))


def _least(entries: Array) -> float:
    """The smallest size of an entry."""
    return min((float(np.abs(entries[b]).min()) for b in _blocks(entries)), default=1.0)


def _check_range(values: Values, low: float, high: float, whole: bool) -> None:
    """Refuse values that a likelihood cannot describe."""
    if values == "unit" and (low < 0 or high > 1):
        raise InputError(f"this likelihood describes values within [0, 1], got a range of {low:g} to {high:g}")
    if values == "count" and (low < 0 or not whole):
        raise InputError(
            f"this likelihood describes counts, which are whole and at least 0, got a range of {low:g} to {high:g}"
            + ("" if whole else " with fractions")
        )
    if values in ("level", "mixed"):
        raise InputError(f"a likelihood of {values} values does not describe a sparse matrix: choose another")
