"""The one door: whatever a user hands over becomes samples."""

from typing import Any

from narrows.data.csr import is_sparse
from narrows.data.samples import ArraySamples, Samples
from narrows.data.sparse import SparseSamples


def samples(X: Any, least_rows: int = 1) -> Samples:
    """Samples of anything that narrows takes.

    Args:
        X: An array, a data frame, a tensor, a list of rows, a sparse matrix; or samples already, as `open_data` gives.
        least_rows: How many there have to be.

    Raises:
        InputError: Values that cannot be used, with the reason.
    """
    if isinstance(X, Samples):
        return X
    return SparseSamples(X, least_rows) if is_sparse(X) else ArraySamples(X, least_rows)
