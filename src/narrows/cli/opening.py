"""Data for a model that has been trained: brought to the shape that it knows, and read piece by piece where large."""

from typing import Any

import numpy as np

import narrows
from narrows.core.errors import FileError
from narrows.data.options import options_like
from narrows.data.samples import Samples
from narrows.data.series import windows
from narrows.data.stores import as_stream


def opened(path: str, estimator: Any) -> Any:
    """The data at a path, as the model's methods take them.

    Args:
        path: A file or a folder.
        estimator: The model; images and videos are brought to the size of those that it was fitted on, and a recording
            is cut into windows of the same length.
    """
    if isinstance(estimator, narrows.Compressor):
        raise FileError("a Compressor has no codes: its methods are compress and decompress")
    schema = estimator.schema_
    data = narrows.open_data(path, **options_like(path, schema.raw_shape))
    recording = schema.spec.kind == "sequence" and not isinstance(data, Samples)
    if recording and np.shape(data)[1:] == schema.raw_shape[1:]:
        return windows(data, schema.raw_shape[0])
    return as_stream(data)
