"""A price on codes by which a sample cannot be told from others when it is seen again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Corruption, Penalty
from narrows.core.errors import ChoiceError
from narrows.core.trace import Trace

if TYPE_CHECKING:
    from narrows.model import AutoencoderModule


class Contrastive(Penalty):
    r"""The cross-entropy of telling which sample of the batch it is that is seen again, by the angle of codes.

        weight * size * -log [exp(cos(z_i, u_i) / t) / sum_j exp(cos(z_i, u_j) / t)],    u_j = f(views(x_j))

    Angles are seen from the mean code of the batch. What two views of a sample have in common comes to weigh more in
    its code, and what they do not have in common less; since the sample is rebuilt all the same, that is not lost. So
    codes are near where samples are alike, not where they are equal value by value.

    The price is per value of a sample, of which there are `size`, as the distortion is a sum over them. Without a
    generator every batch is seen again in the same way.

    Source: van den Oord, Li and Vinyals (2018), https://arxiv.org/abs/1807.03748; Chen, Kornblith, Norouzi and Hinton
    (2020), https://arxiv.org/abs/2002.05709.

    Args:
        corruptions: What builds a corruption of such samples; `assemble` gives it.
        weight: Nats per value for each nat of cross-entropy.
        temperature: The t of the equation: the less, the more the nearest of the other samples count.
        views: How a sample is seen again: a corruption, by name, with options, or a list of them.
    """

    needs_dense = True

    def __init__(
        self,
        corruptions: Callable[[Any], Corruption],
        weight: float = 0.05,
        temperature: float = 0.2,
        views: Any = "gaussian_noise",
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ChoiceError(f"the temperature is a number greater than 0, got {temperature!r}")
        self.weight = weight
        self.temperature = temperature
        self.views = corruptions(views)

    def forward(self, trace: Trace, model: AutoencoderModule, rng: Generator | None) -> Tensor:
        z = trace.code.z.float()
        rng = rng or Generator(z.device).manual_seed(0)
        u = model.encode(self.views(trace.view, rng)).z.float()
        mean = z.mean(0)
        alike = F.normalize(z - mean, dim=1) @ F.normalize(u - mean, dim=1).T
        own = torch.arange(len(z), device=z.device)
        return self.weight * model.spec.size * F.cross_entropy(alike / self.temperature, own, reduction="none")

    def extra_repr(self) -> str:
        return f"weight={self.weight}, temperature={self.temperature}"
