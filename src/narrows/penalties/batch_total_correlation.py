"""A price on entries of the code that depend on one another, without a critic: densities are taken over the batch."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Features, Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


def batch_total_correlation(z: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    r"""Total correlation over a batch: log q(z_i) - sum_j log q(z_ij) of each code in nats, (n,).

        log q(z_i) ~ log 1/n sum_k q(z_i | x_k),    log q(z_ij) ~ log 1/n sum_k q(z_ij | x_k)

    The minibatch-weighted estimate of Chen et al. (2018), with a batch for the whole of the data: its constant
    log(nN) differs only by how often it is counted, which no gradient sees.

    Args:
        z: Codes, (n, d).
        mean: Of the normal distribution that each code was drawn from, (n, d).
        scale: Its standard deviations, (n, d).

    >>> z = torch.tensor([[0.0, 0.0], [9.0, 9.0]])
    >>> batch_total_correlation(z, z, torch.ones(2, 2))  # which of two samples it is, told twice
    tensor([0.6931, 0.6931])
    """
    away = (z.unsqueeze(1) - mean) / scale
    each = -0.5 * away.square() - scale.log() - 0.5 * log(2 * torch.pi)  # (n, n, d)
    constant = log(len(z)) * (z.shape[1] - 1)
    return each.sum(2).logsumexp(1) - each.logsumexp(1).sum(1) + constant


def bandwidth(z: Tensor) -> Tensor:
    """Silverman's (1986) width of a kernel around each code of a batch, (n, d), which no gradient moves."""
    n, d = z.shape
    width = z.detach().std(0, correction=0).clamp(min=1e-6) * (4 / (n * (d + 2))) ** (1 / (d + 4))
    return width.expand_as(z)


class BatchTotalCorrelation(Penalty):
    r"""weight * TC(z), estimated over the batch: beta-TC-VAE, whose beta is weight + 1.

        TC(z) = KL(q(z) || prod_j q(z_j))  ~  mean log q(z) - sum_j log q(z_j)

    Biased where batches are small, and free of a critic; `TotalCorrelation` is the other way. A code that is not normal
    by itself is taken for one, as wide as a density estimate of the batch wants it.

    Source: Chen, Li, Grosse and Duvenaud (2018), https://arxiv.org/abs/1802.04942.

    Args:
        weight: Nats per nat of total correlation.

    >>> BatchTotalCorrelation(weight=5.0)
    BatchTotalCorrelation(weight=5.0)
    """

    def __init__(self, weight: float = 5.0) -> None:
        super().__init__()
        if not 0 <= weight < float("inf"):
            raise ChoiceError(f"weight is a number of at least 0, got {weight!r}")
        self.weight = weight

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        z, features = trace.code.z.float(), trace.code.features
        found = None if features is None else model.bottleneck.posterior(Features(features, trace.code.side))
        return self.weight * batch_total_correlation(z, *(found or (z, bandwidth(z))))

    def extra_repr(self) -> str:
        return f"weight={self.weight}"
