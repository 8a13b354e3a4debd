"""Data for a model that has been trained: brought to the shape that it knows, and read piece by piece where large."""

from typing import Any

import narrows
from narrows.data.options import options_like
from narrows.data.stores import as_stream


def opened(path: str, estimator: Any) -> Any:
    """The data at a path, as the model's methods take them.

    Args:
        path: A file or a folder.
        estimator: The model; images and videos are brought to the size of those that it was fitted on.
    """
    return as_stream(narrows.open_data(path, **options_like(path, estimator.schema_.raw_shape)))
