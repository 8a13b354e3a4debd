"""Raw samples, whatever they came in: what `fit` and every task work on.

Samples --learn--> Schema               Samples --source(schema)--> batches of View
Schema.raw(tensor) --> raw values       Samples.like(raw values) --> the container that was given
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from narrows.core.errors import InputError
from narrows.core.spec import Kind, Values
from narrows.data.arrays import Array, as_array, layout_of
from narrows.data.containers import like
from narrows.data.schema import ArraySchema, Schema, of_array
from narrows.data.sources import ArraySource, Source, split
from narrows.data.statistics import Statistics, gaps_in


class Samples(ABC):
    """Raw samples and the container they came in.

    Args:
        given: What the user handed over.
    """

    form: Any = None
    """What raw values shall come back as: an array's type, a table's types."""
    kind: Kind | None = None
    """What a sample is, where that is not for a recipe to say."""

    gaps: bool | None = None
    """Whether values are missing, where that has been looked for."""

    condition: int = 0
    """How many numbers say what is known of a sample beside its values; 0 where nothing is."""

    names: list[str] | None = None
    """The names of the columns, where the schema knows columns by name."""

    def __init__(self, given: Any) -> None:
        self.given = given

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    def columned(self) -> Any:
        """What number and names of columns are read off: by default what was given."""
        return self.given

    @abstractmethod
    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> Schema:
        """Find out how these values become tensors.

        Args:
            values: What the likelihood describes; None to choose by the data.
            scaling: As in `ArraySchema.learn`.
            kind: What the recipe takes a sample for; None to choose by the data.

        Raises:
            InputError: Values that cannot be used.
        """

    @abstractmethod
    def check(self, schema: Schema) -> None:
        """Refuse samples of another kind than those that the schema was learned on."""

    @abstractmethod
    def source(self, schema: Any, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        """Some rows, or all, as batches."""

    def split(
        self, schema: Any, fraction: float, rng: Generator, device: torch.device | None = None
    ) -> tuple[Source, Source]:
        """Samples to train on and samples to validate on; without any to spare, the training rows validate themselves.

        Args:
            schema: How raw values become tensors.
            fraction: Share of the samples that is set aside, at most.
            rng: What draws them, where rows can be drawn.
            device: Where batches go.
        """
        rows, aside = split(len(self), fraction, rng)
        return self.source(schema, rows, device), self.source(schema, aside if len(aside) else rows, device)

    @abstractmethod
    def like(self, values: Any) -> Any:
        """Raw values, one for each sample, in the container that was given."""

    def fill(self, values: Any) -> Any:
        """What was given, with missing values taken from raw values, one for each sample; what is there is untouched.

        Raises:
            InputError: Samples that are not held in memory.
        """
        raise InputError(f"{type(self).__name__} are read piece by piece, and gaps are filled of data in memory alone")

    def divide(self, fraction: float, rng: Generator) -> tuple[Tensor, Tensor]:
        """Samples to train on and samples to judge by: drawn one by one, unless they have anything in common."""
        return split(len(self), fraction, rng)

    def tally(self, values: Tensor, rate: Tensor) -> Tensor:
        """The scores of a batch of samples: what their values add up to, less what their codes cost.

        Args:
            values: Log-density of each value in nats, (n, *s).
            rate: What each code costs in nats, (n,).

        Returns:
            One number a sample, (n,); or more, of which `like_scores` knows how they lie.
        """
        return values.flatten(1).sum(1) - rate

    def collect(self, schema: Schema, blocks: Iterator[Any]) -> Any:
        """Blocks of raw values, one for each sample, in the container that was given."""
        return self.like(schema.join(list(blocks)))

    def like_scores(self, scores: Array) -> Array:
        """What `tally` found of all samples, as the user counts samples."""
        return scores


class ArraySamples(Samples):
    """Numbers in an array, in anything array-like, or in a data frame of numbers alone.

    Args:
        given: What the user handed over.
        least_rows: How many rows there have to be.
        values: The numbers in it, where NumPy could not find them itself.

    Raises:
        InputError: See `as_array`.
    """

    def __init__(self, given: Any, least_rows: int = 0, values: Array | None = None) -> None:
        super().__init__(given)
        self.array = as_array(given if values is None else values, least_rows)
        self.form = self.array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def learn(self, values: Values | None, scaling: str, kind: Kind | None) -> ArraySchema:
        found = Statistics.of(self.array, self.given, by_last=layout_of(self.array, kind) == "tc")
        self.gaps = found.gaps
        return ArraySchema.learn(self.array, found, values, scaling, kind)

    def check(self, schema: Schema) -> None:
        of_array(schema).check(self.array)
        self.gaps = gaps_in(self.array, self.given)

    def source(self, schema: ArraySchema, rows: Tensor | None = None, device: torch.device | None = None) -> Source:
        if self.gaps is None:
            self.gaps = gaps_in(self.array, self.given)
        return ArraySource(self.array, schema, rows, device, self.gaps)

    def fill(self, values: Array) -> Any:
        return like(self.given, np.where(np.isnan(self.array), values, self.array))

    def select(self, rows: Array) -> ArraySamples:
        """Some of the samples, by their numbers."""
        return ArraySamples(self.array[rows])

    def like(self, values: Array) -> Any:
        return like(self.given, values)
