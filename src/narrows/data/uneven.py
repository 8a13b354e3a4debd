"""Series of uneven lengths: padded at the end, and the padding masked like any missing value.

It is not shown, not scored, and reads 0; what comes back is as long as what was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import ArraySchema, Schema
from narrows.data.series import as_recording, floating, recording_like
from narrows.data.sources import GatheredSource, Source
from narrows.data.statistics import Statistics


def is_list_of_series(X: Any) -> bool:
    """Whether something is a list of arrays or frames that can be series: (time,) each, or (time, channels).

    >>> is_list_of_series([np.zeros(3), np.zeros(5)]), is_list_of_series([[1, 2], [3]])
    (True, False)
    """
    if not isinstance(X, list | tuple) or len(X) == 0:
        return False
    shapes = [getattr(series, "shape", None) for series in X]
    known = [tuple(shape) for shape in shapes if shape is not None]
    return len(known) == len(X) and len(known[0]) in (1, 2) and len({(len(s), s[1:]) for s in known}) == 1


def is_uneven(X: Sequence[Any]) -> bool:
    """Whether series differ in length.

    >>> is_uneven([np.zeros(3), np.zeros(5)])
    True
    """
    return len({len(series) for series in X}) > 1


class UnevenSamples(Samples):
    """A list of series that need not be of one length.

    Args:
        given: Arrays or frames, (time,) or (time, channels) each; see `is_list_of_series`.
        least_rows: How many there have to be.

    Raises:
        InputError: Text, infinite values, a series without steps, or too few series.
    """

    kind = "sequence"

    def __init__(self, given: Sequence[Any], least_rows: int = 1) -> None:
        super().__init__(given)
        if len(given) < least_rows:
            raise InputError(f"an autoencoder needs at least {least_rows} series, got {len(given)}")
        if 0 in map(len, given):
            raise InputError(f"series {[len(series) for series in given].index(0)} has no steps: leave it out")
        series = [as_recording(one) for one in given]
        self.types = [one.dtype for one in series]
        self.lengths = np.array([len(one) for one in series])
        self.steps = np.concatenate(series)
        """All series, one behind the other: (time,) or (time, channels)."""
        self.form = floating(self.steps.dtype)
        self._refuse_infinite()

    def _refuse_infinite(self) -> None:
        if self.steps.dtype.kind == "f" and np.isinf(self.steps).any():
            place = int(np.argwhere(np.isinf(self.steps))[0][0])
            number = int(np.searchsorted(np.cumsum(self.lengths), place, side="right"))
            step = place - int(self.lengths[:number].sum())
            raise InputError(
                f"series {number} has inf at step {step}: infinite values are not supported, make them missing (NaN) "
                "or drop them"
            )

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def columned(self) -> Any:
        return self.given[0] if hasattr(self.given[0], "columns") else self.steps.reshape(len(self.steps), -1)[:0]

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        found = Statistics.of(self.steps.reshape(len(self.steps), -1))
        found = replace(found, gaps=found.gaps or is_uneven(self.given))
        padded = (len(self), int(self.lengths.max()), *self.steps.shape[1:])
        shaped = np.broadcast_to(np.zeros((), self.steps.dtype), padded)
        return ArraySchema.learn(shaped, found, values, scaling, kind or self.kind)

    def check(self, schema: Schema) -> None:
        assert isinstance(schema, ArraySchema)
        longest, *channels = schema.raw_shape
        if schema.spec.kind != "sequence" or tuple(channels) != self.steps.shape[1:]:
            raise InputError(
                f"X has series of shape {('time', *self.steps.shape[1:])}, but the model was fitted on samples of "
                f"shape {schema.raw_shape}".replace("'", "")
            )
        if self.lengths.max() > longest:
            raise InputError(
                f"series {int(self.lengths.argmax())} has {self.lengths.max()} steps, but the longest that the model "
                f"was fitted on has {longest}: cut it, or fit on longer ones"
            )

    def source(self, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        return UnevenSource(self.steps, self.lengths, schema, rows, device)

    def like(self, values: Array) -> Any:
        rows = zip(self.given, values, self.lengths, self.types, strict=True)
        return [recording_like(given, row[:length], dtype) for given, row, length, dtype in rows]


class UnevenSource(GatheredSource):
    """Some series of several, padded to one length.

    Args:
        steps: All series, one behind the other.
        lengths: How many steps each has, (n,).
        schema: How values become tensors, and to which length series are padded.
        rows: Which series; None for all.
        device: Where batches go.
    """

    def __init__(
        self,
        steps: Array,
        lengths: Array,
        schema: ArraySchema,
        rows: Tensor | None = None,
        device: torch.device | None = None,
    ) -> None:
        super().__init__(schema.spec, len(lengths), rows, device)
        self.schema = schema
        self.steps = steps
        self.lengths = lengths
        self.firsts = np.cumsum(lengths) - lengths
        self.dtype = floating(steps.dtype)

    def digest(self) -> str:
        found = sha256(f"{self.steps.dtype.str}{self.steps.shape}".encode())
        for array in (self.steps, self.lengths, *(() if self.rows is None else (self.rows.numpy(),))):
            found.update(np.ascontiguousarray(array).view(np.uint8).data)
        return found.hexdigest()

    def gather(self, rows: Tensor) -> View:
        which = rows.numpy()
        step = np.arange(self.spec.shape[1])
        beyond = step >= self.lengths[which][:, None]
        found = self.steps[self.firsts[which][:, None] + np.where(beyond, 0, step)].astype(self.dtype)
        found[beyond] = np.nan
        return self.schema.view(torch.from_numpy(found).to(self.device), gaps=True)
