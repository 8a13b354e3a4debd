"""The mean bound: what is lost, what the code is charged, and penalties.

loss(x) = distortion + rate + penalties,    distortion = -log p(x | z), in nats per sample
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Generator, Tensor

from narrows.core.contracts import Objective
from narrows.core.trace import Loss, Trace
from narrows.objectives.terms import distortion, paid

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class MeanBound(Objective):
    """The mean over the batch of distortion plus charge, plus the penalties.

    With a Gaussian bottleneck at beta = 1 this is the negative evidence lower bound.

    Source: Kingma and Welling (2014), https://arxiv.org/abs/1312.6114.

    >>> MeanBound()
    MeanBound()
    """

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties, extra = paid(trace, model, rng)
        costs = distortion(trace)
        charge = trace.code.charge if model.bottleneck.priced else None
        loss = Loss(costs.detach(), trace.code.rate, penalties, charge)
        return (costs if model.bottleneck.free else costs + trace.code.charge).mean() + extra, loss
