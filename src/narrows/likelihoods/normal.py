r"""A normal distribution for each value, with one scale for all of them, or one each.

    -log p(x | z) = (x - m)^2 / (2 s^2) + log s + log(2 pi) / 2

Squared error, weighed by how much noise there is.
"""

from collections.abc import Sequence
from math import log, pi
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Trace
from narrows.likelihoods.running import found_errors


class Normal(Likelihood):
    r"""Squared error as a log-density: x ~ N(m, s^2), where the decoder's output is the mean m.

    A learned scale follows the maximum-likelihood solution, the mean squared residual, by a moving average after each
    step, so that distortion and rate are weighed as the data says and no optimiser has to find the scale (sigma-VAE,
    Rybkin, Daniilidis and Levine 2021, https://arxiv.org/abs/2006.13202).

    Args:
        scale: The standard deviation s in the units of the (scaled) data, or `"learned"`. With `scale=1` the distortion
            is half the squared error plus a constant.
        floor: The least learned scale, the resolution of the data: a density may not grow without bound.
        scales: The shape of the learned scale: () for one of all values, or that of a sample for one each.

    >>> import torch
    >>> m, x = torch.zeros(1, 1, 2), torch.tensor([[0.0, 1.0]])
    >>> Normal().log_prob(m, x)
    tensor([[-0.9189, -1.4189]])
    """

    support = "real"
    density = True
    linear_mean = True
    memory = 0.98
    """Share of the old squared scale that one step keeps."""

    variance: Tensor

    def __init__(
        self, scale: float | Literal["learned"] = 1.0, floor: float = 1e-3, scales: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.learned = scale == "learned"
        if not self.learned and not (isinstance(scale, int | float) and scale > 0):
            raise ChoiceError(f"the scale of a normal likelihood is a positive number or 'learned', got {scale!r}")
        self.scale = 1.0 if scale == "learned" else float(scale)
        self.natural = not self.learned and self.scale == 1.0
        self.floor = floor
        self.register_buffer("variance", torch.full(tuple(scales), self.scale**2))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (1, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        squares = F.mse_loss(self.mean(params), x, reduction="none")
        if self.learned:
            return torch.addcmul(-0.5 * torch.log(2 * pi * self.variance), squares, -0.5 / self.variance)
        return torch.rsub(squares, -0.5 * log(2 * pi * self.scale**2), alpha=0.5 / self.scale**2)

    def distortion(self, params: Tensor, x: Tensor) -> Tensor:
        if self.variance.ndim:
            return super().distortion(params, x)
        squares = F.mse_loss(self.mean(params), x, reduction="none").flatten(1).sum(1)
        values = x[0].numel()
        if self.learned:
            return torch.addcmul(0.5 * values * torch.log(2 * pi * self.variance), squares, 0.5 / self.variance)
        return torch.rsub(squares, 0.5 * values * log(2 * pi * self.scale**2), alpha=-0.5 / self.scale**2)

    def mean(self, params: Tensor) -> Tensor:
        return params.squeeze(1)

    def median(self, params: Tensor) -> Tensor:
        return self.mean(params)

    def mode(self, params: Tensor) -> Tensor:
        return self.mean(params)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        mean = self.mean(params)
        noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        return mean + self.variance.sqrt() * noise

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        if self.learned:
            self.variance.copy_(noise.clamp(min=self.floor**2))

    def noise(self) -> Tensor | None:
        return self.variance.mean()

    @torch.no_grad()
    def after_step(self, trace: Trace, rng: Generator) -> None:
        if not self.learned:
            return
        found = found_errors(trace, lambda params, x: (x - self.mean(params)).square(), self.variance)
        self.variance.mul_(self.memory).add_(found.clamp(min=self.floor**2), alpha=1 - self.memory)

    def extra_repr(self) -> str:
        return "scale=learned" if self.learned else f"scale={self.scale:.4g}"
