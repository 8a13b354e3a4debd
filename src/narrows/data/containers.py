"""Containers: what came as a data frame, a tensor or an array with coordinates goes back as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from narrows.data.arrays import Array, in_type
from narrows.data.frames import Frame, as_table, is_frame


def like(given: Any, values: Array) -> Any:
    """Samples in the container they came in: a frame keeps its index, its columns, and their numeric types.

    A tensor of torch comes back on its device, an xarray `DataArray` with its dimensions and coordinates.
    """
    if isinstance(given, torch.Tensor):
        return torch.as_tensor(values, dtype=given.dtype, device=given.device)
    if hasattr(given, "coords") and hasattr(given, "dims"):
        return given.copy(data=values)
    if values.ndim != 2 or not is_frame(given):
        return values
    if not hasattr(given, "iloc"):
        table = as_table(given)
        return Frame.of(given, table).restore(pa.table(list(values.T), table.column_names))
    columns = [_in_type_of(given.dtypes.iloc[i], values[:, i]) for i in range(values.shape[1])]
    return type(given)(dict(enumerate(columns)), index=given.index).set_axis(given.columns, axis=1)


def from_codes(codes: Any, values: Array, names: Any) -> Any:
    """Samples of codes that came as a frame: its index, and the columns of fit."""
    if values.ndim != 2 or not hasattr(codes, "iloc"):
        return values
    return type(codes)(values, index=codes.index, columns=names)


def _in_type_of(dtype: Any, column: Array) -> Array:
    """A column in NumPy's type of that name, and as floats where the frame's own type is none of NumPy's."""
    return in_type(column, dtype) if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else column
