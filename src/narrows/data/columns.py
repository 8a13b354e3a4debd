"""The columns of a table: how each becomes numbers and comes back, learned from its values.

    Number: a robust scale, or a map through quantiles where skewed      Count, Truth: as they are
    Category: a level each, 0 for unknown ones                           Moment: days, time of day, and their cycles
    Constant: nothing to learn                                           Identifier: nothing that can be learned

What a column is depends on its values alone, so that whole numbers and truth values that became floats because gaps
came in are still the same kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from narrows.core.errors import InputError
from narrows.core.spec import Column
from narrows.data.arrays import Array
from narrows.data.moments import moments_of, parts_of

KNOTS = 257
"""How many quantiles a skewed column is mapped through."""
SKEWED = 2.0
"""From what skewness on a column counts as heavily skewed."""
FAR = 20.0
"""From how many robust standard deviations on a value is so far out that its column is mapped."""
YEAR = 365.2425
TYPES = {float: pa.float64(), str: pa.string(), bool: pa.bool_(), type(None): pa.null()}
"""The canonical types of Python's values."""


class ColumnSchema(ABC):
    """One raw column: some columns of a tensor, and the way back.

    Args:
        name: What the column is called.
    """

    kind: ClassVar[str]
    name: str

    @property
    @abstractmethod
    def type(self) -> pa.DataType:
        """The canonical type of its values: text, truth values, float64 or moments without a zone."""

    @property
    @abstractmethod
    def columns(self) -> tuple[Column, ...]:
        """What a model sees of it."""

    @abstractmethod
    def encode(self, values: pa.Array) -> Array:
        """Canonical values to (n, len(columns)) float64, NaN where missing."""

    @abstractmethod
    def decode(self, x: Array) -> pa.Array:
        """(n, len(columns)) to canonical values."""

    @property
    def log_volumes(self) -> tuple[float, ...]:
        """Log |d raw / d tensor| of each column of the tensor."""
        return (0.0,) * len(self.columns)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `column_from_json` reads back."""
        return {"kind": self.kind, **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild from `to_json`, less the kind."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})


@dataclass(frozen=True)
class Number(ColumnSchema):
    """Numbers of any size: (value - shift) / scale, or the normal scores of their quantiles.

    Args:
        name: What the column is called.
        shift, scale: Median and robust standard deviation.
        knots, scores: Quantiles and where they are mapped to; empty for a linear map.
    """

    kind = "number"
    name: str
    shift: float = 0.0
    scale: float = 1.0
    knots: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()

    @property
    def type(self) -> pa.DataType:
        return pa.float64()

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column(self.name, "laplace"),)

    @classmethod
    def learn(cls, name: str, values: Array) -> Number:
        """Choose the map: through quantiles where values are heavily skewed or far out."""
        spread = float(values.max()) - float(values.min())
        if not np.isfinite(spread):
            raise InputError(f"column {name!r} spans more than a float can hold: rescale it")
        low, shift, high = np.quantile(values, (0.25, 0.5, 0.75))
        unit = (values - shift) / spread
        deviation = float(unit.std()) or 1.0
        scale = float(high - low) / 1.349 or deviation * spread or spread
        skewness = (((unit - unit.mean()) / deviation) ** 3).mean()
        if abs(skewness) < SKEWED and np.abs(unit).max() < FAR * scale / spread:
            return cls(name, float(shift), scale)
        return cls(name, float(shift), scale, *_quantile_map(values))

    def encode(self, values: pa.Array) -> Array:
        raw = floats(values)
        x = interpolate(raw, self.knots, self.scores) if self.knots else (raw - self.shift) / self.scale
        return x[:, None]

    def decode(self, x: Array) -> pa.Array:
        found = x[:, 0]
        raw = interpolate(found, self.scores, self.knots) if self.knots else found * self.scale + self.shift
        return pa.array(raw, pa.float64())

    def straight(self, x: Array) -> Array:
        """Scores of quantiles to (value - shift) / scale; what is that already stays as it is."""
        return (interpolate(x, self.scores, self.knots) - self.shift) / self.scale if self.knots else x

    def bent(self, x: Array) -> Array:
        """The way back from `straight`."""
        return interpolate(x * self.scale + self.shift, self.knots, self.scores) if self.knots else x

    @property
    def log_volumes(self) -> tuple[float, ...]:
        """Of a map through quantiles, whose steepness varies, nothing: densities are those of the mapped values."""
        return (0.0 if self.knots else float(np.log(self.scale)),)


@dataclass(frozen=True)
class Count(ColumnSchema):
    """Whole numbers from zero on."""

    kind = "count"
    name: str

    @property
    def type(self) -> pa.DataType:
        return pa.float64()

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column(self.name, "negative_binomial"),)

    def encode(self, values: pa.Array) -> Array:
        raw = floats(values)
        return np.maximum(0.0, np.rint(raw))[:, None]

    def decode(self, x: Array) -> pa.Array:
        return pa.array(np.maximum(0.0, np.rint(x[:, 0])), pa.float64())


@dataclass(frozen=True)
class Truth(ColumnSchema):
    """True or false, however it was written.

    Args:
        name: What the column is called.
        number: Whether it was written as 0 and 1.
    """

    kind = "truth"
    name: str
    number: bool = False

    @property
    def type(self) -> pa.DataType:
        return pa.float64() if self.number else pa.bool_()

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column(self.name, "bernoulli"),)

    def encode(self, values: pa.Array) -> Array:
        return np.clip(floats(values), 0.0, 1.0)[:, None]

    def decode(self, x: Array) -> pa.Array:
        return pa.array(x[:, 0] >= 0.5).cast(self.type)


@dataclass(frozen=True)
class Category(ColumnSchema):
    """Text, or anything else that is one of several: a level each, in the order of the levels.

    Args:
        name: What the column is called.
        levels: The values, all text or all numbers; level 0 of the tensor is none of them.
    """

    kind = "category"
    name: str
    levels: tuple[Any, ...]

    @property
    def type(self) -> pa.DataType:
        return pa.string() if isinstance(self.levels[0], str) else pa.float64()

    @property
    def columns(self) -> tuple[Column, ...]:
        return (Column(self.name, "categorical", len(self.levels) + 1),)

    @cached_property
    def known(self) -> pa.Array:
        """The levels as canonical values."""
        return pa.array(self.levels, self.type)

    def encode(self, values: pa.Array) -> Array:
        places = pc.index_in(values, self.known).to_numpy(zero_copy_only=False).astype(np.float64)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return np.where(missing, np.nan, np.where(np.isnan(places), 0.0, places + 1))[:, None]

    def decode(self, x: Array) -> pa.Array:
        levels = np.rint(x[:, 0]).astype(np.int64)
        return self.known.take(pa.array(levels - 1, mask=levels < 1))

    def unseen(self, values: pa.Array) -> list[Any]:
        """The values that are none of the levels."""
        return (
            pc.unique(values.drop_null())
            .filter(pc.invert(pc.is_in(pc.unique(values.drop_null()), value_set=self.known)))
            .to_pylist()
        )


@dataclass(frozen=True)
class Moment(ColumnSchema):
    """A date or a time: its day as a trend, the time of day where it varies, and the cycles that an encoder is shown.

    The parts are whole numbers that fit into single precision, so that every moment comes back to its unit.

    Args:
        name: What the column is called.
        unit: The unit of its values: s, ms, us or ns.
        shift, scale: Of each part: day, second of the day, microsecond, nanosecond.
        varies: Which parts there are; the others read their shift.
    """

    kind = "moment"
    name: str
    unit: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    varies: tuple[bool, ...]

    most: ClassVar[tuple[float, ...]] = (np.inf, 86_399, 999_999, 999)
    """The greatest value of each part."""

    @property
    def type(self) -> pa.DataType:
        return pa.timestamp(self.unit)

    @property
    def columns(self) -> tuple[Column, ...]:
        names = ("day", "second", "microsecond", "nanosecond")
        parts = [Column(f"{self.name}.{n}", "normal") for n, varies in zip(names, self.varies, strict=True) if varies]
        cycles = [f"{self.name}.{cycle}.{wave}" for cycle in self._periods for wave in ("sin", "cos")]
        return (*parts, *(Column(cycle, "given") for cycle in cycles))

    @property
    def _periods(self) -> dict[str, float]:
        """The cycles, and how many days each takes."""
        periods = {"year": YEAR, "week": 7.0} if self.varies[0] else {}
        return periods | ({"day": 1.0} if self.varies[1] else {})

    @classmethod
    def learn(cls, name: str, values: pa.Array) -> Moment:
        """Find the parts that vary."""
        parts = parts_of(values.drop_null())
        varies = tuple(bool((part != part[0]).any()) for part in parts)
        shift = tuple(float(part.mean()) if v else float(part[0]) for part, v in zip(parts, varies, strict=True))
        scale = tuple(float(part.std()) if v else 1.0 for part, v in zip(parts, varies, strict=True))
        return cls(name, values.type.unit, shift, scale, varies)

    def encode(self, values: pa.Array) -> Array:
        missing = values.is_null().to_numpy(zero_copy_only=False)
        parts = parts_of(values.fill_null(pa.scalar(0, values.type)))
        found = [(p - a) / s for p, a, s, v in zip(parts, self.shift, self.scale, self.varies, strict=True) if v]
        days = parts[0] + parts[1] / 86_400
        for period in self._periods.values():
            found += [np.sin(2 * np.pi * days / period), np.cos(2 * np.pi * days / period)]
        return np.where(missing[:, None], np.nan, np.stack(found, 1))

    def decode(self, x: Array) -> pa.Array:
        parts, place = [], 0
        for shift, scale, varies, most in zip(self.shift, self.scale, self.varies, self.most, strict=True):
            values = x[:, place] * scale + shift if varies else np.full(len(x), shift)
            place += varies
            parts.append(np.clip(np.rint(values), -most if most == np.inf else 0, most).astype(np.int64))
        return moments_of(parts, self.unit)


@dataclass(frozen=True)
class Constant(ColumnSchema):
    """A column that never varied, or that had no values at all: nothing to learn, restored as it was.

    Args:
        name: What the column is called.
        value: Its one value, None where there was none; of a moment, the number of units since 1970.
        unit: The unit of a moment, otherwise nothing.
    """

    kind = "constant"
    name: str
    value: Any = None
    unit: str = ""

    @property
    def type(self) -> pa.DataType:
        return pa.timestamp(self.unit) if self.unit else TYPES[type(self.value)]

    @property
    def columns(self) -> tuple[Column, ...]:
        return ()

    def encode(self, values: pa.Array) -> Array:
        return np.empty((len(values), 0))

    def decode(self, x: Array) -> pa.Array:
        values = pa.array([self.value] * len(x), pa.int64() if self.unit else self.type)
        return values.cast(self.type)


@dataclass(frozen=True)
class Identifier(ColumnSchema):
    """A column in which nearly every value is another one: a name or a number of the row, of which nothing follows.

    A model is not shown it and does not rebuild it, so that it comes back missing.

    Args:
        name: What the column is called.
        text: Whether its values are text; numbers otherwise.
    """

    kind = "identifier"
    name: str
    text: bool = True

    @property
    def type(self) -> pa.DataType:
        return pa.string() if self.text else pa.float64()

    @property
    def columns(self) -> tuple[Column, ...]:
        return ()

    def encode(self, values: pa.Array) -> Array:
        return np.empty((len(values), 0))

    def decode(self, x: Array) -> pa.Array:
        return pa.nulls(len(x), self.type)


def interpolate(x: Array, xs: tuple[float, ...], ys: tuple[float, ...]) -> Array:
    """Piecewise linear through the points (xs, ys), which both rise; beyond them the last pieces go on.

    >>> interpolate(np.array([-1.0, 0.5, 3.0]), (0.0, 1.0, 2.0), (0.0, 10.0, 30.0)).tolist()
    [-10.0, 5.0, 50.0]
    """
    points, values = np.array(xs), np.array(ys)
    piece = np.clip(np.searchsorted(points, x) - 1, 0, len(points) - 2)
    share = (x - points[piece]) / (points[piece + 1] - points[piece])
    return values[piece] + share * (values[piece + 1] - values[piece])


def _quantile_map(values: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Quantiles that differ, and the normal scores of the middle of the ranks at which each occurs."""
    ordered = np.sort(values)
    knots = np.unique(np.quantile(ordered, np.linspace(0, 1, KNOTS), method="nearest"))
    ranks = (np.searchsorted(ordered, knots, "left") + np.searchsorted(ordered, knots, "right")) / 2
    shares = ranks / len(ordered)
    scores = [NormalDist().inv_cdf(float(share)) for share in shares]
    return tuple(map(float, knots)), tuple(scores)


def floats(values: pa.Array) -> Array:
    """Numbers or truth values as float64, NaN where missing."""
    return values.cast(pa.float64()).to_numpy(zero_copy_only=False)
