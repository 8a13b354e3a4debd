r"""A code drawn from a normal distribution, at the price of its divergence from the prior.

    rate = KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - 1) / 2 - log s,    summed over the code

The bottleneck of variational autoencoders.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from narrows.bottlenecks import normal, priors
from narrows.bottlenecks.price import Price
from narrows.bottlenecks.priors import Prior
from narrows.core.contracts import Bottleneck, Encoder, LinearStart
from narrows.core.errors import ChoiceError
from narrows.core.registry import Registry
from narrows.core.spec import SampleSpec
from narrows.core.trace import Code, Features

PRIORS: Registry[type[Prior]] = Registry("prior", priors)


class Gaussian(Bottleneck):
    r"""A diagonal normal posterior over the code, reparametrised: z = m + s * noise.

    With `beta=1` and nothing free distortion plus rate is the negative evidence lower bound (Kingma and Welling 2014,
    https://arxiv.org/abs/1312.6114). The rate that is reported is always the divergence itself; `beta` (Higgins et al.
    2017), `free_bits` (Kingma et al. 2016, https://arxiv.org/abs/1606.04934), `capacity` (Burgess et al. 2018,
    https://arxiv.org/abs/1804.03599) and `warmup` (Bowman et al. 2016) change only what training pays:

        charge = beta(t) * sum_j max(free_bits, mean over the batch of KL_j)
        charge = beta * |mean over the batch of KL - capacity(t)|

    Training begins as probabilistic PCA where the priors `"standard"` and `"flow"` are concerned, which begin as
    N(0, 1). Of the others the model begins with the same codes, but pays by another density.

    Args:
        latent_dim: The size d of the code. The encoder hands over 2 d features, means and log standard deviations.
        beta: The price of a nat.
        free_bits: Nats in each dimension that are not charged for; of priors that are the same in each dimension.
        capacity: Nats that the rate is drawn to; None for none.
        warmup: Over which part of a run the price, or the capacity, grows from nothing: a share of it, less than 1, or
            so many steps. Scores are at the whole price.
        prior: What codes are expected to be like: `"standard"`, `"mixture"`, `"vamp"`, `"flow"`, or a dictionary with a
            name and options.

    Raises:
        ChoiceError: An unknown prior, or a number out of range.

    >>> import torch
    >>> code = Gaussian(2)(Features(torch.zeros(1, 4)), None)
    >>> code.z, code.rate
    (tensor([[0., 0.]]), tensor([0.]))
    """

    free = False
    draws = True
    weighs = True

    def __init__(
        self,
        latent_dim: int,
        beta: float = 1.0,
        free_bits: float = 0.0,
        capacity: float | None = None,
        warmup: float = 0,
        prior: str | Mapping[str, Any] = "standard",
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.in_features = 2 * latent_dim
        self.beta = beta
        self.price = Price(beta, free_bits, capacity, warmup)
        self.priced = self.price.of_its_own
        self.prior: Prior = PRIORS.build(prior, latent_dim=latent_dim)
        if free_bits and not self.prior.by_dimension:
            raise ChoiceError("free_bits are counted in each dimension, which the prior 'standard' alone takes apart")
        self.start_rows = self.prior.start_rows

    def meet(self, encoder: Encoder, spec: SampleSpec) -> None:
        self.prior.meet(encoder, spec)

    def start(self, features: Tensor, x: Sequence[Tensor], rng: Generator) -> None:
        self.prior.start(torch.cat(list(x)))

    def forward(self, features: Features, rng: Generator | None) -> Code:
        mean, log_scale = normal.posterior(features.values)
        z = mean
        if rng is not None:
            noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
            z = torch.addcmul(mean, log_scale.exp(), noise)
        kl = self.prior.divergence(mean, log_scale, None if rng is None else z)
        return Code(z, kl.sum(-1), self.price(kl), features.side, features.values)

    def posterior(self, features: Features) -> tuple[Tensor, Tensor]:
        mean, log_scale = normal.posterior(features.values)
        return mean, log_scale.exp()

    def linear_start(self, variances: Tensor, noise: Tensor) -> LinearStart:
        """Probabilistic PCA (Tipping and Bishop 1999), whose exact posterior is diagonal in the principal axes."""
        return normal.start(self.latent_dim, variances, noise)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return self.prior.sample(n, rng)

    def log_prior(self, z: Tensor) -> Tensor:
        return self.prior.log_prob(z)

    def log_posterior(self, features: Features, z: Tensor) -> Tensor:
        return normal.log_prob(z, *normal.posterior(features.values))

    def __repr__(self) -> str:
        prior = "" if isinstance(self.prior, priors.Standard) else f", prior={self.prior}"
        return f"Gaussian(latent_dim={self.latent_dim}, {self.price.options()}{prior})"
