r"""A code on the unit sphere, drawn about a direction.

    z ~ vMF(mu, kappa),   p(z | mu, kappa) proportional to exp(kappa mu . z),   rate = KL(vMF(mu, kappa) || uniform)

With t = mu . z everything comes down to one dimension, p(t) proportional to exp(kappa t) (1 - t^2)^((d - 3) / 2), which
is summed over a grid where it lies: normaliser, mean and quantiles, with their gradients, at any concentration.
"""

from __future__ import annotations

from math import lgamma, log, pi

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from narrows.bottlenecks.price import Price
from narrows.core.contracts import Bottleneck
from narrows.core.errors import ChoiceError
from narrows.core.trace import Code, Features

NODES = 513
"""Points of the grid."""
REACH = 16.0
"""How many standard deviations it reaches to either side."""


def log_area(latent_dim: int) -> float:
    """Log of the surface of the unit sphere in so many dimensions.

    >>> round(log_area(3), 6) == round(log(4 * pi), 6)
    True
    """
    return log(2) + 0.5 * latent_dim * log(pi) - lgamma(0.5 * latent_dim)


def cosines(kappa: Tensor, latent_dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """The distribution of t = mu . z on a grid, in a = artanh(t), where its log-density is smooth.

    Args:
        kappa: Concentrations, (n,).
        latent_dim: d, at least 2.

    Returns:
        The grid of t, (n, nodes); the log-weight of each node, which add up to the integral of
        exp(kappa (t - 1)) (1 - t^2)^((d - 3) / 2) dt, (n, nodes); and the steps of a, (n,).
    """
    with torch.no_grad():  # where the density lies; the sum is the same wherever the grid is laid
        m = latent_dim - 1.0
        middle = 2 * kappa / (m + (m * m + 4 * kappa * kappa).sqrt())  # mode of t
        spread = ((1 - middle.square()) * (2 * kappa * middle + m)).clamp(min=1e-30).rsqrt()
        steps = 2 * REACH * spread / (NODES - 1)
        grid = torch.linspace(-REACH, REACH, NODES, dtype=kappa.dtype, device=kappa.device)
        a = torch.atanh(middle).unsqueeze(1) + spread.unsqueeze(1) * grid
        below = -F.softplus(2 * a) - F.softplus(-2 * a) + 2 * log(2)  # log(1 - t^2)
        short = -2 * (-2 * a).exp() / (1 + (-2 * a).exp())  # t - 1
        short = torch.where(a > 0, short, a.tanh() - 1)
    logs = kappa.unsqueeze(1) * short + 0.5 * m * below + steps.log().unsqueeze(1)
    return a.tanh(), logs, a


class Hyperspherical(Bottleneck):
    r"""A von Mises-Fisher posterior over directions, at the price of its divergence from the uniform distribution.

    Codes are points of the unit sphere in d dimensions, so that only directions mean anything; the mean code is mu.
    There is no linear way to it, so that such a model does not begin as PCA and promises nothing about it.

    Source: Davidson, Falorsi, De Cao, Kipf and Tomczak (2018), Hyperspherical variational auto-encoders,
    https://arxiv.org/abs/1804.00891; cosines are drawn by their quantiles instead of by rejection.

    Args:
        latent_dim: The dimension d of the space around the sphere, at least 2. The encoder hands over d + 1 features, a
            direction and a concentration.
        beta: The price of a nat.
        warmup: Over which part of a run the price grows from nothing, see `Price`.

    Raises:
        ChoiceError: A sphere of less than two dimensions, or a number out of range.

    >>> z = Hyperspherical(3)(Features(torch.tensor([[3.0, 0.0, 4.0, 1.0]])), None).z
    >>> z
    tensor([[0.6000, 0.0000, 0.8000]])
    """

    free = False
    draws = True
    weighs = True

    def __init__(self, latent_dim: int, beta: float = 1.0, warmup: float = 0) -> None:
        super().__init__()
        if latent_dim < 2:
            raise ChoiceError(f"a sphere has at least 2 dimensions around it, got latent_dim={latent_dim}")
        self.latent_dim = latent_dim
        self.in_features = latent_dim + 1
        self.price = Price(beta, warmup=warmup)

    @property
    def priced(self) -> bool:  # type: ignore[override]
        return self.price.of_its_own

    def forward(self, features: Features, rng: Generator | None) -> Code:
        mu, kappa = self._posterior(features.values)
        t, logs, a = cosines(kappa, self.latent_dim)
        whole = logs.logsumexp(1)
        shares = (logs - whole.unsqueeze(1)).exp()
        mean = (shares * t).sum(1)
        rate = (kappa * (mean - 1) - whole + self._log_uniform()).float()
        z = mu if rng is None else self._drawn(mu, shares, a, rng)
        return Code(z, rate, self.price(rate.unsqueeze(1)), features.side, features.values)

    def sample(self, n: int, rng: Generator) -> Tensor:
        return F.normalize(torch.randn(n, self.latent_dim, generator=rng, device=rng.device), dim=1)

    def log_prior(self, z: Tensor) -> Tensor:
        """With respect to the surface of the sphere."""
        return z.new_full((len(z),), -log_area(self.latent_dim))

    def log_posterior(self, features: Features, z: Tensor) -> Tensor:
        """With respect to the surface of the sphere."""
        mu, kappa = self._posterior(features.values)
        _, logs, _ = cosines(kappa, self.latent_dim)
        away = kappa * ((mu * z).sum(1).double() - 1)
        return (away - logs.logsumexp(1) - log_area(self.latent_dim - 1)).to(z.dtype)

    def linear_start(self, variances: Tensor, noise: Tensor) -> None:
        return None

    def _posterior(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Directions (n, d), and concentrations (n,) in double precision."""
        return F.normalize(values[:, :-1], dim=1), F.softplus(values[:, -1]).double() + 1e-3

    def _log_uniform(self) -> float:
        """Log of the integral of (1 - t^2)^((d - 3) / 2), of which the uniform distribution of t is made."""
        return log_area(self.latent_dim) - log_area(self.latent_dim - 1)

    def _drawn(self, mu: Tensor, shares: Tensor, a: Tensor, rng: Generator) -> Tensor:
        """A cosine by its quantile, and a direction across."""
        u = torch.rand(len(mu), 1, generator=rng, device=mu.device, dtype=shares.dtype)
        edges = shares.cumsum(1) - 0.5 * shares  # up to the middle of each node
        upper = torch.searchsorted(edges.detach(), u).clamp(1, NODES - 1)
        low, high = edges.gather(1, upper - 1), edges.gather(1, upper)
        a_low, a_high = a.gather(1, upper - 1), a.gather(1, upper)
        part = ((u - low) / (high - low).clamp(min=1e-300)).clamp(0, 1)
        drawn = (a_low + part * (a_high - a_low)).to(mu.dtype)
        across = torch.randn(mu.shape, generator=rng, device=mu.device, dtype=mu.dtype)
        across = F.normalize(across - (across * mu).sum(1, keepdim=True) * mu, dim=1)
        return drawn.tanh() * mu + across / drawn.cosh()

    def __repr__(self) -> str:
        return f"Hyperspherical(latent_dim={self.latent_dim}, {self.price.options()})"
