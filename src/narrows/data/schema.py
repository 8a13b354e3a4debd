"""The schema: how raw values become tensors and come back, learned at fit and saved with the model.

    tensor = (raw - shift) / scale

Columns of one unit share one scale, so that squared errors keep their meaning and PCA on the tensor is PCA on the
data; columns of different units get a scale each. Images share one shift and one scale for all their values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import InputError, unknown
from narrows.core.spec import SampleSpec
from narrows.data.arrays import LAYOUTS, Array, column_name, layout_of

Scaling = Literal["auto", "shared", "column", "none"]
BLOCK = 1 << 18
"""How many values one look takes in."""
ONE_UNIT = 4.0
"""Columns whose range comes this near the widest count as of the same unit as it."""


@dataclass(frozen=True)
class Statistics:
    """What one pass over the data finds, for each column of a table or for all values of images."""

    mean: Array
    variance: Array
    low: Array
    high: Array
    binary: bool

    @classmethod
    def of(cls, array: Array, named: Any) -> Statistics:
        """Read the array once, in blocks.

        Raises:
            InputError: A value that is missing or infinite, with its row and column.
        """
        width = array.shape[1] if array.ndim == 2 else 1
        count, mean, squares = 0, np.zeros(width), np.zeros(width)
        low, high, binary = np.full(width, np.inf), np.full(width, -np.inf), True
        rows = max(1, BLOCK // max(1, array[:1].size))
        for start in range(0, len(array), rows):
            block = array[start : start + rows]
            _refuse_gaps(block, start, named)
            values = block.reshape(-1, width).astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                block_mean = values.mean(0)
                block_squares = np.square(values - block_mean).sum(0)
                delta, total = block_mean - mean, count + len(values)
                squares += block_squares + delta**2 * count * len(values) / total
                mean += delta * len(values) / total
            count = total
            low, high = np.minimum(low, values.min(0)), np.maximum(high, values.max(0))
            binary = binary and bool(np.isin(values, (0.0, 1.0)).all())
        if not np.isfinite(squares).all():
            column = column_name(named, int(np.flatnonzero(~np.isfinite(squares))[0]))
            raise InputError(f"X has values in column {column} too large to square without overflow: rescale it")
        return cls(mean, squares / count, low, high, binary)


def _refuse_gaps(block: Array, start: int, named: Any) -> None:
    if block.dtype.kind != "f" or np.isfinite(block).all():
        return
    place = np.argwhere(~np.isfinite(block))[0]
    what = "NaN" if np.isnan(block[tuple(place)]) else "inf"
    where = f"column {column_name(named, place[1])}" if block.ndim == 2 else f"pixel {tuple(map(int, place[1:]))}"
    raise InputError(
        f"X has {what} in {where}, first in row {start + place[0]}: missing and infinite values are not supported, "
        "fill or drop them"
    )


@dataclass(frozen=True)
class ArraySchema:
    """What was learned of an array: its layout, its type, and how its values are scaled.

    Args:
        spec: What one sample is, channels first.
        layout: How samples lie in raw arrays, see `layout_of`.
        dtype: The raw type, which outputs come back in.
        shift, scale: float64, (1,) or (d,).
        fill: What columns that never varied come back as, NaN for those that did, (d,) or (1,).
        resolution: The least difference that means something, in units of the tensor.
    """

    spec: SampleSpec
    layout: str
    dtype: np.dtype[Any]
    shift: Array
    scale: Array
    fill: Array
    resolution: float
    _ready: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def learn(cls, array: Array, found: Statistics, support: str, scaling: str) -> ArraySchema:
        """Choose shift and scale for an array.

        Args:
            array: Raw values, (n, d) or images.
            found: Its statistics.
            support: The likelihood's support: `"real"` values are centred and scaled, `"unit"` ones put in [0, 1].
            scaling: `"shared"` for one scale, `"column"` for one each, `"none"`, or `"auto"`: shared where at least
                half of the columns have a range within four times of the widest, otherwise one each.
        """
        if scaling not in get_args(Scaling):
            raise unknown("scaling", scaling, get_args(Scaling))
        layout = layout_of(array)
        constant = (found.low == found.high) | (np.sqrt(found.variance) <= 1e-15 * np.abs(found.mean))
        shift, scale = np.zeros(1), np.ones(1)
        if support == "unit":
            top = 255.0 if array.dtype == np.uint8 and found.high.max() > 1 else 1.0
            if found.low.min() < 0 or found.high.max() > top:
                raise InputError(
                    f"this likelihood describes values within [0, 1] or uint8, got a range of "
                    f"{found.low.min():g} to {found.high.max():g}"
                )
            scale = np.array([top])
        elif scaling != "none":
            shift = found.mean
            if scaling == "column" or (scaling == "auto" and not _one_unit(found, constant)):
                scale = np.sqrt(np.where(constant, 1.0, found.variance))
            else:
                varying = found.variance[~constant]
                scale = np.sqrt(varying.mean(keepdims=True)) if len(varying) else np.ones(1)
        step = 1.0 if array.dtype.kind in "biu" else 0.0
        resolution = max(1e-3, 0.25 * step / float(scale.min()))
        fill = np.where(constant, found.low, np.nan)
        return cls(_spec(array.shape[1:], layout), layout, array.dtype, shift, scale, fill, resolution)

    def tensor(self, raw: Tensor) -> Tensor:
        """(n, ...) as it lies in the array, any type, to (n, *spec.shape) float32."""
        x = raw.double() if raw.dtype in (torch.float64, torch.int32, torch.int64) else raw.float()
        if self.layout == "hw":
            x = x.unsqueeze(1)
        elif self.layout == "hwc":
            x = x.permute(0, 3, 1, 2).contiguous()
        affine = self._affine(x.dtype, x.device)
        return x.float() if affine is None else torch.addcmul(affine[0], x, affine[1]).float()

    def _affine(self, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor] | None:
        """-shift / scale and 1 / scale, ready for a batch; None where nothing is to be done."""
        if (dtype, device) not in self._ready:
            pair = (-self.shift / self.scale, 1 / self.scale)
            with torch.inference_mode(False):  # the same pair serves training
                ready = tuple(torch.as_tensor(a, dtype=dtype, device=device) for a in pair)
            self._ready[dtype, device] = ready if self.shift.any() or (self.scale != 1).any() else None
        return self._ready[dtype, device]

    def raw(self, x: Tensor, dtype: np.dtype[Any] | None = None) -> Array:
        """(n, *spec.shape) to an array of the raw layout; whole numbers are rounded and clipped.

        Args:
            x: Values of the tensor.
            dtype: The type of the array; None for that of fit.
        """
        x = x.detach().cpu()
        if self.layout == "hw":
            x = x.squeeze(1)
        elif self.layout == "hwc":
            x = x.permute(0, 2, 3, 1)
        values = np.where(np.isnan(self.fill), x.double().numpy() * self.scale + self.shift, self.fill)
        return in_type(values, dtype or self.dtype)

    def check(self, array: Array, named: Any = None) -> None:
        """Refuse samples of another shape than those of fit, and values that are missing or infinite."""
        rows = max(1, BLOCK // max(1, array[:1].size))
        for start in range(0, len(array), rows):
            _refuse_gaps(array[start : start + rows], start, named)
        shape = array.shape[1:]
        if shape != self.raw_shape:
            raise InputError(f"X has samples of shape {shape}, but the model was fitted on samples of {self.raw_shape}")

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """The shape of one sample as it lies in raw arrays."""
        shape = self.spec.shape
        return {"values": shape, "hw": shape[1:], "hwc": (*shape[1:], shape[0]), "chw": shape}[self.layout]

    @property
    def log_volume(self) -> float:
        """Log |d raw / d tensor| of one sample: what turns a density of the tensor into one of the raw values."""
        return float(np.broadcast_to(np.log(self.scale), (self.spec.size,)).sum())

    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays."""
        return {
            "spec": self.spec.to_json(),
            "layout": self.layout,
            "dtype": self.dtype.str,
            "resolution": self.resolution,
        }

    def arrays(self) -> dict[str, Array]:
        """The arrays, to be saved beside `to_json`."""
        return {"shift": self.shift, "scale": self.scale, "fill": self.fill}

    @classmethod
    def from_json(cls, data: dict[str, Any], arrays: dict[str, Array]) -> ArraySchema:
        """Rebuild a schema from `to_json` and `arrays`.

        Raises:
            ValueError: What was saved is no schema.
        """
        spec = SampleSpec.from_json(data["spec"])
        fits = all(a.dtype == np.float64 and a.shape in ((1,), spec.shape) for a in arrays.values())
        if data["layout"] not in LAYOUTS or np.dtype(data["dtype"]).kind not in "biuf" or not fits:
            raise ValueError("its schema is garbled")
        if not (arrays["scale"] > 0).all():
            raise ValueError("its scales are not positive")
        return cls(
            spec,
            str(data["layout"]),
            np.dtype(data["dtype"]),
            arrays["shift"],
            arrays["scale"],
            arrays["fill"],
            float(data["resolution"]),
        )


def in_type(values: Array, dtype: np.dtype[Any]) -> Array:
    """Real values in another type: whole numbers are rounded and clipped, coins fall at a half."""
    if dtype.kind == "b":
        return np.asarray(values >= 0.5)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        top = np.nextafter(float(limits.max), 0) if limits.bits == 64 else limits.max
        return np.clip(np.rint(values), limits.min, top).astype(dtype)
    return values.astype(dtype)


def _one_unit(found: Statistics, constant: Array) -> bool:
    """Whether at least half of the columns that vary have a range near the widest."""
    spread = (found.high - found.low)[~constant]
    return len(spread) == 0 or bool((spread * ONE_UNIT >= spread.max()).mean() >= 0.5)


def _spec(shape: tuple[int, ...], layout: str) -> SampleSpec:
    if layout == "values":
        return SampleSpec("vector", shape)
    return SampleSpec("image", {"hw": (1, *shape), "hwc": (shape[-1], *shape[:-1]), "chw": shape}[layout])
