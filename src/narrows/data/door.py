"""The one door: whatever a user hands over becomes samples."""

from typing import Any

from narrows.core.errors import InputError
from narrows.core.spec import Kind
from narrows.data.samples import ArraySamples, Samples
from narrows.data.uneven import UnevenSamples, is_list_of_series, is_uneven


def samples(X: Any, least_rows: int = 1, kind: Kind | None = None) -> Samples:
    """Samples of anything that narrows takes.

    Args:
        X: An array, a data frame, a tensor, a list of rows, a list of series; or samples already, as `open_data` gives.
        least_rows: How many there have to be.
        kind: What a sample is known to be, as by a model; then a list of arrays is a list of series even where all are
            of one length.

    Raises:
        InputError: Values that cannot be used, with the reason.
    """
    if isinstance(X, Samples):
        if len(X) < least_rows:
            raise InputError(f"an autoencoder needs at least {least_rows} samples, got {len(X)}: take more, or shorter")
        return X
    if is_list_of_series(X) and (kind == "sequence" or is_uneven(X)):
        return UnevenSamples(X, least_rows)
    return ArraySamples(X, least_rows)
