"""The bound that goes over all that a discrete part of the code may be, instead of drawing it.

loss(x) = sum_y q(y | x) [-log p(x | y, z) + charge(y)] + penalties, in nats per sample
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Objective
from narrows.core.registry import snake_case
from narrows.core.trace import Loss, Trace
from narrows.objectives.terms import distortion

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class MarginalBound(Objective):
    """The mean over the batch of distortion plus charge, each averaged over the branches of the code, plus penalties.

    A code without a discrete part has one branch, and this is the mean bound.

    Source: Kingma, Rezende, Mohamed and Welling (2014), https://arxiv.org/abs/1406.5298.

    >>> MarginalBound()
    MarginalBound()
    """

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties = {snake_case(type(p).__name__): p(trace, model, rng) for p in model.penalties}
        found = model.bottleneck.branches(trace.code, trace.view.context, rng)
        passes = [Trace(trace.x, trace.view, b.code, model.decode(b.code, trace.view.context)) for b in found]
        weights = torch.stack([branch.weight for branch in found])
        costs = (weights * torch.stack([distortion(one) for one in passes])).sum(0)
        rate, charge = (
            (weights * torch.stack(terms)).sum(0)
            for terms in ([b.code.rate for b in found], [b.code.charge for b in found])
        )
        scalar = (costs if model.bottleneck.free else costs + charge).mean()
        for term in penalties.values():
            scalar = scalar + term.mean()
        return scalar, Loss(costs.detach(), rate.detach(), penalties)
