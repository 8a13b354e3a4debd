r"""A Poisson distribution for each count.

-log p(x | z) = exp(r) - x r + log x!,    r = decoder's output, the log of the rate
"""

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.spec import SampleSpec


class Poisson(Likelihood):
    r"""Counts of rare events, x ~ Poisson(exp(r)): mean and variance are one.

    The point estimate is the median, to within a hundredth of a count or so the whole number at or below
    exp(r) + 1/3 (Choi 1994, https://doi.org/10.1090/S0002-9939-1994-1195477-8).

    >>> import torch
    >>> log_rate, x = torch.zeros(1, 1, 2), torch.tensor([[0.0, 2.0]])
    >>> Poisson().log_prob(log_rate, x)
    tensor([[-1.0000, -1.6931]])
    """

    support = "count"
    density = False
    linear_mean = False
    limit = 15.0
    """The largest log rate, three million events."""

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (1, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        rate = params.squeeze(1).clamp(max=self.limit)
        return x * rate - rate.exp() - torch.lgamma(x + 1)

    def mean(self, params: Tensor) -> Tensor:
        return params.squeeze(1).clamp(max=self.limit).exp()

    def median(self, params: Tensor) -> Tensor:
        return (self.mean(params) + 1 / 3).floor()

    def mode(self, params: Tensor) -> Tensor:
        return self.mean(params).floor()

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        return torch.poisson(self.mean(params), generator=rng)

    def marginal(self, mean: Tensor, variance: Tensor) -> Tensor:
        return mean.clamp(min=1e-6).log().unsqueeze(0)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        pass
