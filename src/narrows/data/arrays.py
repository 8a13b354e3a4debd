"""Raw arrays: what users hand over, checked once, with one sentence for each thing that cannot work."""

from typing import Any

import numpy as np

from narrows.core.errors import InputError, InputTypeError

Array = np.ndarray[Any, np.dtype[Any]]

LAYOUTS = ("values", "hw", "hwc", "chw")
"""How samples may lie in an array."""
MAX_CHANNELS = 4
"""How long an axis may be to be taken for channels."""


def as_array(X: Any, least_rows: int = 1) -> Array:
    """The values of anything array-like as a numeric array, without a copy where it is one already.

    Raises:
        InputError: Text, ragged or complex values, a wrong number of axes, no rows or no columns.
    """
    if getattr(X, "sparse", None) is None and hasattr(X, "tocsr"):
        raise InputError("X is a sparse matrix, and sparse input is not supported yet: pass X.toarray()")
    array: Array = X if isinstance(X, np.ndarray) else _convert(X)
    if array.dtype.kind == "c":
        raise InputError(
            "Complex data not supported: X holds complex numbers, pass real and imaginary parts as columns"
        )
    if array.dtype.kind not in "biuf":
        array = _numeric(array, X)
    if array.ndim == 0:
        raise InputError(f"X has to be a table or images, got {X!r}: narrows.open_data reads files")
    if array.ndim == 1:
        raise InputError(
            "Expected 2D array, got 1D array instead: Reshape your data to (1, -1) if it is one sample, or to (-1, 1) "
            "if it is one column"
        )
    if array.ndim not in (2, 3, 4):
        raise InputError(
            "X has to be a table (n, columns) or images (n, height, width[, channels]), "
            f"got an array of shape {array.shape}"
        )
    if 0 in array.shape[1:]:
        raise InputError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required by an autoencoder"
        )
    if len(array) < least_rows:
        raise InputError(
            f"Found array with {len(array)} sample(s) (shape={array.shape}) while a minimum of {least_rows} is "
            "required by an autoencoder"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return array


def _convert(X: Any) -> Array:
    if hasattr(X, "detach"):  # a torch tensor, which may want gradients or lie on a GPU
        X = X.detach().cpu()
    try:
        return np.asarray(X)
    except (ValueError, TypeError) as error:
        raise InputError("X is ragged: its rows or images differ in shape, so it is no array") from error


def _numeric(array: Array, X: Any) -> Array:
    """Numbers that came as objects, or a sentence about the first value that is none."""
    if array.dtype.kind in "MmV":
        raise InputError(f"X has values of type {array.dtype}, which are no numbers: convert them first")
    try:
        return array.astype(np.float64)
    except (ValueError, TypeError) as error:
        for place, value in np.ndenumerate(array):
            try:
                float(value)
            except (ValueError, TypeError):
                if isinstance(value, list | tuple | np.ndarray):
                    raise InputError("X is ragged: its rows or images differ in shape, so it is no array") from error
                column = column_name(X, place[1] if len(place) > 1 else 0)
                kind = InputError if isinstance(value, str) else InputTypeError
                raise kind(
                    f"X has {_plain(value)!r} in row {place[0]}, column {column}: argument must be a string or a "
                    "number that float() can read, so encode categories as numbers first"
                ) from error
        raise InputError(f"X has values of type {array.dtype} that cannot be read as numbers") from error


def column_name(X: Any, index: int) -> str:
    """What to call a column in a message."""
    columns = getattr(X, "columns", None)
    return str(index) if columns is None else repr(columns[index])


def layout_of(array: Array) -> str:
    """How samples lie in an array: `"values"` (n, d), `"hw"` (n, h, w), `"hwc"` or `"chw"` with channels."""
    if array.ndim < 4:
        return {2: "values", 3: "hw"}[array.ndim]
    if array.shape[-1] <= MAX_CHANNELS:
        return "hwc"
    if array.shape[1] <= MAX_CHANNELS:
        return "chw"
    raise InputError(
        f"images have 1 to {MAX_CHANNELS} channels on their first or last axis, got an array of shape {array.shape}"
    )


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python shows it."""
    return value.item() if isinstance(value, np.generic) else value
