"""A price on codes that a critic can tell from draws of the prior."""

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


class Adversarial(Penalty):
    r"""weight * -log D(z): codes that look like draws of the prior N(0, 1) to a critic D of codes.

        the critic wants     E_{N(0, 1)}[-log D(z)] + E_q[-log(1 - D(z))]    to be small

    Where the critic is at a loss, D = 1/2 and the price is weight * log 2.

    Source: Makhzani, Shlens, Jaitly, Goodfellow and Frey (2016), https://arxiv.org/abs/1511.05644.

    Args:
        critics: What builds the critic; `assemble` gives it.
        weight: Nats per nat of the critic's verdict.
        widths: Sizes of the critic's hidden layers; None for two of 256.
    """

    def __init__(self, critics: Critics, weight: float = 10.0, widths: Sequence[int] | None = None) -> None:
        super().__init__(critics.of_codes(None if widths is None else tuple(widths)))
        self.weight = weight

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        assert self.opponent is not None
        return self.weight * F.softplus(-self.opponent(trace.code.z))

    def opponent_loss(self, trace: Trace, model: AutoencoderModule, rng: Generator) -> Tensor:
        assert self.opponent is not None
        z = trace.code.z.detach()
        prior = torch.randn(z.shape, generator=rng, device=z.device, dtype=z.dtype)
        return F.softplus(-self.opponent(prior)).mean() + F.softplus(self.opponent(z)).mean()

    def extra_repr(self) -> str:
        return f"weight={self.weight}"
