"""Recordings: one long series, cut into windows that overlap, and put together again on its own time line.

    window i = recording[start_i : start_i + window],    start_i = 0, stride, 2 stride, ..., and the last that fits

Nothing is copied: a window is a view of the recording, and a batch of windows is one gather. What comes back for a
step of time is the mean over the windows that it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Generator, Tensor

from narrows.core.errors import ChoiceError, InputError
from narrows.core.spec import Kind, Values
from narrows.data.arrays import Array, as_array, in_type
from narrows.data.containers import like
from narrows.data.frames import is_frame
from narrows.data.samples import Samples
from narrows.data.schema import ArraySchema, Schema
from narrows.data.sources import ArraySource, Source, split
from narrows.data.statistics import Statistics, gaps_in

RUNS = 5
"""In how many runs of neighbours, about, windows are held out."""


@dataclass(frozen=True)
class RecordingOptions:
    """How a recording is cut; see `windows`."""

    window: int
    stride: int | None = None


def windows(recording: Any, window: int, stride: int | None = None) -> WindowSamples:
    """A recording as samples: its windows.

    Args:
        recording: Numbers, (time,) or (time, channels), as an array, a memory map or a data frame; NaN where missing.
        window: How many steps a sample has.
        stride: Steps from one window to the next, at most a window; None for half a window.

    Raises:
        InputError: A recording that is shorter than a window, or no recording.
        ChoiceError: A window or stride that makes no sense.

    >>> found = windows(np.arange(10.0), window=4)
    >>> len(found), found.starts.tolist()
    (4, [0, 2, 4, 6])
    """
    return WindowSamples(recording, window, stride)


class WindowSamples(Samples):
    """The windows of a recording; see `windows`."""

    kind = "sequence"

    def __init__(self, given: Any, window: int, stride: int | None = None) -> None:
        super().__init__(given)
        stride = max(1, window // 2) if stride is None and isinstance(window, int) else stride
        for name, size in (("window", window), ("stride", stride)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
                raise ChoiceError(f"the {name} is a whole number of steps, at least 1, got {size!r}")
        assert stride is not None
        if stride > window:
            raise ChoiceError(f"the stride is at most the window, so that no step is left out, got {stride} > {window}")
        self.recording = as_recording(given)
        steps = len(self.recording)
        if window > steps:
            raise InputError(f"the recording has {steps} steps, fewer than a window of {window}: choose a shorter one")
        last = steps - window
        self.starts = torch.cat([torch.arange(0, last, stride), torch.tensor([last])])
        self.windows = np.moveaxis(sliding_window_view(self.recording, window, axis=0), -1, 1)
        self.form = floating(self.recording.dtype)
        self.gaps: bool | None = None

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def columned(self) -> Any:
        return self.given if self.recording.ndim == 2 else self.recording[:, None]

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        found = Statistics.of(self.recording.reshape(len(self.recording), -1), self.given)
        self.gaps = found.gaps
        return ArraySchema.learn(self.windows, found, values, scaling, kind or self.kind)

    def check(self, schema: Schema) -> None:
        assert isinstance(schema, ArraySchema)
        schema.check(self.windows)
        self.gaps = gaps_in(self.recording, self.given)

    def source(self, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        if self.gaps is None:
            self.gaps = gaps_in(self.recording, self.given)
        starts = self.starts if rows is None else self.starts[rows]
        return ArraySource(self.windows, schema, starts, device, self.gaps)

    def divide(self, fraction: float, rng: Generator) -> tuple[Tensor, Tensor]:
        """Windows in a few runs of neighbours are held out, and none to train on shares a step with them."""
        wanted = round(len(self) * fraction)
        run = max(1, wanted // RUNS)
        held_out = split(-(-len(self) // run), fraction, rng)[1]
        aside = torch.isin(torch.arange(len(self)) // run, held_out)
        width = self.windows.shape[1]
        edges = self.starts[aside]
        ended = torch.searchsorted(edges, self.starts - width, right=True)  # how many end before a window begins
        shared = ended < torch.searchsorted(edges, self.starts + width)
        train = ~shared if bool((~shared).any()) else ~aside
        return train.nonzero().flatten(), aside.nonzero().flatten()

    def tally(self, values: Tensor, rate: Tensor) -> Tensor:
        """The part of each step: what its values add, and an equal share of the rate; (n, time)."""
        return values.sum(1) - (rate / values.shape[-1]).unsqueeze(1)

    def like(self, values: Array) -> Any:
        return recording_like(self.given, self._on_time_line(values), self.recording.dtype)

    def fill(self, values: Array) -> Any:
        guessed = self._on_time_line(values)
        whole = np.where(np.isnan(self.recording), guessed, self.recording)
        return recording_like(self.given, whole, self.recording.dtype)

    def like_scores(self, scores: Array) -> Array:
        """One number for each step of the recording."""
        return self._on_time_line(scores)

    def _on_time_line(self, values: Array) -> Array:
        """Means over the windows that a step lies in: (n, window, ...) to (time, ...), float64."""
        starts, steps = self.starts.numpy(), len(self.recording)
        total, count = np.zeros((steps, *values.shape[2:])), np.zeros(steps)
        for step in range(values.shape[1]):  # windows begin apart, so no place is met twice
            total[starts + step] += values[:, step]
            count[starts + step] += 1
        return total / count.reshape(-1, *(1,) * (total.ndim - 1))


def as_recording(given: Any) -> Array:
    """Numbers as an array (time,) or (time, channels).

    Raises:
        InputError: Something else.
    """
    flat = np.ndim(given) == 1
    array = as_array(np.asarray(given).reshape(-1, 1) if flat else given)
    if array.ndim != 2:
        raise InputError(f"a recording has the shape (time,) or (time, channels), got an array of shape {array.shape}")
    return array[:, 0] if flat else array


def recording_like(given: Any, values: Array, dtype: np.dtype[Any]) -> Any:
    """A recording in the container that it came in: frames keep index and columns, arrays their type."""
    if values.ndim == 2 and is_frame(given):
        return like(given, values)
    found = in_type(values, dtype)
    return type(given)(found, index=given.index, name=given.name) if hasattr(given, "iloc") else found


def floating(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A type to take means in, before whole numbers are rounded.

    >>> floating(np.dtype("int16")), floating(np.dtype("float64"))
    (dtype('float32'), dtype('float64'))
    """
    if dtype.kind == "f":
        return dtype
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
