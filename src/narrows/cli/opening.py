"""Data for a model that has been trained: brought to the shape that it knows, and read piece by piece where large."""

from pathlib import Path
from typing import Any

import numpy as np

import narrows
from narrows.core.errors import FileError
from narrows.data.options import options_like
from narrows.data.samples import Samples
from narrows.data.series import windows
from narrows.data.stores import as_stream
from narrows.tasks.shared import NOTHING, Shared


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


def compressor(path: Path) -> narrows.Compressor:
    """The `Compressor` of a model file.

    Raises:
        FileError: The file cannot be used, or holds a model of another kind.
    """
    found = narrows.load(path)
    if not isinstance(found, narrows.Compressor):
        raise FileError(
            f"{path} holds a model of the class {type(found).__name__}: data are compressed by what "
            "narrows train compressor writes"
        )
    return found


def shared(path: Path | None) -> Shared:
    """What the model file of a `Compressor` knows; nothing without one."""
    return NOTHING if path is None else compressor(path).shared
