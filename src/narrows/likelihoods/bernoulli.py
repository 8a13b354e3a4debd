r"""A coin for each value, and binary cross-entropy for values between 0 and 1.

    -log p(x | z) = -x log p - (1 - x) log(1 - p),    p = sigmoid(decoder's output)

The decoder's output is the log-odds, so that no activation is hidden in a network.
"""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.core.contracts import Likelihood
from narrows.core.spec import SampleSpec


class Bernoulli(Likelihood):
    r"""Binary cross-entropy: x in {0, 1}, or a grey level in [0, 1] read as a probability.

    For grey levels the distortion has a floor above zero, the entropy of the levels themselves. The point estimate is
    the probability; data of integer or boolean type is rounded on its way out, which gives the median.

    >>> import torch
    >>> logits, x = torch.zeros(1, 1, 2), torch.tensor([[0.0, 1.0]])
    >>> Bernoulli().log_prob(logits, x)
    tensor([[-0.6931, -0.6931]])
    """

    support = "unit"
    density = False
    natural = True
    linear_mean = False

    def params_shape(self, spec: SampleSpec) -> tuple[int, ...]:
        return (1, *spec.shape)

    def log_prob(self, params: Tensor, x: Tensor) -> Tensor:
        logits = params.squeeze(1)
        return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")

    def mean(self, params: Tensor) -> Tensor:
        return params.squeeze(1).sigmoid()

    def median(self, params: Tensor) -> Tensor:
        return self.mean(params)

    def mode(self, params: Tensor) -> Tensor:
        return (params.squeeze(1) > 0).to(params.dtype)

    def sample(self, params: Tensor, rng: Generator) -> Tensor:
        p = self.mean(params)
        return (torch.rand(p.shape, generator=rng, device=p.device, dtype=p.dtype) < p).to(p.dtype)

    def marginal(self, mean: Tensor, variance: Tensor) -> Tensor:
        return mean.logit(1e-6).unsqueeze(0)

    def start(self, mean: Tensor, variance: Tensor, noise: Tensor) -> None:
        pass
