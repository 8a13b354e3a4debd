"""The one door: whatever a user hands over becomes samples."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from narrows.core.errors import InputError
from narrows.data.samples import ArraySamples, Samples
from narrows.data.spool import spooled
from narrows.data.stores import large, read_map
from narrows.data.streams import StreamSamples


def samples(X: Any, least_rows: int = 1) -> Samples:
    """Samples of anything that narrows takes.

    Args:
        X: An array, a data frame, a tensor, a list of rows; samples already, as `open_data` gives; or an iterator over
            blocks of rows, which is written to a temporary file first, since it can be gone through only once.
        least_rows: How many there have to be.

    Raises:
        InputError: Values that cannot be used, with the reason.
    """
    if isinstance(X, Iterator):
        X = StreamSamples(spooled(X))
    elif isinstance(X, np.ndarray) and large(X):
        X = read_map(X)
    if not isinstance(X, Samples):
        return ArraySamples(X, least_rows)
    if len(X) < least_rows:
        raise InputError(f"Found {len(X)} sample(s) while a minimum of {least_rows} is required by an autoencoder")
    return X
