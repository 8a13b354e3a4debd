r"""A Laplace distribution for each value: absolute error, which a few wild values cannot rule.

    -log p(x | z) = |x - m| / b + log(2 b)

The decoder's output is the median m; b is the mean absolute deviation from it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.errors import ChoiceError
from narrows.core.spec import SampleSpec
from narrows.core.trace import Trace
from narrows.likelihoods.running import found_errors


class Laplace(Likelihood):
    r"""Absolute error as a log-density: x ~ Laplace(m, b), for data with heavy tails.

    A learned scale follows the maximum-likelihood solution, the mean absolute residual, by a moving average after each
    step, as that of `Normal` does (Rybkin, Daniilidis and Levine 2021, https://arxiv.org/abs/2006.13202).

    Args:
        scale: The mean absolute deviation b in the units of the (scaled) data, or `"learned"`. With `scale=1` the
            distortion is the absolute error plus a constant.
        floor: The least learned scale, the resolution of the data: a density may not grow without bound.
        scales: The shape of the learned scale: () for one of all values, or that of a sample for one each.

    >>> import torch
    >>> m, x = torch.zeros(1, 1, 2), torch.tensor([[0.0, 1.0]])
    >>> Laplace().log_prob(m, x)
    tensor([[-0.6931, -1.6931]])
    """

    support = "real"
    density = True
    linear_mean = True
    memory = 0.98
    """Share of the old scale that one step keeps."""

    deviation: Tensor

    def __init__(
        self, scale: float | Literal["learned"] = 1.0, floor: float = 1e-3, scales: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.learned = scale == "learned"
        if not self.learned and not (isinstance(scale, int | float) and scale > 0):
            raise ChoiceError(f"the scale of a Laplace likelihood is a positive number or 'learned', got {scale!r}")
        self.scale = 1.0 if scale == "learned" else float(scale)
        self.floor = floor
        self.register_buffer("deviation", torch.full(tuple(scales), self.scale))

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (1, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        return -(x - self.mean(params)).abs() / self.deviation - (2 * self.deviation).log()

    def mean(self, params: Tensor) -> Tensor:
        return params.squeeze(1)

    def median(self, params: Tensor) -> Tensor:
        return self.mean(params)

    def mode(self, params: Tensor) -> Tensor:
        return self.mean(params)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        m = self.mean(params)
        u = torch.rand(m.shape, generator=rng, device=m.device, dtype=m.dtype) - 0.5
        return m - self.deviation * u.sign() * torch.log1p(-2 * u.abs().clamp(max=0.5 - 1e-7))

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        if self.learned:
            self.deviation.copy_((noise / 2).sqrt().clamp(min=self.floor))

    @torch.no_grad()
    def after_step(self, trace: Trace, rng: Generator) -> None:
        if not self.learned:
            return
        found = found_errors(trace, lambda params, x: (x - self.mean(params)).abs(), self.deviation)
        self.deviation.mul_(self.memory).add_(found.clamp(min=self.floor), alpha=1 - self.memory)

    def extra_repr(self) -> str:
        return "scale=learned" if self.learned else f"scale={self.scale:.4g}"
