"""Sparse matrices as users have them, checked once, as rows of non-zeros (CSR); and back from dense blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import io, sparse

from narrows.core.errors import FileError, InputError
from narrows.data.arrays import Array, in_type

Rows = Any
"""A `csr_array` of scipy's, which has no types."""
SPARSE_KEYS = {"format", "shape", "data"}
"""The arrays that tell a file of scipy's `save_npz` from other `.npz` files."""


@dataclass(frozen=True)
class SparseForm:
    """What reconstructions of sparse rows come back as: CSR, where small values are zeros.

    Args:
        dtype: The type of the values; whole numbers are rounded.
        least: The smallest size of a value that is no zero; half of it is enough to be kept.
    """

    dtype: np.dtype[Any]
    least: float

    def __str__(self) -> str:
        return f"sparse {self.dtype}"

    def thin(self, values: Array) -> Rows:
        """Dense rows (n, d) of float64 as CSR."""
        kept = np.where(np.abs(values) >= 0.5 * self.least, values, 0)
        return sparse.csr_array(in_type(kept, self.dtype))


def is_sparse(X: Any) -> bool:
    """Whether something is one of scipy's sparse matrices or arrays."""
    return bool(sparse.issparse(X))


def as_rows(X: Any, least_rows: int = 1) -> Rows:
    """Any sparse matrix as CSR without zeros or duplicates among its entries; not copied where it is that already.

    Raises:
        InputError: Complex values or objects, missing or infinite values, no rows or no columns.
    """
    if X.ndim != 2:
        raise InputError(f"Expected 2D array, got {X.ndim}D array instead: a sparse X has the shape (n, columns)")
    if X.dtype.kind == "c":
        raise InputError(
            "Complex data not supported: X holds complex numbers, pass real and imaginary parts as columns"
        )
    if X.dtype.kind not in "biuf":
        raise InputError(f"X is a sparse matrix of {X.dtype}, which are no numbers: convert them first")
    if X.shape[1] == 0:
        raise InputError(
            f"Found array with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required by an autoencoder"
        )
    if X.shape[0] < least_rows:
        raise InputError(
            f"Found array with {X.shape[0]} sample(s) (shape={X.shape}) while a minimum of {least_rows} is "
            "required by an autoencoder"
        )
    found = sparse.csr_array(X)
    if found.data.dtype.kind == "f":
        _check_finite(found)
    if not found.has_canonical_format or not found.data.all():
        found = found.copy()
        found.sum_duplicates()
        found.eliminate_zeros()
    return found


def _check_finite(rows: Rows) -> None:
    wrong = np.flatnonzero(~np.isfinite(rows.data))
    if len(wrong):
        row = int(np.searchsorted(rows.indptr, wrong[0], side="right")) - 1
        value = "inf" if np.isinf(rows.data[wrong[0]]) else "NaN"
        raise InputError(
            f"X has {value} in row {row}, column {rows.indices[wrong[0]]}: a sparse matrix cannot have NaN or infinite "
            "values, drop those entries"
        )


def stack(blocks: Sequence[Rows]) -> Rows:
    """Blocks of rows, one below the other."""
    return sparse.csr_array(sparse.vstack(blocks, format="csr"))


def read_sparse_npz(path: Path) -> Any:
    """What scipy's `save_npz` wrote, which executes nothing.

    Raises:
        ValueError: The arrays are not those of a sparse matrix.
    """
    try:
        found = sparse.load_npz(path)
        found = sparse.csr_array(found)
        found.check_format()
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        raise ValueError(f"its sparse matrix is garbled: {error}") from error
    return found


def read_mtx(path: Path) -> Any:
    """A file of the Matrix Market: sparse rows from coordinates, an array where every value is written.

    Raises:
        FileError: The file is damaged or of another kind.
    """
    try:
        found = io.mmread(path, spmatrix=False)
    except (ValueError, OSError, EOFError, OverflowError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise FileError(f"{path} is no file of the Matrix Market, or it is damaged or cut short ({reason})") from error
    return sparse.csr_array(found) if is_sparse(found) else found
