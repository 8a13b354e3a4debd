r"""A code drawn from a normal distribution, at the price of its divergence from the prior.

    rate = KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1) / 2 - log s,    summed over the code

The bottleneck of variational autoencoders.
"""

from math import log, pi

import torch
from torch import Generator, Tensor

from narrows.core.contracts import Bottleneck, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features


class Gaussian(Bottleneck):
    r"""A diagonal normal posterior over the code, reparametrised: z = m + s * noise.

    With `beta=1` and `free_bits=0` distortion plus rate is the negative evidence lower bound (Kingma and Welling 2014,
    https://arxiv.org/abs/1312.6114). The rate that is reported is always the divergence itself; `beta` (Higgins et al.
    2017) and `free_bits` (Kingma et al. 2016, https://arxiv.org/abs/1606.04934) change only what training pays:

        charge = beta * sum_j max(free_bits, mean over the batch of KL_j)

    Args:
        latent_dim: The size d of the code. The encoder hands over 2 d features, means and log standard deviations.
        beta: The price of a nat.
        free_bits: Nats in each dimension that are not charged for.

    >>> import torch
    >>> code = Gaussian(2)(Features(torch.zeros(1, 4)), None)
    >>> code.z, code.rate
    (tensor([[0., 0.]]), tensor([0.]))
    """

    free = False
    draws = True
    limits = (-9.0, 5.0)
    """Bounds of the log standard deviation: far from any useful posterior, near enough to stay finite."""

    def __init__(self, latent_dim: int, beta: float = 1.0, free_bits: float = 0.0) -> None:
        super().__init__()
        if beta < 0 or free_bits < 0:
            raise ChoiceError(f"beta and free_bits are at least 0, got beta={beta!r} and free_bits={free_bits!r}")
        self.latent_dim = latent_dim
        self.in_features = 2 * latent_dim
        self.beta = beta
        self.free_bits = free_bits

    def forward(self, features: Features, rng: Generator | None) -> Code:
        mean, log_scale = self._halves(features)
        scale = log_scale.exp()
        kl = 0.5 * (mean.square() + scale.square() - 1) - log_scale
        rate = kl.sum(-1)
        charge = rate if self.free_bits == 0 else kl.mean(0).clamp(min=self.free_bits).sum().expand_as(rate)
        z = mean
        if rng is not None:
            noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
            z = torch.addcmul(mean, scale, noise)
        return Code(z, rate=rate, charge=self.beta * charge, side=features.side)

    def posterior(self, features: Features) -> tuple[Tensor, Tensor]:
        mean, log_scale = self._halves(features)
        return mean, log_scale.exp()

    def _halves(self, features: Features) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation."""
        mean, log_scale = features.values.chunk(2, dim=-1)
        return mean, log_scale.clamp(*self.limits)

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart:
        """Probabilistic PCA (Tipping and Bishop 1999), whose exact posterior is diagonal in the principal axes."""
        noise = noise.clamp(min=1e-8)
        signal = (variances - noise).clamp(min=0).sqrt()
        shared = torch.maximum(variances, noise)
        unused = variances.new_zeros(self.latent_dim - len(variances))
        log_scales = torch.cat([0.5 * (noise.log() - shared.log()), unused])
        return LinearStart(signal / shared, signal, torch.zeros_like(signal), torch.cat([unused, log_scales]))

    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.randn(n, self.latent_dim, generator=rng, device=rng.device)

    def log_prior(self, z: Tensor) -> Tensor:
        return -0.5 * (z.square().sum(-1) + self.latent_dim * log(2 * pi))

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, beta={self.beta}, free_bits={self.free_bits}"
