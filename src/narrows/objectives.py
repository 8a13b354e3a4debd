"""How a trace becomes one number: here the mean bound.

    loss(x) = distortion + rate + penalties,    distortion = -log p(x | z), in nats per sample

An objective returns the scalar to differentiate, and the honest terms to report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Generator, Tensor

from narrows.core.contracts import Objective
from narrows.core.registry import snake_case
from narrows.core.trace import Loss, Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


def log_density(trace: Trace) -> Tensor:
    """Log p(x | z) of each value in nats, (n, *s); 0 for values that are not scored."""
    log_prob = trace.prediction.log_prob(trace.x)
    return log_prob if trace.view.scored is None else log_prob * trace.view.scored


def distortion(trace: Trace) -> Tensor:
    """-log p(x | z) of each sample in nats, (n,): summed over the values that are scored."""
    return trace.prediction.distortion(trace.x, trace.view.scored)


class MeanBound(Objective):
    """The mean over the batch of distortion plus charge, plus the penalties.

    With a Gaussian bottleneck at beta = 1 this is the negative evidence lower bound (Kingma and Welling 2014).
    """

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> tuple[Tensor, Loss]:
        penalties = {snake_case(type(p).__name__): p(trace, model, rng) for p in model.penalties}
        costs = distortion(trace)
        loss = Loss(costs.detach(), trace.code.rate, penalties)
        scalar = (costs if model.bottleneck.free else costs + trace.code.charge).mean()
        for term in penalties.values():
            scalar = scalar + term.mean()
        return scalar, loss
