"""The simplest scores of anomalies, to be judged against: a detector that agrees with the first has learned nothing.

norm      length of the standardised row
PCA       what principal components leave of it
neighbour distance to the fifth nearest of some of the rows
"""

from __future__ import annotations

import torch
from torch import Generator

from narrows.data.arrays import Array
from narrows.data.samples import Samples
from narrows.data.schema import Schema
from narrows.training.rules import latent_dim
from narrows.training.stacked import blocks, everything

ROWS = 2_000
"""How many rows principal components and neighbours come from, at most."""
NEIGHBOURS = 5


def scores(samples: Samples, schema: Schema) -> dict[str, Array]:
    """How unusual samples are among each other by each of the simplest scores, (n,) each.

    Args:
        samples: Raw samples, at least two.
        schema: How they become tensors, scaled as in training.
    """
    view = everything(samples.source(schema), len(samples), Generator())
    x = view.x.flatten(1).double()
    some = x[torch.randperm(len(x), generator=Generator().manual_seed(0))[:ROWS]]
    mean = some.mean(0)
    axes = torch.linalg.svd(some - mean, full_matrices=False).Vh[: latent_dim(schema.spec)]
    away = x - mean
    left = away - away @ axes.T @ axes
    near = [
        torch.cdist(block.x.flatten(1).double(), some).topk(min(NEIGHBOURS + 1, len(some)), largest=False).values[:, -1]
        for block in blocks(view)
    ]
    found = {
        "norm of the standardised row": x.norm(dim=1),
        "PCA, error of reconstruction": left.norm(dim=1),
        "distance to the fifth neighbour": torch.cat(near),
    }
    return {name: values.numpy() for name, values in found.items()}
