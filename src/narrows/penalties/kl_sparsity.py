"""A price on how often each entry of the code is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class KLSparsity(Penalty):
    r"""The divergence of each entry's mean activation from a small target, for codes between 0 and 1.

        beta * sum_j [ rho log(rho / r_j) + (1 - rho) log((1 - rho) / (1 - r_j)) ],    r_j = mean of z_j in the batch

    Source: Ng, "Sparse autoencoder" (2011), lecture notes of Stanford's CS294A.

    Args:
        rho: The target mean activation, between 0 and 1.
        beta: The weight of the divergence.
    """

    needs_unit_code = True

    def __init__(self, rho: float = 0.05, beta: float = 3.0) -> None:
        super().__init__()
        if not 0 < rho < 1:
            raise ChoiceError(f"rho lies between 0 and 1, got {rho!r}")
        self.rho = rho
        self.weight = beta

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        active = trace.code.z.mean(0).clamp(1e-6, 1 - 1e-6)
        rho = torch.full_like(active, self.rho)
        kl = rho * (rho / active).log() + (1 - rho) * ((1 - rho) / (1 - active)).log()
        return self.weight * kl.sum()

    def extra_repr(self) -> str:
        return f"rho={self.rho}, beta={self.weight}"
