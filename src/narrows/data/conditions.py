"""What is known of samples beside their values: labels or other conditions, learned at fit and saved with the model.

    labels       (n,)    a class each: one number for each class, 1 for its own
    conditions   (n, c)  numbers: each column centred and scaled

A label that is missing (None, NaN) becomes a row of zeros. Without any labels at all every one counts as missing, which
a model only knows how to take if some were missing when it was fitted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from math import isnan
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.data.sources import GatheredSource, Source
from narrows.data.streams import StreamSamples
from narrows.data.table_streams import TableStream


@dataclass(frozen=True)
class Conditions:
    """How labels or conditions become numbers.

    Args:
        classes: The labels that there are, in order; None where conditions are numbers.
        mean, scale: Of each column of numbers, (c,).
        missing: Whether some were missing at fit.

    >>> Conditions.learn(["b", "a", None], 3).encode(["a", "b", None], 3)
    tensor([[1., 0.],
            [0., 1.],
            [0., 0.]])
    """

    classes: tuple[Any, ...] | None
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    missing: bool = False

    @classmethod
    def learn(cls, y: Any, n: int) -> Conditions:
        """Find out what labels or conditions there are.

        Whole numbers, text and truth values in one column are labels; other numbers are conditions.

        Args:
            y: One for each sample, (n,) or (n, c).
            n: How many samples there are.

        Raises:
            InputError: Another number of them, or values that are neither.
        """
        values = _as_rows(y, n)
        known = values[~_missing(values)]
        if not len(known):
            raise InputError("y holds no label at all: every one is missing")
        if values.ndim == 1 and not _fractions(known):
            classes = _distinct(known)
            return cls(tuple(classes), missing=len(known) < n)
        numbers = _as_numbers(known).reshape(len(known), -1)
        spread = numbers.std(0)
        scale = np.where(spread > 0, spread, 1.0)
        return cls(None, tuple(map(float, numbers.mean(0))), tuple(map(float, scale)), len(known) < n)

    @property
    def size(self) -> int:
        """How many numbers one condition becomes."""
        return len(self.mean) if self.classes is None else len(self.classes)

    def encode(self, y: Any, n: int) -> Tensor:
        """Labels or conditions as numbers, (n, size) float32; None for none.

        Raises:
            InputError: Another number of them than samples, or one that was not there at fit.
        """
        if y is None:
            if not self.missing:
                raise InputError("the model was fitted with a label for every sample: give labels here too, as y")
            return torch.zeros(n, self.size)
        values = _as_rows(y, n)
        known = ~_missing(values)
        if not self.missing and not known.all():
            raise InputError(
                f"the label of sample {int(np.argmin(known))} is missing, but none was when the model was fitted"
            )
        found = torch.zeros(n, self.size)
        places = torch.from_numpy(np.flatnonzero(known))
        if self.classes is None:
            numbers = _as_numbers(values[known]).reshape(len(places), -1)
            if numbers.shape[1] != self.size:
                raise InputError(f"y has {numbers.shape[1]} column(s), but had {self.size} when the model was fitted")
            found[places] = torch.from_numpy((numbers - self.mean) / self.scale).float()
        elif values.ndim == 1:
            found[places, self._numbers(values[known])] = 1.0
        else:
            raise InputError(f"y holds one label for each sample, got an array of shape {values.shape}")
        return found

    def _numbers(self, labels: Array) -> Tensor:
        assert self.classes is not None
        number = {label: i for i, label in enumerate(self.classes)}
        for label in _distinct(labels):
            if label not in number:
                known = ", ".join(map(repr, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
                raise InputError(f"y holds the label {label!r}, which was not there at fit (known: {known})")
        return torch.tensor([number[label] for label in labels.tolist()], dtype=torch.long)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `from_json` reads back."""
        classes = None if self.classes is None else list(self.classes)
        return {"classes": classes, "mean": list(self.mean), "scale": list(self.scale), "missing": self.missing}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Conditions:
        """Rebuild from `to_json`."""
        classes = None if data["classes"] is None else tuple(data["classes"])
        return cls(classes, tuple(data["mean"]), tuple(data["scale"]), bool(data["missing"]))


def _as_rows(y: Any, n: int) -> Array:
    """Labels (n,), or conditions (n, c)."""
    try:
        values = np.asarray(y)
    except ValueError as error:  # rows of several lengths
        raise InputError(f"y holds one label for each sample, or one row of numbers: {error}") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise InputError(f"y holds one label for each sample, got an array of shape {values.shape}")
    if len(values) != n:
        raise InputError(f"y has {len(values)} labels, but X has {n} samples")
    return values


