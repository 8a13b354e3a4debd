"""Moments in whole parts: day, second of the day, microsecond, nanosecond, each exact in single precision."""

import numpy as np
import pyarrow as pa

from narrows.data.arrays import Array

NANO = 1_000_000_000
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": NANO}
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""The days of the years 1 to 9999, which are all that calendars know, counted from 1970."""


def parts_of(values: pa.Array) -> list[Array]:
    """Day, second of the day, microsecond and nanosecond of moments without gaps, as float64."""
    second = PER_SECOND[values.type.unit]
    units = values.cast(pa.int64()).to_numpy(zero_copy_only=False)
    seconds, rest = np.divmod(units, second)
    day, of_day = np.divmod(seconds, 86_400)
    micro, nano = np.divmod(rest * (NANO // second), 1_000)
    return [part.astype(np.float64) for part in (day, of_day, micro, nano)]


def moments_of(parts: list[Array], unit: str) -> pa.Array:
    """Moments of whole days, seconds, microseconds and nanoseconds, within what the unit can hold."""
    second = PER_SECOND[unit]
    day, of_day, micro, nano = parts
    limit = (2**63 - 1) // second // 86_400 - 1
    seconds = np.clip(day, max(-limit, FIRST_DAY), min(limit, LAST_DAY)) * 86_400 + of_day
    units = seconds * second + (micro * 1_000 + nano) // (NANO // second)
    return pa.array(units, pa.int64()).cast(pa.timestamp(unit))
