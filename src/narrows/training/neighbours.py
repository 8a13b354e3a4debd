r"""Batches that say where the neighbours of each sample lie, for penalties that keep neighbours.

    m(j | i) = exp(-max(0, d(i, j) - rho_i) / sigma_i),    sum_j m(j | i) = log2 k,    w = m + m^T - m * m^T

with rho_i the distance to the nearest neighbour of i. Neighbours of i are drawn by their shares of the weights w of i.

Source: McInnes, Healy and Melville (2018), https://arxiv.org/abs/1802.03426.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_matrix
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.spec import SampleSpec
from narrows.core.trace import View
from narrows.data.arrays import Array
from narrows.data.sources import GatheredSource, Source
from narrows.metrics.neighbours import Neighbours, nearest_neighbours, neighbours_of_each
from narrows.model import AutoencoderModule
from narrows.training.start import principal_components

MEASURED = 1 << 16
"""Of more samples than this each one's neighbours are looked for among so many, drawn at random."""
BLOCK = 1024
"""Samples that are read at once."""
DRAWN = 4
"""How many neighbours of a sample a step looks at."""
EXTENT = 10.0
"""How far from the middle a layout begins, at most, as in UMAP."""
NOISE_EXTENT = 1e-2
"""And how far copies of a sample begin from one another, about."""
HALVINGS = 64
"""Steps of the bisection that finds sigma."""


@dataclass(frozen=True)
class Graph:
    """Weighted arrows from samples to their neighbours.

    Args:
        ends: Where the arrows lead, those of the first sample first, (arrows,).
        reach: For each arrow the number of its sample, and the share of that sample's weight up to this arrow.
    """

    ends: Tensor
    reach: Tensor

    @classmethod
    def of(cls, weights: csr_matrix) -> Graph:
        """The graph with these weights, (n, m), of which each row has some."""
        rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
        totals = np.add.reduceat(weights.data, weights.indptr[:-1])
        reached = np.cumsum(weights.data / totals[rows])  # by the end of row i this is i + 1
        reached[weights.indptr[1:] - 1] = np.arange(1, len(totals) + 1)
        return cls(torch.from_numpy(weights.indices.astype(np.int64)), torch.from_numpy(reached))

    def draw(self, rows: Tensor, count: int, rng: Generator) -> Tensor:
        """Some neighbours of each of these samples, by their weights, (b, count)."""
        place = rows.unsqueeze(1) + torch.rand(len(rows), count, dtype=torch.float64, generator=rng)
        return self.ends[torch.searchsorted(self.reach, place, right=True).clamp(max=len(self.ends) - 1)]


class WithNeighbours(Source):
    """Samples, and where some neighbours of each lie.

    Args:
        of: Where the samples come from.
        graph: Which training samples are their neighbours.
        places: Where those lie, (training samples, d).
    """

    def __init__(self, of: GatheredSource, graph: Graph, places: Tensor) -> None:
        super().__init__(of.spec, of.device)
        self.of = of
        self.graph = graph
        self.places = places

    def __len__(self) -> int:
        return len(self.of)

    def digest(self) -> str:
        """That of the samples, which the rest follows from."""
        return self.of.digest()

    def batches(self, size: int, rng: Generator | None = None, start: int = 0) -> Iterator[View]:
        """Batches of the samples; each has draws of its own, so that any can come first."""
        n = len(self)
        order = torch.arange(n) if rng is None else torch.randperm(n, generator=rng)
        seed = 0 if rng is None else rng.initial_seed()
        for first in range(start * size, n, size):
            rows = order[first : first + size]
            near = self.places[self.graph.draw(rows, DRAWN, Generator().manual_seed(seed + first))]
            yield replace(self.of.take(rows), near=near.to(self.device))

    def some(self, most: int, rng: Generator) -> Source:
        """Some of the samples, alone."""
        return self.of.some(most, rng)


def with_neighbours(model: AutoencoderModule, train: Source, held_out: Source, rng: Generator) -> tuple[Source, Source]:
    """The sources of a run; where a penalty of the model wants neighbours, with places for those of each sample.

    Neighbours are training samples, also those of held-out samples. Samples of a stream have none, since they cannot be
    had in any order.

    Args:
        model: What is to be trained.
        train: What it learns from.
        held_out: What it is judged by.
        rng: What draws the layout, and parts of many samples among which neighbours are looked for.
    """
    wanting = [penalty for penalty in model.penalties if isinstance(penalty, Penalty) and penalty.neighbours]
    if not wanting or len(train) < 2:
        return train, held_out
    if not (isinstance(train, GatheredSource) and isinstance(held_out, GatheredSource)):
        return train, held_out
    k, known = wanting[0].neighbours, points(train, wanting[0].blur)
    weights = _among_themselves(known, k, rng)
    begin = _spread_out(train, model.bottleneck.latent_dim, rng)
    each = weights.tocoo()
    arrows = torch.from_numpy(np.stack([each.row, each.col]).astype(np.int64))
    places = wanting[0].lay_out(arrows, torch.from_numpy(each.data.astype(np.float32)), begin, rng)
    found = nearest_neighbours(known[:MEASURED], points(held_out, wanting[0].blur), min(k, len(known), MEASURED))
    of_held_out = Graph.of(_weights(found, len(known)))
    return WithNeighbours(train, Graph.of(weights), places), WithNeighbours(held_out, of_held_out, places)


