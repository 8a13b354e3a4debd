r"""A code of bits, each a coin that the encoder weights, at the price of its divergence from the prior.

    z_j ~ Bernoulli(p_j),  p = sigmoid(f)        rate = sum_j KL(p_j || q_j)

The bottleneck of restricted Boltzmann machines, and of codes that are compared bit by bit.
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from narrows.core.contracts import LinearStart, Quantizer
from narrows.core.errors import ChoiceError, unknown
from narrows.core.trace import Code, Features

Prior = Literal["coin", "learned"]
Undrawn = Literal["bit", "probability"]


class Binary(Quantizer):
    r"""Bits that are drawn in training, with a gradient that passes straight through to their probabilities.

    Source: Bengio, Leonard and Courville (2013), https://arxiv.org/abs/1308.3432.

    Args:
        latent_dim: The number of bits d.
        prior: `"coin"`, a fair coin for each bit, or `"learned"`, a coin for each whose weight is learned.
        beta: The price of a nat.
        undrawn: What stands for a bit where nothing is drawn: `"bit"`, the more probable one, or its `"probability"`.

    >>> import torch
    >>> part = Binary(2)
    >>> part(Features(torch.tensor([[-1.0, 2.0]])), None).z
    tensor([[0., 1.]])
    """

    free = False
    draws = True
    unit_code = True

    prior_logits: Tensor

    def __init__(self, latent_dim: int, prior: Prior = "coin", beta: float = 1.0, undrawn: Undrawn = "bit") -> None:
        super().__init__()
        if prior not in get_args(Prior):
            raise unknown("prior", prior, get_args(Prior))
        if undrawn not in get_args(Undrawn):
            raise unknown("undrawn", undrawn, get_args(Undrawn))
        if not beta >= 0:
            raise ChoiceError(f"beta is at least 0, got {beta!r}")
        self.latent_dim = self.in_features = latent_dim
        self.sizes = (2,) * latent_dim
        self.beta = beta
        self.undrawn = undrawn
        if prior == "learned":
            self.prior_logits = nn.Parameter(torch.zeros(latent_dim))
        else:
            self.register_buffer("prior_logits", torch.zeros(latent_dim))

    def forward(self, features: Features, rng: Generator | None) -> Code:
        logits = features.values.float()
        p = logits.sigmoid()
        if rng is not None:
            bits = (torch.rand(p.shape, generator=rng, device=p.device, dtype=p.dtype) < p).to(p.dtype)
        else:
            bits = (logits > 0).to(p.dtype)
        z = p if rng is None and self.undrawn == "probability" else p + (bits - p).detach()
        q = self.prior_logits
        ones = p * (F.logsigmoid(logits) - F.logsigmoid(q))
        zeros = (1 - p) * (F.logsigmoid(-logits) - F.logsigmoid(-q))
        rate = (ones + zeros).sum(-1)
        return Code(z, rate, self.beta * rate, features.side)

    def indices(self, features: Features) -> Tensor:
        return (features.values > 0).long()

    def values(self, indices: Tensor) -> Tensor:
        return indices.to(self.prior_logits.dtype)

    def symbols(self, z: Tensor) -> Tensor:
        return (z > 0.5).long()

    def shares(self) -> tuple[Tensor, ...]:
        q = self.prior_logits.detach().sigmoid()
        return tuple(torch.stack([1 - q, q], -1))

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart | None:
        """None: a bit is far from linear."""
        return None

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, beta={self.beta}, undrawn={self.undrawn!r}"
