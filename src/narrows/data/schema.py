"""The schema: how raw values become tensors and come back, learned at fit and saved with the model.

    tensor = (raw - shift) / scale

Columns of one unit share one scale, so that squared errors keep their meaning and PCA on the tensor is PCA on the
data; columns of different units get a scale each. Images share one shift and one scale for all their values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, Self, get_args

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import InputError, unknown
from narrows.core.spec import Kind, SampleSpec, Values
from narrows.core.trace import View
from narrows.data.arrays import LAYOUTS, Array, in_type, layout_of
from narrows.data.containers import from_codes
from narrows.data.csr import SparseForm, is_sparse, stack
from narrows.data.statistics import Statistics

Scaling = Literal["auto", "shared", "column", "none"]
ONE_UNIT = 4.0
"""Columns whose range comes this near the widest count as of the same unit as it."""


class Schema(ABC):
    """How raw values become tensors and come back; learned at fit, and saved with the model."""

    kind: ClassVar[str]
    """What a model file calls it."""
    spec: SampleSpec
    resolution: float
    """The least difference that means something, in units of the tensor."""

    @property
    @abstractmethod
    def form(self) -> Any:
        """What raw values come back as, unless samples say otherwise."""

    @property
    @abstractmethod
    def raw_shape(self) -> tuple[int, ...]:
        """The shape of one sample as it lies in raw data."""

    @property
    @abstractmethod
    def log_volumes(self) -> Tensor:
        """Log |d raw / d tensor| of each value, (*spec.shape): from a density of the tensor to one of raw values."""

    @abstractmethod
    def laid_out(self, values: Array) -> Array:
        """Something about each value, (n, *spec.shape), as raw samples lie; added up where one raw value is several."""

    @abstractmethod
    def raw(self, x: Tensor, form: Any = None) -> Any:
        """(n, *spec.shape) to raw values, in this form or that of fit."""

    @abstractmethod
    def with_gaps(self) -> Self:
        """The same, of samples that may lack values, so that an encoder takes the mask as further input."""

    @abstractmethod
    def straight(self, x: Tensor) -> Tensor:
        """(n, *spec.shape) in units in which raw numbers are to scale, where the tensor's are not."""

    @abstractmethod
    def bent(self, x: Tensor) -> Tensor:
        """The way back from `straight`."""

    @abstractmethod
    def join(self, blocks: Sequence[Any]) -> Any:
        """Blocks of raw values as one."""

    @abstractmethod
    def container(self, values: Any, like: Any, names: Any) -> Any:
        """Raw values of codes in a container: a frame where the codes came in one or the samples of fit did."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Everything but the arrays."""

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """The arrays, to be saved beside `to_json`."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any], arrays: dict[str, Array]) -> Self:
        """Rebuild a schema from `to_json` and `arrays`.

        Raises:
            ValueError: What was saved is no schema.
        """


class Viewer(Protocol):
    """What makes a model's input of rows that lie in an array."""

    @property
    def spec(self) -> SampleSpec:
        """What one sample is."""

    def view(self, raw: Tensor, gaps: bool = False) -> View:
        """Rows as they lie in the array to what a model takes; some may be missing (NaN) where there are gaps."""