@torch.no_grad()
def _spread_out(source: Source, size: int, rng: Generator) -> Tensor:
    """Where samples lie along their principal components, (n, size) within 10 of the middle, and a little noise."""
    found = principal_components(source, size, rng)
    x = torch.cat([view.x.flatten(1) for view in source.batches(BLOCK)])
    along = ((x - found.mean) @ found.axes.T).cpu()
    along = EXTENT * along / along.abs().max().clamp(min=1e-12)
    places = torch.cat([along, along.new_zeros(len(along), size - along.shape[1])], 1)
    return places + NOISE_EXTENT * torch.randn(places.shape, generator=rng)


def _among_themselves(known: Array, k: int, rng: Generator) -> csr_matrix:
    """Weights between neighbours among points (n, d), (n, n): looked for in parts where there are many points."""
    n = len(known)
    order = torch.randperm(n, generator=rng) if n > MEASURED else torch.arange(n)
    distances, ends = np.empty((n, min(k, n - 1))), np.empty((n, min(k, n - 1)), np.int64)
    for part in order.tensor_split(-(-n // MEASURED)):
        rows = part.numpy()
        found = neighbours_of_each(known[rows], min(k, n - 1))
        distances[rows], ends[rows] = found.distances, rows[found.indices]
    one_way = _weights(Neighbours(distances, ends), n)
    back = one_way.T.tocsr()
    return (one_way + back - one_way.multiply(back)).tocsr()


def _weights(found: Neighbours, n: int) -> csr_matrix:
    """Memberships of neighbours as a matrix, (m, n)."""
    m, k = found.indices.shape
    rows = np.repeat(np.arange(m), k)
    return csr_matrix((memberships(found.distances).ravel(), (rows, found.indices.ravel())), (m, n))


def memberships(distances: Array) -> Array:
    """How much each of k neighbours belongs to its sample, 0 to 1: the nearest wholly, and log2 k in all.

    Args:
        distances: To the neighbours of each sample, nearest first, (n, k).

    >>> import numpy as np
    >>> float(memberships(np.array([[1.0, 2.0, 2.0, 3.0]])).sum().round(6))
    2.0
    """
    k = distances.shape[1]
    beyond = distances - distances[:, :1]
    low, high = np.zeros((len(distances), 1)), np.full((len(distances), 1), np.inf)
    sigma = np.maximum(beyond.mean(1, keepdims=True), 1e-12)
    for _ in range(HALVINGS):
        over = np.exp(-beyond / sigma).sum(1, keepdims=True) > np.log2(max(2, k))
        low, high = np.where(over, low, sigma), np.where(over, sigma, high)
        sigma = np.where(np.isinf(high), 2 * low, (low + high) / 2)
    return np.maximum(np.exp(-beyond / np.maximum(sigma, 1e-3 * beyond.mean(1, keepdims=True) + 1e-12)), 1e-12)


def points(source: Source, blur: float = 0.0) -> Array:
    """Samples as points between which distances mean something, (n, values) float32: gaps at the mean.

    Args:
        source: The samples.
        blur: How far pictures are blurred, as a share of their shorter side.
    """
    views = source.batches(BLOCK)
    x = torch.cat([v.x if v.present is None else torch.where(v.present, v.x, torch.nan) for v in views]).cpu()
    found = indicated(x, source.spec)
    whole = torch.where(found.isnan(), found.nanmean(0), found).numpy()
    return blurred(whole, source.spec, blur) if source.spec.kind == "image" and blur else whole


def blurred(pictures: Array, spec: SampleSpec, blur: float) -> Array:
    """Rows of pictures (n, values), each plane of which is blurred by a round normal kernel.

    >>> import numpy as np
    >>> dot = np.eye(1, 25, 12, dtype=np.float32)
    >>> blurred(dot, SampleSpec("image", (1, 5, 5)), 0.1)[0, 10:15].round(3)
    array([0.   , 0.084, 0.619, 0.084, 0.   ], dtype=float32)
    """
    width = blur * min(spec.shape[1:])
    planes = pictures.reshape(len(pictures), *spec.shape)
    return gaussian_filter(planes, (0, 0, width, width), mode="nearest").reshape(pictures.shape)


def indicated(x: Tensor, spec: SampleSpec) -> Tensor:
    """Samples (n, *s) as rows (n, values): numbers as they are, a category as an indicator for each of its levels."""
    if spec.kind != "table":
        return x.flatten(1)
    found = []
    for values, column in zip(x.T, spec.columns, strict=True):
        if column.kind == "categorical":
            known = F.one_hot(values.nan_to_num(0).long(), column.levels).to(x.dtype)
            found.append(torch.where(values.isnan()[:, None], torch.nan, known))
        else:
            found.append(values[:, None])
    return torch.cat(found, 1)