def _missing(values: Array) -> Array:
    """Which samples have no label, or gaps in their conditions, (n,) bool."""
    gone = np.zeros(values.shape, bool)
    if values.dtype.kind == "f":
        gone = np.asarray(np.isnan(values))
    elif values.dtype.kind == "O":
        gone = np.array([_is_missing(value) for value in values.flat], bool).reshape(values.shape)
    return np.asarray(gone.reshape(len(values), -1).any(1))


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or what pandas has for them."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and isnan(value))


def _fractions(known: Array) -> bool:
    """Whether some are numbers that are not whole."""
    return known.dtype.kind == "f" and not bool((known == np.rint(known)).all())


def _distinct(known: Array) -> list[Any]:
    """The different labels in order."""
    try:
        found = [label.item() if isinstance(label, np.generic) else label for label in np.unique(known).tolist()]
    except TypeError as error:  # text and numbers mixed have no order
        raise InputError("y mixes labels of several types: make them all text, or all numbers") from error
    if not all(isinstance(label, str | int | float | bool) for label in found):
        raise InputError(f"labels are text, whole numbers or truth values, got {type(found[0]).__name__}")
    return list(found)


def _as_numbers(values: Array) -> Array:
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("conditions of several columns are numbers: make text a column of labels") from error
    if not np.isfinite(numbers).all():
        raise InputError("y holds infinite numbers")
    return numbers


class ConditionedSamples(Samples):
    """Samples, and what is known of each.

    Args:
        of: The samples.
        context: Labels or conditions as numbers, (n, c).
        few: Whether rows of which something is known are few, so that none of them is set aside while there are others.

    Raises:
        InputError: Samples that are read as they lie.
    """

    def __init__(self, of: Samples, context: Tensor, few: bool = False) -> None:
        super().__init__(of.given)
        if isinstance(of, StreamSamples | TableStream):
            raise InputError("labels need samples in memory, and a stream is read as it lies: fit on a part of it")
        self.of = of
        self.context = context
        self.few = few
        self.condition = context.shape[1]
        self.form, self.kind, self.names = of.form, of.kind, of.names

    def __len__(self) -> int:
        return len(self.of)

    @property
    def columned(self) -> Any:
        return self.of.columned

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> Schema:
        return self.of.learn(values, scaling, kind)

    def check(self, schema: Schema) -> None:
        self.of.check(schema)

    def source(self, schema: Any, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        found = self.of.source(schema, rows, device)
        assert isinstance(found, GatheredSource)
        return ConditionedSource(found, self.context if rows is None else self.context[rows])

    def split(
        self, schema: Any, fraction: float, rng: Generator, device: torch.device | None = None
    ) -> tuple[Source, Source]:
        rows, aside = self.of.divide(fraction, rng)
        known = self.context[aside].any(1)
        if self.few and not known.all():
            rows, aside = torch.cat([rows, aside[known]]).sort().values, aside[~known]
        return self.source(schema, rows, device), self.source(schema, aside if len(aside) else rows, device)

    def divide(self, fraction: float, rng: Generator) -> tuple[Tensor, Tensor]:
        return self.of.divide(fraction, rng)

    def tally(self, values: Tensor, rate: Tensor) -> Tensor:
        return self.of.tally(values, rate)

    def like(self, values: Any) -> Any:
        return self.of.like(values)

    def like_scores(self, scores: Array) -> Array:
        return self.of.like_scores(scores)


class ConditionedSource(GatheredSource):
    """Samples as batches that say what is known of each.

    Args:
        of: Where the samples come from.
        context: What is known of each of them, (n, c).
    """

    def __init__(self, of: GatheredSource, context: Tensor) -> None:
        super().__init__(of.spec, len(of), device=of.device)
        self.of = of
        self.context = context.to(self.device)

    def digest(self) -> str:
        return sha256(self.of.digest().encode() + self.context.cpu().numpy().tobytes()).hexdigest()

    def gather(self, rows: Tensor) -> View:
        return replace(self.of.take(rows), context=self.context.index_select(0, rows.to(self.device)))

    def to_train_on(self, view: View, seed: int) -> View:
        return self.of.to_train_on(view, seed)