@dataclass(frozen=True)
class ArraySchema(Schema):
    """What was learned of an array: its layout, its type, and how its values are scaled.

    Args:
        spec: What one sample is, channels first.
        layout: How samples lie in raw arrays, see `layout_of`.
        dtype: The raw type, which outputs come back in.
        shift, scale: float64; (1,), or (d,) for each column, or (channels, 1) for each channel of a series.
        fill: What columns or channels that never varied come back as, shaped likewise: NaN for those that did vary,
            inf for those that had no values at all and come back without any.
        resolution: The least difference that means something, in units of the tensor.
        least: Of sparse samples the smallest size of a raw value that is no zero.
    """

    kind = "array"
    spec: SampleSpec
    layout: str
    dtype: np.dtype[Any]
    shift: Array
    scale: Array
    fill: Array
    resolution: float
    least: float = 0.0
    _ready: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def learn(
        cls, array: Array, found: Statistics, values: Values | None, scaling: str, kind: Kind | None = None
    ) -> ArraySchema:
        """Choose shift and scale for an array.

        Args:
            array: Raw values, (n, d), images, series or video.
            found: Its statistics.
            values: What the likelihood describes: `"real"` values are centred and scaled, `"unit"` ones put in [0, 1],
                counts and levels left as they are; None for `"unit"` where all are 0 or 1, else `"real"`.
            scaling: `"shared"` for one scale, `"column"` for one each, `"none"`, or `"auto"`: shared where at least
                half of the columns have a range within four times of the widest, otherwise one each.
            kind: What a sample is taken for, see `layout_of`.
        """
        if scaling not in get_args(Scaling):
            raise unknown("scaling", scaling, get_args(Scaling))
        layout = layout_of(array, kind)
        values = values or ("unit" if found.binary else "real")
        # a spread of no more than that counts as none, so that 1 / scale is finite
        least = 1e4 * float(np.finfo(array.dtype).tiny) if array.dtype.kind == "f" else 0.0
        spread = np.sqrt(found.variance)
        constant = (found.low == found.high) | (spread <= np.maximum(least, 1e-15 * np.abs(found.mean)))
        shift, scale = np.zeros(1), np.ones(1)
        if values == "unit":
            top = 255.0 if array.dtype == np.uint8 and found.high.max() > 1 else 1.0
            if found.low.min() < 0 or found.high.max() > top:
                raise InputError(
                    f"this likelihood describes values within [0, 1] or uint8, got a range of "
                    f"{found.low.min():g} to {found.high.max():g}"
                )
            scale = np.array([top])
        elif values in ("count", "level"):
            if not found.whole or found.low.min() < 0:
                raise InputError(
                    f"this likelihood describes {values}s, which are whole and at least 0, got a range of "
                    f"{found.low.min():g} to {found.high.max():g}" + ("" if found.whole else " with fractions")
                )
        elif values == "mixed":
            raise InputError("a mixed likelihood describes the columns of a data frame, got an array")
        elif scaling != "none":
            shift = found.mean
            if scaling == "column" or (scaling == "auto" and not _one_unit(found, constant)):
                scale = np.sqrt(np.where(constant, 1.0, found.variance))
            else:
                varying = found.variance[~constant]
                scale = np.sqrt(varying.mean(keepdims=True)) if len(varying) else np.ones(1)
        step = 1.0 if array.dtype.kind in "biu" else 0.0
        resolution = max(1e-3, 0.25 * step / float(scale.min()))
        fill = np.where(found.empty, np.inf, np.where(constant, found.low, np.nan))
        kind, shape = LAYOUTS[layout].sample(array.shape[1:])
        levels = int(found.high.max()) + 1 if values == "level" else 0
        spec = SampleSpec(kind, shape, values, found.gaps, levels=levels)
        if layout == "tc":
            shift, scale, fill = (a[:, None] if len(a) > 1 else a for a in (shift, scale, fill))
        return cls(spec, layout, array.dtype, shift, scale, fill, resolution)

    @property
    def form(self) -> np.dtype[Any] | SparseForm:
        return SparseForm(self.dtype, self.least) if self.spec.sparse else self.dtype

    def tensor(self, raw: Tensor) -> Tensor:
        """(n, ...) as it lies in the array, any type, to (n, *spec.shape) float32."""
        x = raw.double() if raw.dtype in (torch.float64, torch.int32, torch.int64) else raw.float()
        x = LAYOUTS[self.layout].inwards(x)
        affine = self._affine(x.dtype, x.device)
        return x.float() if affine is None else torch.addcmul(affine[0], x, affine[1]).float()

    def view(self, raw: Tensor, gaps: bool = False) -> View:
        """(n, ...) as it lies in the array to what a model takes.

        Args:
            raw: Values of any type.
            gaps: Whether values may be missing (NaN); they are then masked and read 0.
        """
        x = self.tensor(raw)
        return View.with_gaps(x) if gaps else View(x)

    def _affine(self, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor] | None:
        """-shift / scale and 1 / scale, ready for a batch; None where nothing is to be done."""
        if (dtype, device) not in self._ready:
            pair = (-self.shift / self.scale, 1 / self.scale)
            with torch.inference_mode(False):  # the same pair serves training
                ready = tuple(torch.as_tensor(a, dtype=dtype, device=device) for a in pair)
            self._ready[dtype, device] = ready if self.shift.any() or (self.scale != 1).any() else None
        return self._ready[dtype, device]

    def laid_out(self, values: Array) -> Array:
        return LAYOUTS[self.layout].outwards(values)

    def raw(self, x: Tensor, form: np.dtype[Any] | SparseForm | None = None) -> Any:
        """(n, *spec.shape) to an array of the raw layout, or CSR; whole numbers are rounded and clipped.

        Args:
            x: Values of the tensor.
            form: The type of the array, or a sparse form; None for that of fit.
        """
        scaled = x.detach().cpu().double().numpy() * self.scale + self.shift
        fill = np.where(np.isinf(self.fill), np.nan, self.fill)
        values = LAYOUTS[self.layout].outwards(np.where(np.isnan(self.fill), scaled, fill))
        form = form or self.form
        return form.thin(values) if isinstance(form, SparseForm) else in_type(values, form)

    def with_gaps(self) -> ArraySchema:
        return replace(self, spec=replace(self.spec, gaps=True))

    def straight(self, x: Tensor) -> Tensor:
        return x

    def bent(self, x: Tensor) -> Tensor:
        return x

    def join(self, blocks: Sequence[Any]) -> Any:
        if is_sparse(blocks[0]):
            return stack(blocks)
        return np.concatenate(blocks).astype(blocks[0].dtype, copy=False)  # keeps a foreign byte order

    def container(self, values: Array, like: Any, names: Any) -> Any:
        return from_codes(like, values, names)

    def check(self, array: Any) -> None:
        """Refuse samples of another shape than those of fit."""
        shape = array.shape[1:]
        if shape != self.raw_shape:
            window = self.raw_shape[0] if self.spec.kind == "sequence" and shape == self.raw_shape[1:] else None
            hint = "" if window is None else f": cut a recording by narrows.open_data(X, window={window})"
            raise InputError(
                f"X has samples of shape {shape}, but the model was fitted on samples of {self.raw_shape}{hint}"
            )

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return LAYOUTS[self.layout].outwards(np.empty((1, *self.spec.shape), np.bool_)).shape[1:]

    @property
    def log_volumes(self) -> Tensor:
        return torch.from_numpy(np.broadcast_to(np.log(self.scale), self.spec.shape).copy())

    def to_json(self) -> dict[str, Any]:
        return {
            "spec": self.spec.to_json(),
            "layout": self.layout,
            "dtype": self.dtype.str,
            "resolution": self.resolution,
            "least": self.least,
        }

    def arrays(self) -> dict[str, Array]:
        return {"shift": self.shift, "scale": self.scale, "fill": self.fill}

    @classmethod
    def from_json(cls, data: dict[str, Any], arrays: dict[str, Array]) -> ArraySchema:
        spec = SampleSpec.from_json(data["spec"])
        shapes = ((1,), spec.shape, (spec.shape[0], 1))
        fits = all(a.dtype == np.float64 and a.shape in shapes for a in arrays.values())
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
            float(data.get("least", 0.0)),  # not known to files of the first format
        )


def _one_unit(found: Statistics, constant: Array) -> bool:
    """Whether at least half of the columns that vary have a range near the widest."""
    spread = (found.high - found.low)[~constant]
    return len(spread) == 0 or bool((spread * ONE_UNIT >= spread.max()).mean() >= 0.5)


def of_array(schema: Schema) -> ArraySchema:
    """A schema for samples that are numbers alone.

    Raises:
        InputError: The schema of a table with columns of several kinds.
    """
    if not isinstance(schema, ArraySchema):
        raise InputError("X holds numbers alone, but the model was fitted on a table with columns of several kinds")
    return schema
