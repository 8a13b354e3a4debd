"""A price on entries of the code that depend on one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Critics, Penalty
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class TotalCorrelation(Penalty):
    r"""weight * TC(z), the divergence of the codes' distribution from the product of its margins.

        TC(z) = KL(q(z) || prod_j q(z_j))  ~  E_q[log D(z) - log(1 - D(z))]

    The critic D tells codes from codes whose entries were shuffled over the batch, each on its own, which has the same
    margins. The log-odds of the best critic are the logarithm of the ratio of the two densities.

    Source: Kim and Mnih (2018), https://arxiv.org/abs/1802.05983.

    Args:
        critics: What builds the critic; `assemble` gives it.
        weight: Nats per nat of total correlation.
        widths: Sizes of the critic's hidden layers; None for two of 256.
    """

    def __init__(self, critics: Critics, weight: float = 10.0, widths: Sequence[int] | None = None) -> None:
        super().__init__(critics.of_codes(None if widths is None else tuple(widths)))
        self.weight = weight

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        assert self.opponent is not None
        log_ratio: Tensor = self.opponent(trace.code.z)
        return self.weight * log_ratio

    def opponent_loss(self, trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
        assert self.opponent is not None
        z = trace.code.z.detach()
        orders = torch.rand(z.shape, generator=rng, device=z.device).argsort(0)
        shuffled = z.gather(0, orders)
        return F.softplus(-self.opponent(z)).mean() + F.softplus(self.opponent(shuffled)).mean()

    def extra_repr(self) -> str:
        return f"weight={self.weight}"
