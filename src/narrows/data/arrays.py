"""Raw arrays: what users hand over, checked once, with one sentence for each thing that cannot work."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from narrows.core.errors import InputError, InputTypeError
from narrows.core.spec import Kind

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layout:
    """How samples lie in an array: the kind of sample, and where the channels are.

    Args:
        kind: What one sample is.
        channel: The axis of the channels, 1 or -1; None where there is no such axis.
    """

    kind: Kind
    channel: int | None

    def sample(self, shape: tuple[int, ...]) -> tuple[Kind, tuple[int, ...]]:
        """Kind and shape, channels first, of samples that lie in this shape."""
        if self.kind == "vector":
            return self.kind, shape
        if self.channel is None:
            return self.kind, (1, *shape)
        moved = list(shape)
        return self.kind, (moved.pop(min(self.channel, 0)), *moved)

    def inwards(self, x: Tensor) -> Tensor:
        """(n, ...) as it lies in the array to (n, channels, ...)."""
        if self.kind == "vector":
            return x
        return x.unsqueeze(1) if self.channel is None else x.movedim(self.channel, 1).contiguous()

    def outwards(self, x: Array) -> Array:
        """(n, channels, ...) to how samples lie in the array."""
        if self.kind == "vector":
            return x
        return x.squeeze(1) if self.channel is None else np.moveaxis(x, 1, self.channel)


LAYOUTS = {
    "values": Layout("vector", None),
    "hw": Layout("image", None),
    "hwc": Layout("image", -1),
    "chw": Layout("image", 1),
    "t": Layout("sequence", None),
    "tc": Layout("sequence", -1),
    "thw": Layout("video", None),
    "thwc": Layout("video", -1),
}
"""How samples may lie in an array, each letter an axis: time, height, width, channels."""
MAX_CHANNELS = 4
"""How long an axis may be to be taken for channels."""


def as_array(X: Any, least_rows: int = 0) -> Array:
    """The values of anything array-like as a numeric array, without a copy where it is one already.

    Raises:
        InputError: Text, ragged or complex values, a wrong number of axes, no rows or no columns.
    """
    if getattr(X, "sparse", None) is None and hasattr(X, "tocsr"):
        raise InputError("codes cannot be a sparse matrix: pass Z.toarray()")
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
    if array.ndim > 5:
        raise InputError(
            "X has to be a table (n, columns), series (n, time, channels), images (n, height, width[, channels]) or "
            f"video (n, time, height, width, channels), got an array of shape {array.shape}"
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
                if not place:
                    raise InputError(f"X is {value!r}, which is no array of samples") from error
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


def layout_of(array: Array, kind: Kind | None = None) -> str:
    """How samples lie in an array, as a name of `LAYOUTS`.

    Args:
        array: Samples, (n, ...).
        kind: What one sample is; None for a vector, an image or a video, by the number of axes.

    Raises:
        InputError: An array whose shape is none for samples of that kind.
    """
    axes = array.ndim - 1
    if kind == "sequence" and axes in (1, 2):
        return "t" if axes == 1 else "tc"
    if kind == "video" and axes == 3:
        return "thw"
    if kind in (None, "vector") and axes == 1:
        return "values"
    if kind in (None, "image") and axes == 2:
        return "hw"
    if kind in (None, "video") and axes == 4:
        if array.shape[-1] > MAX_CHANNELS:
            raise InputError(
                f"video has the shape (n, time, height, width, channels) with 1 to {MAX_CHANNELS} channels, got an "
                f"array of shape {array.shape}"
            )
        return "thwc"
    if kind in (None, "image") and axes == 3:
        if array.shape[-1] <= MAX_CHANNELS:
            return "hwc"
        if array.shape[1] <= MAX_CHANNELS:
            return "chw"
        raise InputError(
            f"images have 1 to {MAX_CHANNELS} channels on their first or last axis, got an array of shape {array.shape}"
        )
    wanted = {"sequence": "(n, time[, channels])", "video": "(n, time, height, width[, channels])"}
    raise InputError(f"a {kind} comes as {wanted.get(str(kind), '(n, ...)')}, got an array of shape {array.shape}")


def in_type(values: Array, dtype: np.dtype[Any]) -> Array:
    """Real values in another type: whole numbers are rounded and clipped, coins fall at a half."""
    if dtype.kind == "b":
        return np.asarray(values >= 0.5)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        top = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
        return np.clip(np.rint(np.nan_to_num(values)), limits.min, top).astype(dtype)
    return values.astype(dtype)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python shows it."""
    return value.item() if isinstance(value, np.generic) else value
