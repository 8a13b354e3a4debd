"""A price on the size of each entry of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Generator, Tensor

from narrows.core.contracts import Penalty
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class L1(Penalty):
    """weight * sum_j |z_j|: codes with few entries away from zero.

    Args:
        weight: Nats per unit of the code.
    """

    def __init__(self, weight: float = 0.1) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        return self.weight * trace.code.z.abs().sum(-1)

    def extra_repr(self) -> str:
        return f"weight={self.weight}"
