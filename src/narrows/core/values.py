"""Values from outside as Python's own, so that a NumPy number is as good as any."""

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """NumPy and torch numbers, arrays and devices as numbers, lists and names; everything else as it is.

    >>> import numpy as np
    >>> plain({"widths": np.array([8, 4]), "beta": np.float32(2.0)})
    {'widths': [8, 4], 'beta': 2.0}
    """
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(entry) for entry in value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value
