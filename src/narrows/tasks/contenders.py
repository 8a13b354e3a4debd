"""What competes in a comparison: recipes, PCA with as many dimensions, and one value for all samples."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.tasks import codes
from narrows.training.fit import Fitted, Request, fit
from narrows.training.neighbours import indicated


class Contender(ABC):
    """Something that learns from samples, and rebuilds others.

    Args:
        name: What its row is called.
    """

    name: str

    @abstractmethod
    def learn(self, samples: Samples) -> None:
        """Learn from samples."""

    @abstractmethod
    def reconstruct(self, samples: Samples) -> Any:
        """Raw samples rebuilt, gaps filled; None where it cannot be done."""

    @abstractmethod
    def encode(self, samples: Samples) -> Array | None:
        """Codes, (n, d); None where there are none."""


class Recipe(Contender):
    """A named model of narrows.

    Args:
        asked: What to train and how.
    """

    fitted: Fitted

    def __init__(self, asked: Request) -> None:
        self.name = asked.recipe
        self.asked = asked

    def learn(self, samples: Samples) -> None:
        self.fitted = fit(samples, self.asked)

    def reconstruct(self, samples: Samples) -> Any:
        samples.check(self.fitted.schema)
        return codes.reconstruct(self.fitted.module, self.fitted.schema, samples)

    def encode(self, samples: Samples) -> Array:
        samples.check(self.fitted.schema)
        return codes.encode(self.fitted.module, self.fitted.schema, samples)


class Middle(Contender):
    """One value for all: the mean, and of a table's columns the median or the mode.

    Args:
        schema: How raw values become tensors.
    """

    x: Tensor

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.name = "median or mode" if schema.spec.kind == "table" else "the mean"

    def learn(self, samples: Samples) -> None:
        x = _tensor(samples, self.schema)
        if self.schema.spec.kind == "table":
            columns = zip(x.T, self.schema.spec.columns, strict=True)
            self.x = torch.stack(
                [
                    values[~values.isnan()].mode().values if column.kind == "categorical" else values.nanmedian()
                    for values, column in columns
                ]
            )
        else:
            self.x = x.nanmean(0)

    def reconstruct(self, samples: Samples) -> Any:
        return self.schema.raw(self.x.expand(len(samples), *self.x.shape), samples.form)

    def encode(self, samples: Samples) -> None:
        return None


class Raw(Contender):
    """The samples themselves as codes: of a table, standardised, categories as indicators.

    Args:
        schema: How raw values become tensors.
    """

    name = "raw data"

    def __init__(self, schema: Schema) -> None:
        self.pca = PCA(schema, 1)

    def learn(self, samples: Samples) -> None:
        self.pca.scale_as(samples)

    def reconstruct(self, samples: Samples) -> None:
        return None

    def encode(self, samples: Samples) -> Array:
        return self.pca.scaled(samples).numpy()


class UMAP(Contender):
    """Uniform manifold approximation and projection (McInnes, Healy and Melville 2018), by the package umap-learn.

    Args:
        schema: How raw values become tensors.
        size: How many dimensions.
        seed: What it draws by.
    """

    name = "UMAP"
    fitted: Any

    def __init__(self, schema: Schema, size: int, seed: int) -> None:
        self.raw = Raw(schema)
        self.size = size
        self.seed = seed

    def learn(self, samples: Samples) -> None:
        try:
            import umap  # optional
        except ImportError as error:
            raise ChoiceError("the baseline 'UMAP' needs its package: pip install umap-learn") from error
        self.raw.learn(samples)
        x = self.raw.encode(samples)
        neighbours = min(15, len(x) - 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.fitted = umap.UMAP(n_components=self.size, n_neighbors=neighbours, random_state=self.seed).fit(x)

    def reconstruct(self, samples: Samples) -> None:
        return None

    def encode(self, samples: Samples) -> Array:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Array = self.fitted.transform(self.raw.encode(samples))
        return found


class PCA(Contender):
    """Principal components of the tensor, missing values at the mean; categories of a table as indicators.

    Args:
        schema: How raw values become tensors.
        size: How many components.
    """

    name = "PCA"
    shift: Tensor
    scale: Tensor
    axes: Tensor

    def __init__(self, schema: Schema, size: int) -> None:
        self.schema = schema
        self.size = size

    def learn(self, samples: Samples) -> None:
        self.scale_as(samples)
        centred = self.scaled(samples)
        size = min(self.size, *centred.shape)
        self.axes = (
            torch.pca_lowrank(centred, size, center=False, niter=6)[2].T
            if min(centred.shape) > 2_000
            else (torch.linalg.svd(centred, full_matrices=False).Vh[:size])
        )

    def scale_as(self, samples: Samples) -> None:
        """Learn the mean of each value, and of the columns of a table the spread."""
        x = indicated(_tensor(samples, self.schema), self.schema.spec)
        self.shift = x.nanmean(0)
        table = self.schema.spec.kind == "table"
        spread = (x - self.shift).square().nanmean(0).sqrt()
        self.scale = torch.where(spread > 0, spread, 1.0) if table else torch.ones_like(spread)

    def scaled(self, samples: Samples) -> Tensor:
        """Samples around the mean, gaps at it, (n, values)."""
        x = indicated(_tensor(samples, self.schema), self.schema.spec)
        return ((x - self.shift) / self.scale).nan_to_num(0)

    def encode(self, samples: Samples) -> Array:
        return self._codes(samples).numpy()

    def reconstruct(self, samples: Samples) -> Any:
        rebuilt = self._codes(samples) @ self.axes * self.scale + self.shift
        return self.schema.raw(_decided(rebuilt, self.schema.spec), samples.form)

    def _codes(self, samples: Samples) -> Tensor:
        return self.scaled(samples) @ self.axes.T


def _tensor(samples: Samples, schema: Schema) -> Tensor:
    """All samples as one tensor, NaN where a value is missing."""
    views = samples.source(schema).batches(1024)
    return torch.cat([v.x if v.present is None else torch.where(v.present, v.x, torch.nan) for v in views])


def _decided(x: Tensor, spec: SampleSpec) -> Tensor:
    """The way back: of a category the level with the greatest indicator."""
    if spec.kind != "table":
        return x.view(-1, *spec.shape)
    parts = torch.split(x, [max(1, column.levels) for column in spec.columns], 1)
    pairs = zip(parts, spec.columns, strict=True)
    return torch.stack([part.argmax(1).to(x.dtype) if c.levels else part[:, 0] for part, c in pairs], 1)
