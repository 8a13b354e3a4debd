"""Containers: what came as a data frame goes back as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from narrows.data.arrays import Array

if TYPE_CHECKING:
    from narrows.estimators.autoencoder import Autoencoder


def like(given: Any, values: Array, estimator: Autoencoder) -> Any:
    """`values` in the container of `given`: same index, the columns of fit, and types where whole numbers came in."""
    if values.ndim != 2 or not hasattr(given, "iloc"):
        return values
    names = getattr(estimator, "feature_names_in_", None)
    columns = names if names is not None else range(values.shape[1])
    frame = type(given)(values, index=given.index, columns=columns)
    if list(given.columns) != list(columns):
        return frame
    whole = {c: t for c, t in given.dtypes.items() if getattr(t, "kind", "f") in "iu"}
    frame[list(whole)] = np.rint(frame[list(whole)])
    return frame.astype(given.dtypes.to_dict())
